"""The queue: order per key, leases, tries after passing faults, crashes, quarantine, retention."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from command import environment
from feedengine import ingest
from feedengine.errors import CatalogBusy, UsageError
from feedengine.ledger import Queue, process
from feedengine.ledger.database import moment
from feedengine.service import housekeeping, spool
from feedengine.service.again import again
from feedengine.service.lease import Lease
from feedengine.service.quarantine import poisonous
from feedengine.service.recovery import recover
from feedengine.service.worker import backoff, share
from service.place import Place

SYNC = "id,item_name\nA,a\nB,b\nC,c\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def gone() -> str:
    """A process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = process.identity(child.pid)
    child.communicate(b"\n")
    return identity


def worked_on_by(place: Place, number: int, worker: str, lease: float = 30.0) -> None:
    """Have a task in progress elsewhere."""
    assert place.queue.claim(lease) is not None
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET worker = ? WHERE id = ?", [worker, number])


@pytest.mark.feature("C34", "W12", "P18")
def test_one_key_in_order_and_keys_side_by_side(place: Place) -> None:
    numbers = [place.land(place.name("delta", key), SYNC) for key in ("key_a1", "key_a1", "key_b2", "key_a1")]
    assert place.queue.positions() == dict(zip(numbers, (1, 2, 1, 3), strict=True))
    first, other = place.queue.claim(30), place.queue.claim(30)
    assert [task.id for task in (first, other) if task] == [numbers[0], numbers[2]]
    assert place.queue.claim(30) is None
    assert first is not None
    place.store.ledger.finish(first.id, "ok")
    follower = place.queue.claim(30)
    assert follower is not None and follower.id == numbers[1]


def test_two_workers_never_get_the_same_task(place: Place) -> None:
    for number in range(30):
        place.queue.add(key=f"key_{number}", section="Products", operation="delta", filename="f.csv", path="f.csv")
    got: list[int] = []

    def take() -> None:
        from feedengine.ledger import Ledger

        own = Queue(Ledger(place.store.ledger.path))
        while (task := own.claim(30)) is not None:
            got.append(task.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(1, 31))


def test_files_are_put_in_order_of_their_times_where_that_is_wanted(place: Place) -> None:
    late = place.land("key_a1_Products_delta_2026-11-21-09-00-00.csv", SYNC)
    early = place.land("key_a1_Products_delta_2026-11-21-08-00-00.csv", SYNC)
    assert place.queue.claim(30, window=60) is None
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET submission_time = '2026-11-21T00:00:00Z'")
    task = place.queue.claim(30, window=60)
    assert task is not None and (task.id, late) == (early, 1)


def test_a_lease_is_kept_by_its_heartbeat_and_lost_without(place: Place) -> None:
    place.land(place.name("sync"), SYNC)
    task = place.queue.claim(0.3)
    assert task is not None
    with Lease(place.queue, task.id, 0.3):
        deadline = time.monotonic() + 120
        while (place.task(task.id).lease_until or "") <= (task.lease_until or ""):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET worker = 'elsewhere 1 1'")
    assert not place.queue.renew(task.id, 30)
    with pytest.raises(UsageError):
        place.store.ledger.finish(task.id, "ok")


def test_a_task_of_a_dead_process_is_done_by_another(place: Place) -> None:
    number = place.land(place.name("sync"), SYNC)
    assert number is not None
    worked_on_by(place, number, gone())
    assert recover(place.store, place.settings, place.diary) == [number]
    assert place.task(number).status == "QUEUED"
    place.work()
    assert (place.task(number).outcome, place.task(number).attempts) == ("ok", 2)


def test_a_worker_of_another_machine_keeps_its_task_until_the_lease_ends(place: Place) -> None:
    number = place.land(place.name("sync"), SYNC)
    assert number is not None
    worked_on_by(place, number, "elsewhere 1 1")
    assert recover(place.store, place.settings, place.diary) == []
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET lease_until = ?", [moment(-1)])
    assert recover(place.store, place.settings, place.diary) == [number]


