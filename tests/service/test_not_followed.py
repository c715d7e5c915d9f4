"""A feed that was applied, but cannot be read once more: its task is closed, and what was not found out is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feedengine import engine
from feedengine.errors import DiskFull, FeedRejected
from feedengine.ledger.cases import Cases
from service.place import Place

RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\n[safeguard]\nlimit = "off"'
TROUBLE = (
    FeedRejected("the file is damaged", code="ARCHIVE_CORRUPT"),
    OSError(5, "Input/output error"),
    DiskFull("no room is left"),
)


def failing(error: Exception) -> Any:
    def sent(*_: Any, **__: Any) -> Iterator[engine.Sent]:
        raise error
        yield

    return sent


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path, RULES)
    place.land(place.name("delta"), "id,item_name,active\nA,a,true\nB,b,maybe\n")
    place.work()
    return place


def codes(place: Place, task: int | None) -> list[str]:
    return [fault["code"] for fault in place.store.ledger.problems(place.task(task).id)]


@pytest.mark.feature("W39")
@pytest.mark.parametrize("error", TROUBLE, ids=lambda error: type(error).__name__)
def test_what_could_not_be_found_out_is_told(place: Place, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(engine, "sent", failing(error))
        number = place.land(place.name("delta"), "id,item_name,active\nB,b,true\n")
        place.work()
    task = place.task(number)
    assert (task.status, task.outcome, place.items()) == ("DONE", "ok", {"A": "a", "B": "b"})
    assert codes(place, number) == ["NOT_FOLLOWED"]
    assert (task.report or {})["problems"]["warnings"] == 1
    told = [facts for event, facts in place.diary.events if event == "task.not_followed"]
    words = error.strerror if isinstance(error, OSError) else str(error)
    assert [facts["task"] for facts in told] == [number] and words in told[0]["message"]
    # Its case is open still, and is closed by the next file that brings the row.
    assert [case.state for case in Cases(place.store.ledger).list(states=("open", "fixed"))[0]] == ["open"]
    place.land(place.name("delta"), "id,item_name,active\nB,b,false\n")
    place.work()
    assert [case.state for case in Cases(place.store.ledger).list(states=("open", "fixed"))[0]] == ["fixed"]


def test_a_bug_is_not_taken_for_a_file_that_cannot_be_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "sent", failing(TypeError("a bug of ours")))
    number = place.land(place.name("delta"), "id,item_name,active\nB,b,true\n")
    place.worker.step()
    assert codes(place, number) == []
    told = [facts for event, facts in place.diary.events if event == "task.bug"]
    assert [facts["error"] for facts in told] == ["TypeError: a bug of ours"]
