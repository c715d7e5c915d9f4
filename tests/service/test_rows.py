"""The rows of a feed read once more: containers, encodings, names of columns, quotes; a model of what was written."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedengine import engine
from feedengine.remedy.naming import Naming, fold, text
from feedengine.remedy.rows import read

SPECS = engine.constructor_entities()
ROWS = 'id,name,metadata:x\nA,a,1\n\nB,"b, \n""c""",2\n'
FOUND = [("items", 1, {"id": "A", "item_name": "a", "metadata:x": "1"}),
         ("items", 2, {"id": "B", "item_name": 'b, \n"c"', "metadata:x": "2"})]  # fmt: skip


def rows(path: Path, *uploaded: str, **form: Any) -> list[tuple[str, int, dict[str, str]]]:
    return [(row.entity, row.record, dict(row.values)) for row in read(path, SPECS, uploaded or ("items",), form)]


@pytest.mark.parametrize("name", ["feed.csv", "feed.csv.gz", "feed.tar", "feed.tar.gz"])
def test_the_same_rows_in_every_container(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if ".tar" in name:
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as archive:
            for member, content in (("./items.csv", ROWS), ("item_groups.csv", "id,name\nall,All\n")):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content.encode()))
        assert rows(path, "items", "item_groups") == [*FOUND, ("item_groups", 1, {"id": "all", "name": "All"})]
        return
    path.write_bytes(gzip.compress(ROWS.encode()) if name.endswith("gz") else ROWS.encode())
    assert rows(path) == FOUND


def test_delimiters_are_found_and_encodings_are_said(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes("id;item_name\nA;Größe, gut\n".encode("cp1252"))
    assert rows(path, encoding="cp1252") == [("items", 1, {"id": "A", "item_name": "Größe, gut"})]
    path.write_bytes("\ufeffid\titem_name\nA\tx\n".encode())
    assert rows(path) == [("items", 1, {"id": "A", "item_name": "x"})]
    path.write_bytes("id,item_name\nA,x\n".encode("utf-16"))
    assert rows(path, encoding="utf-16") == [("items", 1, {"id": "A", "item_name": "x"})]


def test_json_is_flat_by_the_names_of_fields(tmp_path: Path) -> None:
    record = {"id": "A", "name": "a", "suggested_score": 3, "data": {"active": False, "group_ids": ["x", "y"]}}
    values = {"id": "A", "item_name": "a", "suggested_score": "3", "active": "false", "group_ids": "x|y"}
    (tmp_path / "f.json").write_text(json.dumps({"items": [record], "other": [1]}))
    (tmp_path / "f.jsonl").write_text(json.dumps(record) + "\n\nnot json\n")
    assert rows(tmp_path / "f.json") == [("items", 1, values)]
    assert rows(tmp_path / "f.jsonl") == [("items", 1, values), ("items", 2, {})]


def test_what_cannot_be_read_is_said_and_what_is_foreign_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "feed.tar.gz"
    path.write_bytes(b"\x1f\x8b" + b"x" * 40)
    with pytest.raises((ValueError, OSError)):
        rows(path)
    path = tmp_path / "feed.xml"
    path.write_text("<a/>")
    assert rows(path, xml={"record": "a"}) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
                          st.text("a,;\"'\n\r \t|é", max_size=8)), max_size=8))  # fmt: skip
def test_csv_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("rows") / "feed.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([("id", "item_name"), *cells])
    assert [row[2] for row in rows(path)] == [{"id": first, "item_name": second} for first, second in cells]


def test_records_are_named_by_their_identifiers_in_order() -> None:
    spec = {
        "name": "customers",
        "fields": [{"name": name, "normal": ["upper"] if name == "reference_id" else []}
                   for name in ("system_id", "reference_id", "company", "city")],
        "identity": [{"field": "system_id"}, {"field": "reference_id"}, {"field": "company", "weak": True}],
    }  # fmt: skip
    naming = Naming(spec)
    assert naming.pairs({"reference_id": " r1 ", "company": "ACME"}) == (("reference_id", "R1"),)
    assert naming.pairs({"company": "A.C.M.E. Inc"}) == (("company", "acmeinc"),)
    assert naming.pairs({"city": "Rome"}) == ()
    assert naming.every({"reference_id": "r1", "company": "Acme"}) == (("reference_id", "R1"), ("company", "acme"))
    # A row without identifiers keeps its name when it gets them, and another row has another one.
    assert naming.content({"city": "Rome", "system_id": "u"}) == naming.content({"city": "Rome", "company": ""})
    assert naming.content({"city": "Rome"}) != naming.content({"city": "Oslo"})
    assert text((("a", "ü"),)) == '[["a", "ü"]]' and fold("Ａcme—GmbH ") == "acmegmbh"