@pytest.mark.feature("W10")
@pytest.mark.parametrize("report_lost", [False, True], ids=["with its report", "after a power failure"])
def test_a_task_that_was_applied_before_the_crash_is_done(
    place: Place, report_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = place.land(place.name("sync"), SYNC)
    assert number is not None

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(ingest.carrying, "close_done", die)
        with pytest.raises(SystemExit):
            place.worker.step()
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET worker = ?", [gone()])
        if report_lost:
            con.execute("UPDATE tasks SET report = NULL")
    assert place.task(number).status == "IN_PROGRESS" and place.items()["A"] == "a"
    recover(place.store, place.settings, place.diary)
    done = place.task(number)
    assert (done.status, done.outcome, done.new_snapshot) == ("DONE", "ok", 1)
    assert (done.report or {})["entities"]["items"]["added"] == 3
    place.work()
    with place.store.catalog("key_a1") as catalog:
        assert [info.number for info in catalog.snapshots()] == [1]


def test_a_command_does_not_take_a_crashed_task_for_failed(place: Place) -> None:
    number = place.land(place.name("sync"), SYNC)
    assert number is not None
    worked_on_by(place, number, gone())
    ingest.recover(place.store)
    assert place.task(number).status == "IN_PROGRESS"
    mine = place.store.ledger.begin(key=None, section=None, operation="sync")
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET worker = ? WHERE id = ?", [gone(), mine])
    ingest.recover(place.store)
    assert (place.task(mine).status, place.task(mine).outcome) == ("FAILED", "interrupted")


def test_a_file_that_kills_its_worker_twice_is_put_aside_and_the_queue_goes_on(place: Place) -> None:
    number, after = place.land(place.name("sync"), SYNC), place.land(place.name("sync"), SYNC)
    assert number is not None
    for _ in range(2):
        dead = gone()
        worked_on_by(place, number, dead)
        place.queue.count_crash(dead)
        recover(place.store, place.settings, place.diary)
    place.work()
    aside = place.task(number)
    assert (aside.status, aside.outcome, aside.crashes) == ("FAILED", "quarantined", 2)
    assert (place.store.root / "quarantine" / str(number) / str(aside.filename)).read_text() == SYNC
    assert place.task(after).outcome == "ok"
    again(place.store, place.settings, number, actor="ann")
    place.work()
    assert place.task(number).status == "DONE"


def test_what_was_put_aside_is_kept_as_long_as_other_copies(place: Place) -> None:
    number = place.land(place.name("sync"), SYNC)
    assert number is not None
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET crashes = 2")
    place.work()
    place.follow(number)
    aside = place.store.root / "quarantine" / str(number)
    housekeeping.retain(place.store, place.settings, place.diary)
    assert aside.is_dir()
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET last_update = ?", [moment(-8 * 86400)])
    housekeeping.retain(place.store, place.settings, place.diary)
    assert not aside.exists() and place.task(number).path is None
    with pytest.raises(UsageError, match="no longer kept"):
        again(place.store, place.settings, number, actor="ann")


def test_old_reports_go_and_newer_ones_stay(place: Place) -> None:
    numbers = [place.land(place.name("sync"), SYNC) for _ in range(2)]
    place.work()
    for number in numbers:
        assert number is not None
        place.follow(number)
    folder = place.home / "reports" / "feeds"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {str(number) for number in numbers}
    long_ago = time.time() - 366 * 86400
    os.utime(folder / str(numbers[0]), (long_ago, long_ago))
    housekeeping.retain(place.store, place.settings, place.diary)
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {str(numbers[1])}


def test_a_sender_is_told_nothing_of_our_folders(place: Place) -> None:
    number = place.land(place.name("sync"), SYNC)
    assert number is not None
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET crashes = 2")
    place.work()
    place.follow(number)
    assert str(place.store.root) in str(place.task(number).error)
    written = [path for path in place.home.rglob("*") if path.is_file() and path.suffix in (".json", ".txt")]
    assert len(written) >= 3
    for path in [*written, *place.home.rglob("errors.csv")]:
        text = path.read_text()
        assert str(place.store.root) not in text and "our fault" in text, path


def test_the_service_may_die_more_often_than_a_worker(place: Place) -> None:
    number = place.land(place.name("sync"), SYNC)
    assert number is not None
    for _ in range(7):
        worked_on_by(place, number, gone())
        recover(place.store, place.settings, place.diary)
    assert not poisonous(place.task(number))
    place.work()
    assert place.task(number).outcome == "ok"


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "no room"), CatalogBusy("busy")], ids=["disk", "busy"])
def test_passing_faults_are_tried_again_and_order_is_kept(
    place: Place, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedengine.service.worker.backoff", lambda retries: 3600.0)
    number, after = place.land(place.name("sync"), SYNC), place.land(place.name("patchdelta"), "id,item_name\nA,z\n")

    def fail(*_: object, **__: object) -> None:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr(ingest.writing, "apply", fail)
        place.work()
    waiting = place.task(number)
    assert (waiting.status, waiting.retries, place.task(after).status) == ("QUEUED", 1, "QUEUED")
    assert (waiting.error or {})["code"] in ("OS", "CATALOG_BUSY")
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET not_before = NULL")
    place.work()
    assert place.task(number).outcome == place.task(after).outcome == "ok"
    assert place.task(number).error is None
    assert place.items()["A"] == "z"


def test_tries_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedengine.service.worker.backoff", lambda retries: 0.0)

    def fail(*_: object, **__: object) -> None:
        raise CatalogBusy("busy for ever")

    monkeypatch.setattr(ingest.planning, "plan", fail)
    number = place.land(place.name("sync"), SYNC)
    place.work()
    done = place.task(number)
    assert (done.status, done.outcome, done.attempts) == ("FAILED", "failed", 5)


def test_waits_grow_and_have_an_end() -> None:
    assert all(2.0**n * 0.5 <= backoff(n) <= 2.0**n for n in range(8))
    assert 150 <= backoff(50) <= 300


def test_wrong_data_is_never_tried_again(place: Place) -> None:
    number = place.land(place.name("sync"), "id,nonsense\n")
    place.work()
    assert (place.task(number).status, place.task(number).attempts) == ("FAILED", 1)


def test_a_command_that_commits_in_between_is_no_failure(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.land(place.name("sync"), SYNC)
    place.work()
    number = place.land(place.name("patchdelta"), "id,item_name\nA,mine\n")
    whole = ingest.apply
    once = iter([True])

    def between(*args: object, **more: object) -> object:
        if next(once, False):
            feed = place.root / place.name("patchdelta")
            feed.write_text("id,item_name\nB,theirs\n")
            with monkeypatch.context() as patched:
                patched.setattr(ingest.writing, "apply", whole)
                ingest.run(place.store, place.settings, ingest.FeedRequest(feed))
        return whole(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest.writing, "apply", between)
    place.work()
    assert place.task(number).outcome == "ok" and place.task(number).retries == 1
    assert (place.items()["A"], place.items()["B"]) == ("mine", "theirs")


def test_a_waiting_task_can_be_canceled_and_tried_again_at_the_end_of_the_line(place: Place) -> None:
    first, second = place.land(place.name("sync"), SYNC), place.land(place.name("sync"), SYNC)
    assert first is not None and second is not None
    place.store.ledger.cancel(first)
    again(place.store, place.settings, first, actor="ann")
    assert place.queue.positions() == {second: 1, first: 2}
    place.work()
    with pytest.raises(UsageError):
        place.store.ledger.cancel(first)
    once_more = again(place.store, place.settings, first, actor="ann")
    assert once_more.id == 3
    place.work()
    assert place.task(3).outcome == "duplicate"


def test_files_that_nobody_told_of_become_tasks(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from feedengine.accounts import Accounts

    Accounts(place.store.root).add("shop@example.com", keys=("key_a1",), home="shop")
    known = place.name("sync")
    number = place.land(known, SYNC)
    lost = place.home / "in" / place.name("delta")
    lost.write_text(SYNC)
    (place.home / "in" / "half.csv.part").write_text("x")
    (place.home / "in" / "link.csv").symlink_to("/etc/passwd")
    reconciler = housekeeping.Reconciler(place.store, place.settings, place.diary)
    assert reconciler.run() == []
    assert reconciler.run() == []
    monkeypatch.setattr(housekeeping, "_STABLE", 0.0)
    [found] = reconciler.run()
    assert (place.task(found).virtual, place.task(found).protocol) == (f"/in/{lost.name}", "found")
    assert reconciler.run() == [] and number == 1
    place.work()
    assert place.task(found).status == "DONE"


def test_old_files_and_tasks_go_but_never_what_waits_for_a_person(place: Place) -> None:
    done = place.land(place.name("sync"), SYNC)
    place.work()
    held = place.land(place.name("sync"), "id,item_name\nA,a\n")
    place.work()
    bad = place.land("key_a1_Products_SYNC_1.csv", SYNC)
    place.follow(bad)
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET last_update = '2020-01-01T00:00:00Z'")
    housekeeping.retain(place.store, place.settings, place.diary)
    [left] = place.files()
    assert left == place.task(held).virtual
    assert Path(str(place.task(held).path)).is_file()
    remaining = {task.id for task in place.store.ledger.list().tasks}
    assert held in remaining and done not in remaining


def test_copies_without_a_task_are_swept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    number = place.land(place.name("sync"), SYNC)
    orphan = spool.keep(place.store, place.file, "orphan.csv")
    assert housekeeping.sweep_spool(place.store) == 0
    monkeypatch.setattr(housekeeping, "_ORPHAN", -1.0)
    assert housekeeping.sweep_spool(place.store) == 1
    assert not orphan.exists() and Path(str(place.task(number).path)).is_file()


def test_a_copy_on_another_file_system_is_a_copy(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    number = place.land(place.name("sync"), SYNC)
    place.work()
    assert place.task(number).outcome == "ok"


def test_fault_points_fire_once_where_a_file_says_so(tmp_path: Path) -> None:
    code = "from feedengine.faults import point; point('x'); print('alive')"
    env = environment(FEEDENGINE_FAULT="x", FEEDENGINE_FAULT_ONCE=str(tmp_path / "once"))
    first = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False)
    second = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False)
    assert (first.returncode, second.stdout) == (-9, b"alive\n")


def test_workers_share_memory_and_cores(tmp_path: Path) -> None:
    place = Place(tmp_path, 'workers = 4\n[engine]\nmemory_limit = "2GiB"\nthreads = 8')
    own = share(place.settings)
    assert (own.memory_limit, own.threads) == (512 << 20, 2)
    assert own.get("limits.listed_problems") == 1000
    small = Place(tmp_path / "small", "workers = 16\n[limits]\nlisted_problems = 7\n[engine]\nthreads = 1")
    own = share(small.settings)
    assert (own.memory_limit, own.threads, own.get("limits.listed_problems")) == (256 << 20, 1, 7)
