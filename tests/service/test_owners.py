"""Reports by owner: own rows only, nothing internal, safe to open; the steward's has all."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from command import command
from feedengine.ledger.cases import Cases
from feedengine.service import homes
from service.place import Place
from sheets.obvious import texts
from sheets.write import Workbook

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


def send(place: Place, content: str | bytes, ext: str = "csv") -> Path:
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


@pytest.mark.feature("P30", "L24")
@pytest.mark.parametrize("heading", ["Cost Price", "EK", "cost"])
def test_an_internal_column_is_one_by_each_of_its_names(tmp_path: Path, heading: str) -> None:
    """What a file is told to be wrong with is told by the column's name in that file."""
    field = 'cost = { type = "integer", column = "Cost Price", aliases = ["EK"], internal = true }'
    (tmp_path / "shop.toml").write_text(f"{PROFILE}{field}\n")
    folder = send(
        Place(tmp_path, RULES), f"id,item_name,url,{heading},active\nA,a,Acme,secret,true\nB,b,Acme,1,maybe\n"
    )
    [fault] = faults(folder / "owners" / "Acme")
    assert (fault["key"], fault["column"]) == ("B", "active")
    assert all("secret" not in path.read_text() for path in (folder / "owners" / "Acme").iterdir())
    assert {each["column"] for each in faults(folder)} == {heading, "active"}


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


ROWS = [
    ["A", "a", "Acme", "x", "maybe"],
    ["B", "b", "Bolt", "x", "maybe"],
    ["C", "c", "Acme", "x", "maybe"],
    ["E", "e", "Acme", "x", "true"],
]
NAMES = HEAD.split(",")


def as_xlsx() -> bytes:
    return Workbook(random.Random(7)).write([NAMES, *ROWS])


def as_parquet() -> bytes:
    out = io.BytesIO()
    turned = zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True)
    pq.write_table(pa.table(dict(turned)), out, row_group_size=2)
    return out.getvalue()


def as_json() -> bytes:
    nested = [{**dict(zip(NAMES, row, strict=True)), "keywords": [row[3]]} for row in ROWS]
    return json.dumps({"items": nested}, indent=3).encode()


def shown(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, by column."""
    if path.suffix == ".parquet":
        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found
    if path.suffix == ".json":
        rows: list[dict[str, Any]] = json.loads(path.read_bytes())["items"]
        return rows
    [[header, *cells]] = texts(path).values()
    return [dict(zip(header, row, strict=True)) for row in cells]


#: Of other formats than the published names have extensions for.
OWN_NAMES = """
name = "shop"
[naming]
form = "ITEM_{date:DD_MM_YYYY}.{ext}"
extensions = ["json", "xlsx", "parquet"]
[entities.items]
file = "ITEM"
operation = "delta"
owner = "url"
[entities.items.fields]
id = { required = true }
item_name = {}
url = {}
keywords = { type = "list", internal = true }
active = { type = "boolean" }
"""


@pytest.mark.feature("P30", "P29")
@pytest.mark.parametrize(("ext", "content"), [("xlsx", as_xlsx), ("parquet", as_parquet), ("json", as_json)])
def test_each_owner_has_its_rows_in_the_form_they_were_sent_in(tmp_path: Path, ext: str, content: Any) -> None:
    (tmp_path / "shop.toml").write_text(OWN_NAMES)
    place = Place(tmp_path, RULES + '\n[catalogs."acme/main"]\nprofile = "shop.toml"', ("acme",))
    number = place.land(f"ITEM_21_11_2026.{ext}", content(), "/in")
    place.work()
    task = place.task(number)
    assert task.outcome == "ok_with_errors", task.error
    folder = place.home / homes.reports(task).lstrip("/")
    mine = {owner.name: shown(owner / f"rejected.{ext}") for owner in (folder / "owners").iterdir()}
    row = {"item_name": "a", "url": "Acme", "active": "maybe"}
    assert mine == {
        "Acme": [{**row, "id": "A"}, {**row, "id": "C", "item_name": "c"}],
        "Bolt": [{"id": "B", "item_name": "b", "url": "Bolt", "active": "maybe"}],
    }
    assert [each["id"] for each in shown(folder / f"rejected.{ext}")] == ["A", "B", "C"]
