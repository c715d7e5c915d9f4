"""A feed that is read once more after its plan must be the same file still: else nothing is said of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feedengine import engine, ingest
from feedengine.errors import FeedRejected
from feedengine.ledger.cases import Cases
from feedengine.remedy.rejects import Row
from feedengine.service import rejected
from service.place import Place

RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\n[safeguard]\nlimit = "off"'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path, RULES)
    place.land(place.name("delta"), "id,item_name,active\nA,a,true\nB,b,maybe\n")
    place.work()
    return place


def cases(place: Place) -> list[tuple[Any, str]]:
    return [(case.entity, case.state) for case in Cases(place.store.ledger).list(states=("open", "fixed"))[0]]


@pytest.mark.feature("W39")
def test_another_file_mends_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that was planned lacks the row with the open fault; the one that lies there afterwards has it."""
    apply = ingest.apply

    def replaced(store: Any, settings: Any, made: ingest.Plan, *more: Any, **named: Any) -> Any:
        result = apply(store, settings, made, *more, **named)
        made.request.path.write_text("id,item_name,active\nB,b,true\n")
        return result

    with monkeypatch.context() as patched:
        patched.setattr(ingest.writing, "apply", replaced)
        number = place.land(place.name("delta"), "id,item_name,active\nC,c,true\n")
        place.work()
    task = place.task(number)
    assert (task.status, place.items()) == ("DONE", {"A": "a", "C": "c"})
    problems = list(place.store.ledger.problems(task.id))
    assert [each["code"] for each in problems] == ["NOT_FOLLOWED"]
    assert "is not the file any more that was planned" in problems[0]["message"]
    assert cases(place) == [("items", "open")]


@pytest.mark.feature("W38")
def test_rows_of_another_file_are_not_handed_back(tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text("id,n\nA,x\nB,2\n")
    planned = engine.Planner({"operation": "sync"}, bytes(192))
    planned.scan(feed)
    while planned.next_want():
        raise AssertionError("nothing is stored")
    fingerprint = planned.decide()["file"]["fingerprint"]
    engine.must_be(feed, fingerprint)
    engine.must_be(feed, None)
    out = tmp_path / "out"
    out.mkdir()
    again = rejected.Again({}, bytes(192), tmp_path, fingerprint)
    row = Row("feed.csv", "items", 1, 2, 5)
    assert rejected.write(feed, out, [row], again) == (1, ())
    assert (out / "rejected.csv").read_text() == "id,n\nA,x\n"
    (out / "rejected.csv").unlink()
    feed.write_text("id,n\nC,3\nA,x\n")
    written = rejected.write(feed, out, [row], again)
    assert written.rows == 0 and "feed.csv is not the file any more" in written.trouble[0]
    assert not list(out.iterdir())
    with pytest.raises(FeedRejected) as told:
        engine.must_be(feed, fingerprint)
    assert told.value.code == "FILE_CHANGED"
