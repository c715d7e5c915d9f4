"""The remediation loop: problems with a life, mended rows or the whole file again, the same snapshot by both ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feedengine.ledger.cases import Case, Cases
from feedengine.service import homes
from service.place import Place

RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\n[safeguard]\nlimit = "off"'
BAD = "id,item_name,active\nA,a,true\nB,b,maybe\nC,,true\n,d,true\nE,e,perhaps\n"
GOOD = "id,item_name,active\nA,a,true\nB,b,false\nC,c,true\nD,d,true\nE,e,true\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, RULES)


def cases(place: Place, *states: str) -> list[Case]:
    return Cases(place.store.ledger).list(states=states)[0]


def send(place: Place, operation: str, content: str | bytes) -> int:
    number = place.land(place.name(operation), content)
    place.work()
    assert number is not None
    return number


def digest(place: Place) -> str:
    with place.store.catalog("key_a1") as catalog:
        return catalog.base("Products").entities["items"].digest


def rejected(place: Place, task: int) -> bytes:
    return (place.home / f"{homes.reports(place.task(task))}/rejected.csv".lstrip("/")).read_bytes()


@pytest.mark.feature("P31", "L25", "W39")
def test_every_rejected_row_opens_a_problem_that_mended_rows_close(place: Place) -> None:
    first = send(place, "delta", BAD)
    opened = cases(place)
    assert [(each.code, each.column, each.record, each.state) for each in opened] == [
        ("BAD_FLAG", "active", "B", "open"),
        ("BAD_FLAG", "active", "E", "open"),
        ("MISSING_KEY", "id", None, "open"),
        ("MISSING_FIELD", "item_name", "C", "open"),
    ]
    mended = "id,item_name,active\nB,b,false\nC,c,true\nD,d,true\nE,e,true\n"
    second = send(place, "delta", mended)
    assert [each.state for each in cases(place)] == ["fixed"] * 4
    assert {each.closed_task for each in cases(place)} == {second}
    assert place.task(second).parent == first
    told = json.loads(place.seen(f"{homes.reports(place.task(second))}/summary.json"))
    assert told["parent_task_id"] == first


@pytest.mark.feature("P31", "W39")
def test_rejected_rows_that_are_sent_again_unchanged_open_nothing(place: Place) -> None:
    first = send(place, "delta", BAD)
    before = {(each.id, each.code, each.identity) for each in cases(place)}
    again = send(place, "delta", rejected(place, first))
    assert {(each.id, each.code, each.identity) for each in cases(place)} == before
    assert {each.times for each in cases(place)} == {2} and {each.reopened for each in cases(place)} == {0}
    assert place.task(again).parent == first
    assert rejected(place, again) == rejected(place, first)


@pytest.mark.feature("P31", "W39", "L25")
@pytest.mark.parametrize("operation", ["delta", "sync"])
def test_mended_rows_and_the_whole_file_lead_to_the_same_snapshot(tmp_path: Path, operation: str) -> None:
    clean = Place(tmp_path / "clean", RULES)
    send(clean, operation, GOOD)
    found = []
    for way, again in (("rows", "id,item_name,active\nB,b,false\nC,c,true\nD,d,true\nE,e,true\n"), ("whole", GOOD)):
        place = Place(tmp_path / way, RULES)
        send(place, operation, BAD)
        send(place, "delta" if way == "rows" else operation, again)
        assert cases(place, "open") == []
        found.append((digest(place), place.items()))
    # A digest is keyed by its store; what it stands for is compared.
    assert [items for _, items in found] == [clean.items()] * 2


@pytest.mark.feature("P31")
def test_a_problem_that_comes_back_is_reopened(place: Place) -> None:
    send(place, "delta", "id,item_name,active\nB,b,maybe\n")
    send(place, "delta", "id,item_name,active\nB,b,true\n")
    third = send(place, "delta", "id,item_name,active\nB,b,perhaps\n")
    [case] = cases(place)
    assert (case.state, case.word, case.reopened, case.times, case.value) == ("open", "reopened", 1, 2, "perhaps")
    assert (case.first_task < case.last_task, case.last_task, case.closed) == (True, third, None)
    assert cases(place, "reopened") == cases(place, "open") == [case]


def test_other_records_and_other_catalogs_stay_open(place: Place) -> None:
    send(place, "delta", "id,item_name,active\nB,b,maybe\nC,c,maybe\n")
    send(place, "delta", "id,item_name,active\nB,b,true\nX,x,true\n")
    assert [each.record for each in cases(place, "open")] == ["C"]
    # A sync that leaves the record out has no fault in it any more.
    send(place, "sync", "id,item_name,active\nB,b,true\n")
    assert cases(place, "open") == []


def test_a_record_that_is_still_wrong_in_another_way_is_half_mended(place: Place) -> None:
    send(place, "delta", "id,item_name,active,suggested_score\nB,b,maybe,many\n")
    assert {each.code for each in cases(place, "open")} == {"BAD_FLAG", "BAD_INTEGER"}
    send(place, "delta", "id,item_name,active,suggested_score\nB,b,true,many\n")
    assert {each.code for each in cases(place, "open")} == {"BAD_INTEGER"}
    assert {each.code for each in cases(place, "fixed")} == {"BAD_FLAG"}


def test_a_whole_file_that_is_refused_is_a_problem_until_one_like_it_is_applied(tmp_path: Path) -> None:
    place = Place(tmp_path, '[safeguard]\nlimit = "off"')
    send(place, "sync", "id;id\n1;2\n")
    assert [(each.code, each.names) for each in cases(place, "open")] == [
        ("DUPLICATE_COLUMN", (("file", "sync"),)),
    ]
    send(place, "delta", "id,item_name\nA,a\n")
    assert len(cases(place, "open")) == 1
    send(place, "sync", "id,item_name\nA,a\n")
    assert cases(place, "open") == []


def test_where_a_bad_row_fails_its_file_the_row_is_named_all_the_same(tmp_path: Path) -> None:
    place = Place(tmp_path, '[safeguard]\nlimit = "off"')
    failed = send(place, "sync", "id,item_name,active\nA,a,true\nB,b,maybe\n")
    assert [(each.record, each.code) for each in cases(place, "open")] == [("B", "BAD_FLAG")]
    # What else is in a file that was not applied says nothing.
    send(place, "sync", "id,item_name,active\nB,b,true\nC,c,maybe\n")
    assert {each.record for each in cases(place, "open")} == {"B", "C"}
    done = send(place, "sync", "id,item_name,active\nA,a,true\nB,b,true\nC,c,true\n")
    assert cases(place, "open") == [] and place.task(done).parent == failed + 1


def test_silence_about_a_fault_means_nothing_where_the_list_was_cut(tmp_path: Path) -> None:
    place = Place(tmp_path, f"{RULES}\n[limits]\nlisted_problems = 2")
    bad = "id,item_name,active\n" + "".join(f"B{n},b,maybe\n" for n in range(5))
    send(place, "delta", bad)
    assert [each.record for each in cases(place)] == ["B0", "B1"]
    # B1 is the third of the faults now and is not listed; it is as wrong as before.
    send(place, "delta", "id,item_name,active\nB3,b,maybe\nB4,b,maybe\nB1,b,maybe\nB0,b,maybe\n")
    assert {each.record for each in cases(place, "open")} >= {"B0", "B1"}
    send(place, "delta", bad.replace("maybe", "true"))
    assert cases(place, "open") == []


def test_dismissed_problems_stay_so(place: Place) -> None:
    send(place, "delta", "id,item_name,active\nB,b,maybe\n")
    [case] = cases(place)
    Cases(place.store.ledger).dismiss(case.id, actor="ann", reason="discontinued")
    send(place, "delta", "id,item_name,active\nB,b,maybe\n")
    [case] = cases(place)
    assert (case.state, case.times, case.decided_reason) == ("dismissed", 2, "discontinued")


def test_archives_and_json_are_told_apart_by_entity(tmp_path: Path) -> None:
    place = Place(tmp_path, RULES)
    number = place.land(
        place.name("delta", ext="json"),
        json.dumps({"items": [{"id": "A", "name": "a", "data": {"active": "maybe"}}, {"id": "B", "name": "b"}]}),
    )
    place.work()
    [case] = cases(place, "open")
    assert (case.record, case.entity, case.last_task) == ("A", "items", number)
    place.land(place.name("delta", ext="jsonl"), '{"id": "A", "name": "a", "data": {"active": true}}\n')
    place.work()
    assert cases(place, "open") == []
