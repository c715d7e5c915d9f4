"""Rows as they were sent, read once more by the engine: every format and container against what was written."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedengine import engine
from feedengine.deliver import workbook
from feedengine.errors import FeedRejected

from .test_digests import packed, tables
from .write import FORMATS, Row, Writer, columns

SPECS = engine.constructor_entities()


def as_xlsx(rows: Sequence[Row]) -> tuple[str, bytes, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book"
        names = columns(rows)
        workbook.write(
            path, "S", [workbook.Column(name) for name in names], ([row[name] for name in names] for row in rows)
        )
        return "items.xlsx", path.read_bytes(), {}


def as_parquet(rows: Sequence[Row]) -> tuple[str, bytes, dict[str, Any]]:
    out = io.BytesIO()
    pq.write_table(
        pa.table({name: pa.array([row[name] or None for row in rows], pa.string()) for name in columns(rows)}), out
    )
    return "items.parquet", out.getvalue(), {}


ALL: dict[str, Writer] = {**FORMATS, "xlsx": as_xlsx, "parquet": as_parquet}


def in_container(name: str, content: bytes, container: str) -> tuple[str, str, bytes]:
    """File, member and bytes."""
    if container == "zst":
        return f"{name}.zst", f"{name}.zst", pa.Codec("zstd").compress(content, asbytes=True)
    file, data = packed(name, content, container)
    return file, name if container == "tar" else file, data


def sent(
    path: Path, declared: dict[str, Any] | None = None, entity: str | None = "items", block: int = 1 << 17, **asked: Any
) -> list[engine.Sent]:
    request = {
        "operation": "sync", "entities": SPECS, "temp_dir": str(path.parent), "block": block, "threads": 2,
        **({"entity": entity} if entity else {}), **({"format": declared} if declared else {}),
    }  # fmt: skip
    return list(engine.sent(path, request, bytes(192), path.parent, **asked))


def said(row: engine.Sent) -> dict[str, str]:
    """What a row says: some formats cannot tell a blank cell from none."""
    return {name: text for name, text in row.values.items() if text}


@pytest.mark.feature("P2", "P31")
@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from(["", "gz", "zst", "tar"]), st.sampled_from([16, 100, 1 << 17]), st.data())
def test_rows_are_what_was_written_in_every_format(
    table: list[Row], container: str, block: int, data: st.DataObject
) -> None:
    wanted = data.draw(st.sets(st.integers(1, len(table))))
    model = {number: {name: text for name, text in row.items() if text} for number, row in enumerate(table, 1)}
    seen = 0
    with tempfile.TemporaryDirectory() as folder:
        for form, writer in ALL.items():
            try:
                name, content, declared = writer(table)
            except UnicodeEncodeError:
                continue
            file, member, content = in_container(name, content, container)
            path = Path(folder) / file
            path.write_bytes(content)
            entity = None if container == "tar" else "items"
            places = [(member, "items", number) for number in wanted]
            found = sent(path, declared, entity, block, places=places)
            assert {row.record: said(row) for row in found} == {number: model[number] for number in wanted}, form
            assert {(row.member, row.entity) for row in found} <= {(member, "items")}
            assert all(row.identity == (("id", table[row.record - 1]["id"]),) for row in found), form
            names = [("items", "id", row["id"]) for row in table[::2]] + [("items", "id", "nobody")]
            met = sent(path, declared, entity, block, names=names)
            assert {row.record: row.names for row in met} == {
                number: (("id", row["id"]),) for number, row in list(enumerate(table, 1))[::2]
            }, form
            seen += 1
    assert seen > 10


def test_blank_lines_are_counted_as_the_engine_counts_them(tmp_path: Path) -> None:
    text = "id,item_name\nA,a\n\n\nB,\n\nC,many\n"
    (tmp_path / "f.csv").write_text(text)
    (tmp_path / "f.jsonl").write_text('{"id":"A"}\n\n\n{"id":"B"}\n\n{"id":"C"}\n')
    for name in ("f.csv", "f.jsonl"):
        found = sent(tmp_path / name, places=[(name, "items", number) for number in range(1, 9)])
        assert {row.record: row.values["id"] for row in found} == {1: "A", 4: "B", 6: "C"}, name


def test_texts_are_not_brought_into_form_and_go_by_the_names_of_fields(tmp_path: Path) -> None:
    record = {
        "id": "A", "name": "a", "suggested_score": "many", "unknown": 1, "data": {
            "active": "maybe", "group_ids": ["x", "y"], "price": 1.50, "note": "n",
            "facets": {"Color": ["Red", "Blue"]}, "deep": {"a": [1]}, "gone": None,
        },
    }  # fmt: skip
    values = {
        "id": "A", "item_name": "a", "suggested_score": "many", "unknown": "1", "active": "maybe", "group_ids": "x|y",
        "metadata:json:price": "1.50", "metadata:note": "n", "facet:Color": "Red|Blue",
        "metadata:json:deep": '{"a": [1]}',
    }  # fmt: skip
    text = json.dumps(record).replace("1.5,", "1.50,")
    (tmp_path / "f.jsonl").write_text(text + "\nnot json\n[1]\n")
    (tmp_path / "f.json").write_text('{"items": [' + text + "]}")
    (tmp_path / "g.jsonl").write_text('{"id": "A", "item_name": "a", "active": "maybe", "metadata:n": "1"}\n')
    jsonl = sent(tmp_path / "f.jsonl", places=[("f.jsonl", "items", number) for number in (1, 2, 3)])
    assert {row.record: dict(row.values) for row in jsonl} == {1: values, 2: {}, 3: {}}
    assert [dict(row.values) for row in sent(tmp_path / "f.json", places=[("f.json", "items", 1)])] == [values]
    flat = sent(tmp_path / "g.jsonl", places=[("g.jsonl", "items", 1)])
    assert dict(flat[0].values) == {"id": "A", "item_name": "a", "active": "maybe", "metadata:n": "1"}
    (tmp_path / "f.csv").write_text('name,id,"odd ""x"""\n"a, \n""b""",A,1\n,B\n,C,1,2\n')
    found = sent(tmp_path / "f.csv", places=[("f.csv", "items", number) for number in (1, 2, 3)])
    assert [dict(row.values) for row in sorted(found, key=lambda row: row.record)] == [
        {"item_name": 'a, \n"b"', "id": "A", 'odd "x"': "1"}, {"item_name": "", "id": "B"},
        {"item_name": "", "id": "C", 'odd "x"': "1"},
    ]  # fmt: skip


