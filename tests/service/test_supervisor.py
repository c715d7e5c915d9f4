"""`feedengine serve`: starts, serves, starts again what dies, stops gently or at once, one on a store."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from feedengine.cli import unit
from feedengine.errors import InternalError
from feedengine.ledger.incidents import Incidents
from feedengine.service import pulse, running, supervisor
from feedengine.service.supervisor import Supervisor
from network.ports import free_block
from service.place import Place
from service.serving import SECONDS, Serving

SYNC = "key_a1_Products_sync_2026-11-21-00-00-00.csv"
PATCH = "key_a1_Products_patchdelta_2026-11-21-00-00-0{n}.csv"


@pytest.mark.feature("C35", "W45", "C36")
def test_a_submitted_feed_is_done_and_the_service_ends_gently(tmp_path: Path) -> None:
    with Serving(tmp_path) as service:
        told = json.loads(service.out.read_text())
        assert (told["schema"], told["pid"]) == ("feedengine.serve/1", service.process.pid)
        done = service.run("--json", "submit", service.feed(SYNC), "--wait")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["outcome"] == "ok"
        service.until(lambda: {"keeper", "worker"} <= set(service.children()))
        assert service.stop() == 0
        assert service.children() == {}
        assert service.logged("serve.ended")
        assert "nanobind" not in service.error()


def test_submitting_says_how_it_went(tmp_path: Path) -> None:
    with Serving(tmp_path) as service:
        service.run("submit", service.feed(SYNC, "id,item_name\nA,a\nB,b\nC,c\n"), "--wait")
        refused = service.run("submit", service.feed("key_a1_Products_sync_2.csv"), "--wait")
        assert refused.returncode == 3, (refused.stdout, refused.stderr)
        watched = service.run("--events", "task", "watch", "2")
        events = [json.loads(line) for line in watched.stdout.splitlines()]
        assert watched.returncode == 3
        assert [event["type"] for event in events[:2]] == ["version", "task"]
        assert (events[1]["status"], events[1]["outcome"]) == ("FAILED", "refused")
        bad = service.run("submit", service.feed("nonsense.csv"))
        assert bad.returncode == 5 and "Traceback" not in bad.stderr
        approved = service.run("task", "approve", "2", "--remove", "2", "--reason", "sale is over")
        assert approved.returncode == 0, approved.stderr
        service.until(lambda: service.store.ledger.get(2).followed)
        assert service.run("task", "retry", "2").returncode == 2


def test_a_queue_without_a_service(tmp_path: Path) -> None:
    with Serving(tmp_path) as service:
        service.run("submit", service.feed(SYNC), "--wait")
        assert service.stop() == 0
        waits = service.run("submit", service.feed(PATCH.format(n=1), "id,item_name\nA,b\n"))
        assert waits.returncode == 0 and "feedengine" in waits.stderr and " serve" in waits.stderr
        service.run("submit", service.feed(PATCH.format(n=2), "id,item_name\nA,c\n"))
        listed = service.run("task", "list").stdout
        assert "QUEUED 1" in listed and "QUEUED 2" in listed
        assert service.run("task", "cancel", "2").returncode == 0
        assert service.run("task", "retry", "2").returncode == 0
        tasks = json.loads(service.run("--json", "task", "list").stdout)["tasks"]
        assert {task["id"]: task["position"] for task in tasks} == {1: None, 3: 1, 2: 2}
    with Serving(tmp_path) as again:
        assert again.run("task", "watch").returncode == 0
        assert {again.store.ledger.get(number).outcome for number in (2, 3)} == {"ok"}


def test_one_service_on_a_store(tmp_path: Path) -> None:
    with Serving(tmp_path) as service:
        second = service.run("serve", "--parts", "worker")
        assert second.returncode == 6
        assert str(service.process.pid) in second.stderr and "already runs" in second.stderr
        assert service.process.poll() is None
        unknown = service.run("serve", "--parts", "wroker")
        assert unknown.returncode == 2 and "worker" in unknown.stderr


def test_a_part_that_dies_is_started_again(tmp_path: Path) -> None:
    with Serving(tmp_path) as service:
        service.until(lambda: "worker" in service.children())
        first = service.children()["worker"]
        service.send("worker", signal.SIGKILL)
        service.until(lambda: service.children().get("worker", first) != first)
        assert service.run("submit", service.feed(SYNC), "--wait").returncode == 0
        assert service.logged("part.died", died="worker", code=-9)


def test_a_server_that_is_killed_while_it_starts_is_started_again(tmp_path: Path) -> None:
    port, first, last = free_block(3)
    rules = f'[ftps]\nhost = "127.0.0.1"\nport = {port}\npassive_ports = "{first}-{last}"\n'
    fault = {"FEEDENGINE_FAULT": "serve.part_started", "FEEDENGINE_FAULT_ONCE": str(tmp_path / "once")}
    with Serving(tmp_path / "service", rules, parts="ftps,worker", **fault) as service:
        service.until(lambda: {"ftps", "worker"} <= set(service.children()))
        assert service.logged("part.died", died="ftps", code=-9)
        assert service.run("submit", service.feed(SYNC), "--wait").returncode == 0


@pytest.mark.feature("C35", "W10")
@pytest.mark.parametrize("how", ["hangs", "is stopped"])
def test_a_worker_that_has_fallen_silent_is_replaced(tmp_path: Path, how: str) -> None:
    # The third turn, in which it has nothing to do: no lease runs out that would tell somebody.
    fault = {"FEEDENGINE_FAULT": "serve.turn:3", "FEEDENGINE_FAULT_KIND": "wait" if how == "hangs" else "tell"}
    once = tmp_path / "once"
    with Serving(tmp_path / "service", "[serve]\nsilence = 3", FEEDENGINE_FAULT_ONCE=str(once), **fault) as service:
        service.until(once.exists)
        first = service.children()["worker"]
        if how == "is stopped":
            service.send("worker", signal.SIGSTOP)
        service.until(lambda: service.children().get("worker", first) != first)
        assert service.logged("part.silent", silent="worker")
        assert service.run("submit", service.feed(SYNC), "--wait").returncode == 0


def test_one_that_works_gives_signs_of_life_however_long_that_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "_EVERY", 0.01)
    told = threading.Semaphore(0)
    heart = pulse.Pulse(lambda: told.release())
    heart.beat()
    assert told.acquire(timeout=SECONDS), "its main loop's turn"
    with heart.working():
        for _ in range(3):
            assert told.acquire(timeout=SECONDS)


@pytest.mark.feature("C35")
def test_a_server_that_does_not_come_up_is_named_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEEDENGINE_FAULT", "serve.part_started")
    monkeypatch.setenv("FEEDENGINE_FAULT_KIND", "wait")
    monkeypatch.setattr(supervisor, "STARTING", 2.0)
    place = Place(tmp_path, '[serve]\ndrain = 0\n[ftps]\nhost = "127.0.0.1"\nport = 0\n')
    served: list[object] = []
    with pytest.raises(InternalError, match="ftps does not start"):
        Supervisor(place.store, place.settings, place.diary, only=("ftps", "worker")).run(served.append)
    assert not served and running.pid(place.store) is None
    assert not any(running.parts(place.store).values())


@pytest.mark.feature("C35")
def test_a_server_that_does_not_come_up_again_in_its_time_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It hangs before it says a word; what runs long and has said that it serves is left alone, and so is everything
    # after a pause of the whole machine.
    monkeypatch.setattr(supervisor.Order, "argv", lambda order: ["sleep", "1000"])
    place = Place(tmp_path, '[ftps]\nhost = "127.0.0.1"\nport = 0\n')
    made = Supervisor(place.store, place.settings, place.diary, only=("ftps",))
    (server,) = made._children
    made._start(server)
    first, long_ago = server.identity, supervisor.STARTING + 1.0
    try:
        stopped = supervisor._LONGEST_TURN + 1.0
        for heard, pause, killed in ((True, 0.0, False), (False, stopped, False), (False, 0.0, True)):
            server.heard, server.since = heard, time.monotonic() - long_ago
            made._turned = time.monotonic() - pause
            made._end_silent()
            assert ("part.silent" in place.diary.names()) is killed
        deadline = time.monotonic() + SECONDS
        while server.process is None or server.identity == first:
            assert time.monotonic() < deadline
            made._turn()
        assert place.diary.names() == ["part.silent", "part.died"]
        assert server.process.poll() is None and server.failures == 1
    finally:
        made._stop_all()


@pytest.mark.feature("C35")
def test_a_part_that_never_comes_up_is_given_more_time_and_is_an_incident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long each of its lives is: it was of no use in any of them.
    monkeypatch.setattr(supervisor.Order, "argv", lambda order: ["sleep", "1000"])
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.0)
    place = Place(tmp_path, "workers = 1")
    made = Supervisor(place.store, place.settings, place.diary, only=("worker",))
    (part,) = made._children
    made._start(part)
    patience = []
    try:
        for time_over in (False, True) * 5:
            past = part.patience + (1.0 if time_over else -10.0)
            part.started = part.since = made._turned = time.monotonic()
            part.started -= past
            part.since -= past
            if not time_over:
                patience.append(part.patience / supervisor.STARTING)
                made._turn()
                assert part.process is not None and part.process.poll() is None and not part.sound
                continue
            identity, deadline = part.identity, time.monotonic() + SECONDS
            while part.process is None or part.identity == identity:
                assert time.monotonic() < deadline
                made._turn()
        assert patience == [1, 2, 3, 4, 4]
        assert [each.key for each in Incidents(place.store.ledger).list()] == ["worker"]
        # Once it speaks and lives on, all is well.
        part.heard, part.started, made._turned = True, part.started - 100.0, time.monotonic()
        part.since = time.monotonic()
        made._turn()
        assert part.sound and Incidents(place.store.ledger).list() == [] and part.patience == supervisor.STARTING
    finally:
        made._stop_all()


def test_systemd_waits_longer_for_the_start_than_the_supervisor(tmp_path: Path) -> None:
    # Else it would kill what comes up slowly on a busy machine, and start it again just as slowly.
    settings = Place(tmp_path, "[serve]\ndrain = 100").settings
    (said,) = (each for each in unit.lines(settings, "feedengine") if each.startswith("TimeoutStartSec="))
    assert supervisor.STARTING > 30, "what a start on a busy machine was seen to take"
    assert int(said.partition("=")[2]) > 100 + supervisor.STARTING


@pytest.mark.feature("W10", "W12")
def test_parts_die_with_their_supervisor_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with Serving(tmp_path) as service:
        service.until(lambda: {"worker", "keeper"} <= set(service.children()))
        service.process.kill()
        service.process.wait()
        deadline = time.monotonic() + SECONDS
        while service.children():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        service.run("submit", service.feed(SYNC))
    with Serving(tmp_path) as again:
        again.until(lambda: again.store.ledger.get(1).status == "DONE")


def test_reloading_reads_the_settings_and_keeps_the_old_ones_if_they_are_wrong(tmp_path: Path) -> None:
    with Serving(tmp_path) as service:
        service.until(
            lambda: service.logged("part.started", part="worker") and service.logged("part.started", part="keeper")
        )
        whole = service.config.read_text()
        service.config.write_text(whole + "nonsense = 1\n")
        service.process.send_signal(signal.SIGHUP)
        service.until(lambda: service.logged("settings.refused", part="worker"))
        service.config.write_text(whole)
        service.process.send_signal(signal.SIGHUP)
        service.until(lambda: service.logged("settings.reloaded", part="worker"))
        assert service.run("submit", service.feed(SYNC), "--wait").returncode == 0


@pytest.mark.parametrize("signals", [1, 2], ids=["time is over", "second signal"])
def test_what_does_not_end_in_time_is_stopped_and_goes_back(tmp_path: Path, signals: int) -> None:
    drain = 1 if signals == 1 else 60
    fault = {"FEEDENGINE_FAULT": "serve.planned", "FEEDENGINE_FAULT_KIND": "wait"}
    with Serving(tmp_path, f"[serve]\ndrain = {drain}", **fault) as service:
        service.run("submit", service.feed(SYNC))
        service.until(lambda: (service.store.ledger.get(1).report or {}).get("verdict"))
        service.process.send_signal(signal.SIGTERM)
        if signals == 2:
            # The parts that have nothing to do are gone: the first signal was heard.
            service.until(lambda: "keeper" not in service.children())
            service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(SECONDS) == 0
        assert service.store.ledger.get(1).status == "IN_PROGRESS"
    with Serving(tmp_path) as again:
        again.until(lambda: again.store.ledger.get(1).status == "DONE")
        assert again.store.ledger.get(1).crashes == 0


def test_running_work_ends_before_the_service_does(tmp_path: Path) -> None:
    with Serving(tmp_path) as service:
        rows = "".join(f"A{number},Item {number}\n" for number in range(50_000))
        service.run("submit", service.feed(SYNC, "id,item_name\n" + rows))
        service.until(lambda: service.store.ledger.get(1).status == "IN_PROGRESS")
        assert service.stop(signal.SIGINT) == 0
        assert service.store.ledger.get(1).status == "DONE"


@pytest.mark.feature("C5")
def test_a_port_that_is_taken_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        rules = f'[ftps]\nhost = "127.0.0.1"\nport = {port}\n'
        service = Serving(tmp_path, rules, parts=None)
        try:
            assert service.process.wait(SECONDS) == 2
            told = json.loads(service.out.read_text())["error"]
            assert str(port) in told["message"] and told["hints"]
            assert service.children() == {}
        finally:
            service.__exit__()
