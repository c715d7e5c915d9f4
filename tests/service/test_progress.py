"""How far a running task is: noted each second by its worker, shown by status and task watch, forgotten at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine.cli.queueing import Noticed
from feedengine.cli.render.status import standing_words
from feedengine.ledger import Task, process
from feedengine.service import progress
from feedengine.service.progress import Progress, Standing
from feedengine.service.worker import Worker
from service.place import Place

pytestmark = pytest.mark.feature("C36")

SYNC = "id,item_name\n" + "".join(f"A{n},Item {n}\n" for n in range(1000))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    (made.store.root / "run").mkdir()
    return made


def running(place: Place) -> Task:
    place.land(place.name("sync"), SYNC)
    task = place.queue.claim(60.0)
    assert task is not None
    return task


def noted(place: Place, task: Task) -> Standing | None:
    return progress.read(place.store, [place.task(task.id)]).get(task.id)


def test_what_the_flow_tells_is_what_is_noted(place: Place) -> None:
    task, told = running(place), Progress(place.store, "worker.1")
    told.begin(task.id)
    told.note()
    assert noted(place, task) is None, "nothing is known yet"
    told.phase("reading", file="x.csv")
    told.progress(done_bytes=310, total_bytes=1000, rows=42)
    told.note()
    assert noted(place, task) == Standing("reading", 310, 1000, 42)
    told.phase("comparing", base_snapshot=1)
    told.note()
    assert noted(place, task) == Standing("comparing")
    told.phase("writing", changes=1000)
    told.note()
    assert noted(place, task) == Standing("writing", changes=1000)
    told.end()
    told.note()
    assert noted(place, task) is None and [*(place.store.root / "run").glob("progress-*")] == []


@pytest.mark.parametrize(
    ("standing", "percent"),
    [
        (Standing("reading", 0, 1000, 0), 0),
        (Standing("reading", 999, 1000), 99),
        (Standing("reading", 1001, 1000), 100),
        (Standing("reading", 5, 0), None),
        (Standing("reading"), None),
        (Standing("writing", changes=7), None),
    ],
)
def test_percent(standing: Standing, percent: int | None) -> None:
    assert standing.percent == percent


def test_what_has_not_changed_is_not_written_again(place: Place) -> None:
    task, told = running(place), Progress(place.store, "worker")
    told.begin(task.id)
    told.phase("reading")
    told.note()
    path = place.store.root / "run" / "progress-worker.json"
    first = path.stat().st_ino
    told.note()
    assert path.stat().st_ino == first
    told.progress(done_bytes=1)
    told.note()
    assert path.stat().st_ino != first


@pytest.mark.parametrize("what", ["{", "[]", '{"task": 1}', '{"task": 1, "worker": "x y z", "phase": "reading"}'])
def test_what_a_dead_worker_or_anybody_else_left_is_not_told(place: Place, what: str) -> None:
    task = running(place)
    (place.store.root / "run" / "progress-worker.7.json").write_text(what)
    assert noted(place, task) is None
    # The next one of the name begins without it.
    Progress(place.store, "worker.7")
    assert [*(place.store.root / "run").glob("progress-*")] == []


def test_a_worker_tells_every_phase_and_ends_without_a_trace(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []
    told = Progress(place.store, "worker")
    phase = told.phase

    def tell(name: str, **facts: Any) -> None:
        phase(name, **facts)
        told.note()
        standing = noted(place, place.store.ledger.list(status=["IN_PROGRESS"]).tasks[0])
        assert standing is not None
        seen.append((name, standing.as_dict()))

    monkeypatch.setattr(told, "phase", tell)
    number = place.land(place.name("sync"), SYNC)
    worker = Worker(place.part, progress=told)
    assert worker.step() and place.task(number).outcome == "ok"
    assert [name for name, _ in seen] == ["reading", "comparing", "writing", "done"]
    assert seen[2][1]["changes"] == 1000
    assert [*(place.store.root / "run").glob("progress-*")] == []


def test_status_and_watch_show_it(place: Place) -> None:
    task = running(place)
    path = place.store.root / "run" / "progress-worker.1.json"
    facts = {"phase": "reading", "done_bytes": 310, "total_bytes": 1000, "rows": 2_213_000}
    path.write_text(json.dumps({"task": task.id, "worker": process.myself(), **facts}))
    shown = command("--config", place.file, "status")
    assert f"task {task.id}: sync key_a1/Products" in shown.stdout
    assert "reading 31 %, 2,213,000 rows, for" in shown.stdout
    [document] = json.loads(command("--config", place.file, "--json", "status").stdout)["running"]
    assert (document["phase"], document["percent"], document["rows"]) == ("reading", 31, 2_213_000)
    path.unlink()
    [document] = json.loads(command("--config", place.file, "--json", "status").stdout)["running"]
    assert (document["phase"], document["percent"]) == ("reading", None)


def test_a_watch_tells_what_is_new_and_not_too_often(place: Place) -> None:
    task, told = running(place), Progress(place.store, "worker")
    now, said = [0.0], []
    noticed = Noticed(
        place.store, 5.0, lambda task, standing: said.append(standing_words(task, standing)), lambda: now[0]
    )
    told.begin(task.id)
    for done in range(0, 1000, 50):
        told.phase("reading")
        told.progress(done_bytes=done, total_bytes=1000)
        told.note()
        noticed.look([place.task(task.id)])
        noticed.look([place.task(task.id)])
        now[0] += 1.0
    assert said == ["reading 0 %", "reading 25 %", "reading 50 %", "reading 75 %"]
    now[0] += 100.0
    noticed.look([place.task(task.id)])
    noticed.look([place.task(task.id)])
    assert said[4:] == ["reading 95 %"], "nothing new is told twice"
    noticed.look([])