def test_a_row_without_identifiers_is_known_again_once_it_has_one(tmp_path: Path) -> None:
    bad, mended = tmp_path / "bad.csv", tmp_path / "mended.jsonl"
    bad.write_text("id,item_name\nA,a\n,b\n")
    mended.write_text('{"name": "b", "id": "B"}\n{"name": "c"}\n')
    row = sent(bad, places=[("bad.csv", "items", 2)])[0]
    assert row.identity[0][0] == "row"
    asked = [("items", *row.identity[0])]
    assert [(each.record, each.identity, each.names) for each in sent(mended, names=asked)] == [
        (1, (("id", "B"),), row.identity)
    ]
    # The faulty row itself is not one that mends it.
    assert sent(bad, names=asked) == []


def test_what_cannot_be_read_on_gives_what_was_found_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("id,item_name\n" + "".join(f"A{number},a\n" for number in range(500)) + '"open')
    found = []
    request = {"operation": "sync", "entities": SPECS, "temp_dir": str(tmp_path), "block": 64, "threads": 1}
    with pytest.raises(FeedRejected) as failed:
        for row in engine.sent(path, request, bytes(192), tmp_path, places=[("f.csv", "items", 3)]):
            found.append(row.values["id"])
    assert (found, failed.value.code) == (["A2"], "UNTERMINATED_QUOTE")
    assert not [each for each in tmp_path.iterdir() if each.is_dir()]
