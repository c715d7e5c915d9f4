"""Members of JSON may be called as the columns of the template are, and mean what those mean in CSV."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.bench import plan, text
from feedengine.profile import loads

PROFILE = """
name = "goods"
[entities.things.fields]
id = { column = "Reference ID", required = true }
name = { column = "Product Name", aliases = ["Title"], max_length = 5 }
stock = { type = "integer", column = "Available Quantity" }
price = { type = "decimal", point = ",", column = "Price (EUR)" }
tags = { type = "list", separator = ";", column = "Tag List" }
day = { type = "date", forms = ["DD.MM.YYYY"], column = "ETA" }
"""
FIELDS = {
    "id": ["Reference ID"],
    "name": ["Product Name", "Title"],
    "stock": ["Available Quantity"],
    "price": ["Price (EUR)"],
    "tags": ["Tag List"],
    "day": ["ETA"],
}
LOOSE = "[columns]\nloose = true\n"


def things(more: str = "") -> Any:
    """The one entity's declaration."""
    return loads(PROFILE + more).entity("things").spec


def spelled(name: str, way: int) -> str:
    """As columns may be spelled where case, blanks, `_` and `-` do not count."""
    return [name, name.upper(), name.replace(" ", "_").lower(), name.replace(" ", "")][way % 4]


ROWS = st.fixed_dictionaries(
    {"name": st.text("ab ", min_size=1, max_size=7).filter(str.strip), "stock": st.integers(-5, 5)},
    optional={
        "price": st.sampled_from(["1,50", "x"]),
        "tags": st.lists(st.sampled_from(["a", "b c"]), min_size=1, max_size=2),
        "day": st.sampled_from(["03.02.2026", "31.02.2026"]),
    },
)


@pytest.mark.feature("P2", "W6")
@given(rows=st.lists(ROWS, min_size=1, max_size=4), loose=st.booleans(), data=st.data())
def test_a_heading_means_in_json_what_it_means_in_csv(rows: list[Any], loose: bool, data: st.DataObject) -> None:
    calls = {}
    for field, headings in FIELDS.items():
        name = data.draw(st.sampled_from([field, *headings]))
        calls[field] = spelled(name, data.draw(st.integers(0, 3))) if loose else name
    told = [{"id": f"A{number}", **row} for number, row in enumerate(rows)]
    named = [{calls[field]: value for field, value in row.items()} for row in told]
    cells = [[";".join(v) if isinstance(v := row.get(field, ""), list) else str(v) for field in FIELDS] for row in told]
    spec = things(LOOSE if loose else "")
    contents: dict[str, str] = {
        "things.jsonl": "".join(json.dumps(row) + "\n" for row in named),
        "things.json": json.dumps({"things": named}),
    }
    with tempfile.TemporaryDirectory() as folder:
        expected = plan(Path(folder), spec, text([calls[field] for field in FIELDS], cells))
        wrong = [(record, code, value) for record, code, _, value in expected.faults]
        for name, content in contents.items():
            answer = plan(Path(folder), spec, content, name=name)
            assert [(record, code, value) for record, code, _, value in answer.faults] == wrong
            assert (answer.rows, answer.warnings) == (expected.rows, []), name
            assert answer.report["entities"]["things"]["digest"] == expected.report["entities"]["things"]["digest"]
            # What is rejected is told by the fields that are meant.
            assert len(answer.rejected) == len(expected.rejected)


@pytest.mark.feature("P2", "W37")
def test_a_field_under_two_names_is_told(tmp_path: Path) -> None:
    line = '{"id":"A","name":"x","Title":"y"}\n'
    answer = plan(tmp_path, things(), line, name="things.jsonl")
    assert answer.warnings == [(1, "DUPLICATE_MEMBER", "Title", "")]
    assert answer.rows == {"A": {"id": "A", "name": "y"}}


@pytest.mark.feature("P2", "W37")
def test_what_is_nearly_a_heading_is_told_with_the_heading(tmp_path: Path) -> None:
    answer = plan(tmp_path, things(), '{"ReferenceID":"A"}\n', name="things.jsonl")
    said = {each["code"]: each["message"] for each in answer.report["problems"]["list"]}
    assert said["UNKNOWN_MEMBER"] == '"ReferenceID" is not known and left out; did you mean "Reference ID"?'


@pytest.mark.feature("P2")
def test_items_are_added_under_a_heading(tmp_path: Path) -> None:
    line = '{"Reference ID":"A","Tag List:add":["b"]}\n'
    answer = plan(tmp_path, things(), line, name="things.jsonl", operation="patchdeltaignore")
    assert (answer.faults, answer.warnings, answer.counts["ignored"]) == ([], [], 1)
    answer = plan(tmp_path, things(), line.replace("Tag", "Bag"), name="things.jsonl", operation="patchdeltaignore")
    assert [code for _, code, _, _ in answer.warnings] == ["UNKNOWN_MEMBER"]


@pytest.mark.feature("P2")
def test_parquet_and_xml_take_headings_too(tmp_path: Path) -> None:
    parquet = io.BytesIO()
    pq.write_table(pa.table({"Reference ID": ["A"], "Title": ["x"]}), parquet)
    xml = "<c><p><Reference_ID>A</Reference_ID><Title>x</Title></p></c>"
    for name, content, more in (
        ("things.parquet", parquet.getvalue(), ""),
        ("things.xml", xml, LOOSE),
    ):
        answer = plan(tmp_path, things(more), content, name=name, format={"xml": {"record": "c/p"}})
        assert (answer.faults, answer.warnings, answer.rows) == ([], [], {"A": {"id": "A", "name": "x"}}), name
