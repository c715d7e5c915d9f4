"""Reports by owner: own rows only, nothing internal, safe to open; the steward's has all."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from command import command
from feedengine.ledger.cases import Cases
from feedengine.service import homes
from service.place import Place

PROFILE = """
name = "shop"
extends = "constructor"
version = "1"
[entities.items]
owner = "url"
[entities.items.fields]
keywords = { type = "list", place = "data", max_length = 5, internal = true }
"""
RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\nprofile = "shop.toml"\n[safeguard]\nlimit = "off"'
HEAD = "id,item_name,url,keywords,active"
BAD = (
    f'{HEAD}\nA,a,Acme,secret-1,maybe\nB,=cmd,Bolt/..,x,maybe\nC,"c,\nc",Acme,x,maybe\nD,d,,x,maybe\nE,e,Acme,x,true\n'
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "shop.toml").write_text(PROFILE)
    return Place(tmp_path, RULES)


def send(place: Place, content: str, ext: str = "csv") -> Path:
    number = place.land(place.name("delta", ext=ext), content)
    place.work()
    task = place.task(number)
    assert task.outcome == "ok_with_errors", task.error
    return place.home / homes.reports(task).lstrip("/")


def faults(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "errors.csv").read_text().splitlines()))


@pytest.mark.feature("P30", "L24")
def test_each_owner_sees_its_own_rows_without_internal_columns(place: Place) -> None:
    folder = send(place, BAD)
    told = json.loads((folder / "summary.json").read_text())
    assert told["owners"] == 2
    acme, bolt = sorted((folder / "owners").iterdir())
    # What a file system would take for a path is replaced, and told apart from others that look the same then.
    assert acme.name == "Acme" and bolt.name.startswith("Bolt__-")
    assert {(fault["key"], fault["column"]) for fault in faults(acme)} == {("A", "active"), ("C", "active")}
    assert {fault["key"] for fault in faults(bolt)} == {"B"}
    assert {fault["owner"] for fault in faults(acme)} == {"Acme"}
    assert (acme / "rejected.csv").read_text() == 'id,item_name,url,active\nA,a,Acme,maybe\nC,"c,\nc",Acme,maybe\n'
    assert (bolt / "rejected.csv").read_text() == "id,item_name,url,active\nB,=cmd,Bolt/..,maybe\n"
    for path in (path for owner in (acme, bolt) for path in owner.iterdir()):
        assert "secret" not in path.read_text() and "keywords" not in path.read_text()
    # The steward's has all: whose row nobody knows, and what is internal.
    assert {fault["key"] for fault in faults(folder)} == {"A", "B", "C", "D"}
    assert "keywords" in {fault["column"] for fault in faults(folder)}
    assert (folder / "rejected.csv").read_bytes().count(b"maybe") == 4


@pytest.mark.feature("P29", "W37")
def test_a_report_is_safe_to_open_in_a_spreadsheet(place: Place) -> None:
    folder = send(place, f'{HEAD}\n=1+1,a,"@SUM(1)",x,-maybe\n')
    [fault] = faults(folder)
    assert (fault["key"], fault["owner"], fault["value"]) == ("'=1+1", "'@SUM(1)", "'-maybe")
    assert list(fault) == [
        *("task_id", "file", "member", "record_number", "line", "byte_offset", "entity", "key", "column", "value"),
        *("code", "family", "severity", "message", "hint", "related", "owner"),
    ]
    # What is sent again is as it was sent.
    assert (folder / "rejected.csv").read_text() == f'{HEAD}\n=1+1,a,"@SUM(1)",x,-maybe\n'


@pytest.mark.feature("P30", "P31")
def test_problems_are_listed_by_owner(place: Place) -> None:
    send(place, BAD)
    assert {(case.owner, case.record) for case in Cases(place.store.ledger).list(codes=["BAD_FLAG"])[0]} == {
        ("Acme", "A"),
        ("Bolt/..", "B"),
        ("Acme", "C"),
        (None, "D"),
    }
    told = json.loads(command("--config", place.file, "--json", "problems", "list", "--owner", "Acme").stdout)
    assert {each["record"] for each in told["problems"]} == {"A", "C"} and told["total"] == 3
    shown = command("--config", place.file, "problems", "list", "--code", "BAD_FLAG").stdout
    assert [line for line in shown.splitlines() if not line.startswith(" ")] == [
        "Acme",
        "problem  state  days  code      entity  record  column  task",
        "",
        "Bolt/..",
        "problem  state  days  code      entity  record  column  task",
        "",
        "without an owner",
        "problem  state  days  code      entity  record  column  task",
    ]
    number = str(told["problems"][0]["id"])
    one = command("--config", place.file, "problems", "show", number).stdout
    assert "owner" in one and "Acme" in one and "in task 1" in one


def test_a_row_with_more_cells_than_columns_is_shown_to_nobody_who_must_not_see_all(place: Place) -> None:
    folder = send(place, f"{HEAD}\nA,a,Acme,x,y,secret\nB,b,Acme,x,maybe\n")
    assert (folder / "owners" / "Acme" / "rejected.csv").read_text() == "id,item_name,url,active\nB,b,Acme,maybe\n"


def test_jsonl_is_split_as_it_was_sent(place: Place) -> None:
    lines = [
        {"id": "A", "name": "a", "data": {"url": "Acme", "active": "maybe", "keywords": ["x"]}},
        {"id": "B", "name": "b", "data": {"url": "Bolt", "active": "maybe"}},
    ]
    folder = send(place, "".join(json.dumps(line) + "\n" for line in lines), "jsonl")
    assert [json.loads(line) for line in (folder / "owners" / "Acme" / "rejected.jsonl").read_text().splitlines()] == [
        {"id": "A", "name": "a", "data": {"url": "Acme", "active": "maybe"}}
    ]
