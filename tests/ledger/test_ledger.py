"""The ledger: a task's life, decisions, pages, problems, recovery after a crash, damage."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from feedengine.errors import DiskFull, NotFound, StoreDamaged, TaskNotFound, UsageError
from feedengine.ledger import Ledger, Task
from feedengine.ledger.cases import Cases
from feedengine.ledger.parked import Parked
from feedengine.ledger.schema import SCRIPTS


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def new(ledger: Ledger, **more: object) -> int:
    return ledger.create(key="k", section="Products", operation="sync", filename="f.csv", **more)  # type: ignore[arg-type]


def test_a_task_from_queue_to_done(ledger: Ledger) -> None:
    task = new(ledger, actor="ann", force=True, reason="spring", bytes=9)
    assert (task, ledger.get(task).status, ledger.get(task).force) == (1, "QUEUED", True)
    ledger.start(task, base_snapshot=4)
    ledger.note(task, fingerprint="xxh3:1")
    faults = [{"code": "BAD", "record": 3, "line": 7, "byte": 99, "column": "id", "severity": "row", "hint": "h"}]
    ledger.finish(task, "ok_with_errors", new_snapshot=5, report={"x": 1}, problems=faults)
    done = ledger.get(task)
    assert (done.status, done.outcome, done.base_snapshot, done.new_snapshot) == ("DONE", "ok_with_errors", 4, 5)
    assert (done.report, done.attempts, done.fingerprint) == ({"x": 1}, 1, "xxh3:1")
    [problem] = ledger.problems(task)
    assert (problem["record_number"], problem["byte_offset"], problem["column"]) == (3, 99, "id")
    assert list(ledger.problems(task, code="OTHER")) == []
    with pytest.raises(UsageError):
        ledger.fail(task, "failed")


def test_decisions_are_made_once_and_can_be_taken_back(ledger: Ledger) -> None:
    task = new(ledger)
    with pytest.raises(UsageError):
        ledger.approve(task, actor="ann", reason=None)
    ledger.start(task)
    ledger.fail(task, "refused", error={"code": "SAFEGUARD", "message": "m"})
    assert ledger.get(task).waiting and ledger.list(waiting=True).total == 1
    assert ledger.approve(task, actor="ann", reason="sale is over").decided_by == "ann"
    with pytest.raises(UsageError, match="already approved"):
        ledger.reject(task, actor="bob", reason=None)
    ledger.reopen(task)
    assert ledger.reject(task, actor="bob", reason="wrong file").decision == "rejected"
    assert ledger.list(waiting=True).total == 0


def test_pages_are_newest_first_and_count_everything(ledger: Ledger) -> None:
    for number in range(5):
        new(ledger, fingerprint=f"f{number % 2}")
    ledger.cancel(2)
    page = ledger.list(limit=2, offset=1)
    assert ([task.id for task in page.tasks], page.total) == ([4, 3], 5)
    assert page.counts == {"QUEUED": 4, "CANCELED": 1}
    assert [task.id for task in ledger.list(status=["CANCELED"]).tasks] == [2]
    assert [task.id for task in ledger.list(fingerprint="f1").tasks] == [4, 2]
    today = ledger.get(1).submission_time[:10]
    assert (ledger.list(since=today, until=today).total, ledger.list(until="2000-01-01").total) == (5, 0)
    with pytest.raises(UsageError):
        ledger.cancel(2)
    with pytest.raises(TaskNotFound, match="the last one is 5"):
        ledger.get(9)


def test_tasks_of_dead_processes_are_settled_by_their_applied_mark(ledger: Ledger) -> None:
    script = (
        "import sys; from pathlib import Path; from feedengine.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for n in range(2): ledger.start(ledger.create(key='k', section='s', operation='sync'))\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(ledger.path)], check=True, env=env)
    mine = new(ledger)
    ledger.start(mine)
    settled = ledger.recover(lambda task: 7 if task.id == 1 else None)
    assert [(task.id, task.status, task.outcome, task.new_snapshot) for task in settled] == [
        (1, "DONE", "ok", 7),
        (2, "FAILED", "interrupted", None),
    ]
    assert ledger.get(mine).status == "IN_PROGRESS"
    assert ledger.recover(lambda task: None) == []


def test_a_task_is_ended_whole_or_not(ledger: Ledger) -> None:
    task = new(ledger)
    ledger.start(task)
    with pytest.raises(TypeError):
        ledger.finish(task, "ok", report={"x": object()}, problems=[{"code": "A"}])
    assert ledger.get(task).status == "IN_PROGRESS"
    assert list(ledger.problems(task)) == []


def test_damage_and_full_disks_are_named(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new(ledger)
    monkeypatch.setenv("FEEDENGINE_FAULT", "ledger.after_create")
    monkeypatch.setenv("FEEDENGINE_FAULT_KIND", "enospc")
    with pytest.raises(DiskFull):
        new(ledger)
    (tmp_path / "bad.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreDamaged):
        Ledger(tmp_path / "bad.sqlite").get(1)


def test_what_cannot_be_committed_leaves_nothing_open(ledger: Ledger, tmp_path: Path) -> None:
    """Else the next transaction would be part of it, and be lost with it."""
    with ledger.write() as con:
        con.execute("CREATE TABLE owners (id INTEGER PRIMARY KEY)")
        con.execute("CREATE TABLE things (owner INTEGER REFERENCES owners(id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(StoreDamaged), ledger.write() as con:
        con.execute("INSERT INTO things VALUES (7)")
    task = ledger.create(key="key_a", section="Products", operation="sync", filename="a.csv")
    other = sqlite3.connect(ledger.path)
    try:
        assert other.execute("SELECT id FROM tasks").fetchall() == [(task,)]
        assert other.execute("SELECT count(*) FROM things").fetchall() == [(0,)]
    finally:
        other.close()


def test_as_dict_is_json(ledger: Ledger) -> None:
    task: Task = ledger.get(new(ledger))
    assert task.as_dict()["waiting"] is False


def test_a_ledger_of_an_older_format_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    con = sqlite3.connect(path)
    for script in SCRIPTS[:2]:
        con.executescript(script)
    con.execute("PRAGMA user_version = 2")
    con.execute(
        "INSERT INTO tasks (id, type, status, outcome, key, section, operation, force, submission_time, new_snapshot) "
        "VALUES (7, 'ingestion', 'DONE', 'ok', 'k', 's', 'sync', 0, '2026-01-01T00:00:00Z', 3)"
    )
    con.execute("INSERT INTO problems (task, seq, code, severity) VALUES (7, 1, 'BAD_FLAG', 'row')")
    con.commit()
    con.close()
    ledger = Ledger(path)
    assert (ledger.get(7).parent, ledger.get(7).new_snapshot) == (None, 3)
    [problem] = ledger.problems(7)
    assert (problem["code"], problem["family"], problem["owner"]) == ("BAD_FLAG", None, None)
    assert Cases(ledger).list() == ([], 0) and Parked(ledger).list() == ([], 0)


@pytest.mark.feature("P31")
def test_cases_are_opened_kept_reopened_dismissed_and_forgotten(ledger: Ledger) -> None:
    day = iter(f"2026-11-{number:02}T00:00:00Z" for number in range(1, 20))
    cases = Cases(ledger, lambda: next(day))
    fault = {
        "entity": "items",
        "identity": '[["id", "A"]]',
        "column": "x",
        "code": "BAD",
        "owner": "=Acme",
        "row": {"a": "1"},
    }
    assert cases.show(1, "k", "s", [fault, {**fault, "code": "WORSE"}]) == {"opened": 2}
    # The same task may end twice.
    assert cases.show(1, "k", "s", [fault]) == {"repeated": 1}
    assert [(case.times, case.row, case.catalog) for case in cases.open("k", "s")] == [(1, {"a": "1"}, "k/s")] * 2
    first, second = cases.open("k", "s")
    assert cases.fix(2, [first.id]) == 1 and cases.fix(2, [first.id]) == 0
    assert cases.show(3, "k", "s", [fault]) == {"reopened": 1}
    found = cases.get(first.id)
    assert (found.word, found.first_task, found.last_task, found.times) == ("reopened", 1, 3, 2)
    assert found.opened > found.first_seen and found.age("2026-12-09T00:00:00Z") > 20
    cases.dismiss(second.id, actor="ann", reason="never")
    with pytest.raises(UsageError, match="is dismissed"):
        cases.dismiss(second.id, actor="ann", reason="never")
    assert cases.list(owner="=Acme", states=())[1] == 2 and cases.list(owner="Bolt", states=())[1] == 0
    assert cases.list(codes=["WORSE"], states=["dismissed"], catalog=("k", "s"), entity="items", task=1)[1] == 1
    assert cases.prune("2030") == 1 and cases.list(states=())[0] == [cases.get(first.id)]
    with pytest.raises(NotFound, match="no problem 99"):
        cases.get(99)
