"""Conflicts: the row beside the records that it might mean, settled by choosing one, by a later file, or by a word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from command import command
from feedengine import engine
from feedengine.ledger.cases import Case, Cases
from service.place import Place

RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\n[safeguard]\nlimit = "off"'


@pytest.fixture(autouse=True)
def conflicting() -> Iterator[None]:
    """Constructor's catalogs know one id only: here, a row without it might mean A or B."""
    decide = engine.Planner.decide

    def decided(planner: Any) -> dict[str, Any]:
        report = decide(planner)
        for fault in report["problems"]["list"]:
            if fault["code"] == "MISSING_KEY":
                fault |= {"code": "KEY_CONFLICT", "family": "duplicate_keys", "related": ["A", "B"]}
        for entry in report["problems"]["by_code"]:
            entry["code"] = entry["code"].replace("MISSING_KEY", "KEY_CONFLICT")
        return report

    with mock.patch.object(engine.Planner, "decide", decided):
        yield


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path, RULES)
    send(place, "id,item_name,description\nA,a,first\nB,b,second\n")
    return place


def send(place: Place, content: str) -> int:
    number = place.land(place.name("delta"), content)
    place.work()
    assert number is not None
    return number


def case(place: Place) -> Case:
    [found] = Cases(place.store.ledger).list(states=())[0]
    return found


def run(place: Place, *argv: str) -> Any:
    done = command("--config", str(place.file), *argv)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.feature("P28", "W26")
def test_a_conflict_is_shown_with_both_records_and_resolved_by_choosing_one(place: Place) -> None:
    send(place, "id,item_name,description\n,new name,second\n")
    number = str(case(place).id)
    assert "KEY_CONFLICT" in run(place, "conflicts", "list") and "A, B" in run(place, "conflicts", "list")
    shown = run(place, "conflicts", "show", number)
    lines = {line.split()[0]: " ".join(line.split()) for line in shown.splitlines() if line.strip()}
    assert lines["item_name"] == "item_name new name a * b *"
    assert lines["description"] == "description second first * second"
    told = json.loads(run(place, "--json", "conflicts", "show", number))
    assert [each["id"] for each in told["candidates"]] == ["A", "B"]
    run(place, "conflicts", "resolve", number, "--record", "B")
    assert place.items() == {"A": "a", "B": "new name"}
    settled = case(place)
    assert settled.state == "fixed" and settled.closed_task is not None
    task = place.task(settled.closed_task)
    assert (task.outcome, task.reason) == ("ok", f"conflict {number}: the row means B")
    assert run(place, "conflicts", "list") == "no conflicts\n"
    with place.store.catalog("key_a1") as catalog:
        assert [event["task"] for event in catalog.trace("Products", "items", "B")][-1] == task.id


@pytest.mark.feature("W38")
def test_a_later_file_with_the_id_settles_it(place: Place) -> None:
    send(place, "id,item_name,description\n,new name,second\n")
    done = send(place, "id,item_name,description\nA,new name,second\n")
    assert (case(place).state, case(place).closed_task) == ("fixed", done)


def test_only_a_candidate_can_be_chosen_and_only_once(place: Place) -> None:
    send(place, "id,item_name\nC,c\n")
    send(place, "id,item_name,description\n,new name,second\n")
    number = str(case(place).id)
    refused = command("--config", str(place.file), "conflicts", "resolve", number, "--record", "C")
    assert refused.returncode == 2 and "C is none of those" in refused.stderr
    run(place, "conflicts", "dismiss", number, "--reason", "sold off")
    late = command("--config", str(place.file), "conflicts", "resolve", number, "--record", "A")
    assert late.returncode == 2 and "is dismissed" in late.stderr
    send(place, "id,item_name,description\n,new name,second\n")
    assert (case(place).state, case(place).times) == ("dismissed", 2)


@pytest.mark.feature("P28")
def test_a_row_that_changes_lists_changes_those_of_the_record_that_is_chosen(place: Place) -> None:
    send(place, "id,item_name,facet:colour\nA,a,blue\nB,b,blue|green\n")
    row = '{"name": "new", "data": {"facets": {"colour:add": ["red"], "colour:remove": ["blue"]}}}\n'
    place.land(place.name("patchdelta").replace(".csv", ".jsonl"), row)
    place.work()
    run(place, "conflicts", "resolve", str(case(place).id), "--record", "B")
    with place.store.catalog("key_a1") as catalog:
        lookup = catalog.lookup("Products", "items")
        assert lookup is not None
        found = {each["id"]: (each["item_name"], each["facet:colour"]) for each in lookup.records(["A", "B"])}
    assert found == {"A": ("a", ["blue"]), "B": ("new", ["green", "red"])}
    assert case(place).state == "fixed"
