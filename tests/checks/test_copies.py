"""Rejected rows in the sender's own format and encoding: a copy holds exactly the bad rows, and can be read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.bench import Answer, entity, field, plan
from feedengine.remedy.rejects import Row
from feedengine.service import rejected

SPEC = entity(field("name"), field("n", rules=["integer"]))
ROWS = [
    (f"R{at}", ("plain", 'qu"oted', "two\nlines", "Grün\u010a", "semi;colon")[at % 5], "x" if at % 3 == 0 else str(at))
    for at in range(1, 40)
]
BAD = [row[0] for row in ROWS if row[2] == "x"]


def quoted(value: str) -> str:
    doubled = value.replace('"', '""')
    return f'"{doubled}"' if set(value) & set('";\n') else value


def csv_text(rows: list[tuple[str, str, str]], end: str = "\r\n") -> str:
    return "".join(";".join(map(quoted, row)) + end for row in [("id", "name", "n"), *rows])


def copied(folder: Path, answer: Answer, feed: str, form: dict[str, Any] | None) -> list[Path]:
    """The files of rejected rows."""
    out = folder / "out"
    out.mkdir()
    rows = [Row(*each.values()) for each in answer.rejected]
    again = rejected.Again({}, bytes(192), folder)
    assert rejected.write(folder / feed, out, rows, again, {"things": form} if form else None) == (len(rows), ())
    return sorted(out.iterdir())


@pytest.mark.feature("P29", "W17")
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16", "utf-16le", "utf-16be"])
def test_csv_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    wide = encoding.startswith("utf-")
    rows = [(key, name if wide else name.replace("\u010a", "ß"), n) for key, name, n in ROWS]
    data = csv_text(rows).encode(encoding)
    form = {"encoding": encoding}
    answer = plan(tmp_path, SPEC, data, format=form)
    assert answer.counts["rejected"] == len(BAD)
    [path] = copied(tmp_path, answer, "things.csv", form)
    assert path.name == "rejected.csv"
    assert path.read_bytes() == csv_text([row for row in rows if row[0] in BAD]).encode(encoding)
    again = plan(tmp_path, SPEC, path.read_bytes(), format=form)
    assert (again.counts["rows"], again.counts["rejected"]) == (len(BAD), len(BAD))


def test_lines_of_fixed_width_with_a_trailer(tmp_path: Path) -> None:
    fields = [
        {"name": "id", "start": 2, "length": 4}, {"name": "name", "start": 6, "length": 8},
        {"name": "n", "start": 14, "length": 3},
    ]  # fmt: skip
    trailer = {"tag": {"at": 1, "text": "T"}, "start": 2, "length": 6}
    records = [{"tag": {"at": 1, "text": "D"}, "fields": fields}]
    form = {"encoding": "latin-1", "fixed": {"records": records, "ignore": ["H"], "trailer": trailer}}

    def written(rows: list[tuple[str, str, str]]) -> bytes:
        lines = [f"D{key:4}{name.partition(chr(10))[0]:8.8}{n:3}" for key, name, n in rows]
        return ("\n".join(["Hheader", *lines, f"T{len(rows):06}"]) + "\n").encode("latin-1")

    rows = [(key, name.replace("\u010a", "ß"), n) for key, name, n in ROWS]
    answer = plan(tmp_path, SPEC, written(rows), name="things.txt", format=form)
    assert (answer.report["verdict"], answer.counts["rejected"]) == ("apply", len(BAD))
    [path] = copied(tmp_path, answer, "things.txt", form)
    assert path.read_bytes() == written([row for row in rows if row[0] in BAD])
    again = plan(tmp_path, SPEC, path.read_bytes(), name="things.txt", format=form)
    assert (again.counts["rows"], again.counts["rejected"]) == (len(BAD), len(BAD))


def test_elements_of_xml(tmp_path: Path) -> None:
    def element(row: tuple[str, str, str]) -> str:
        key, name, n = row
        if name == "plain":
            return f'<product id="{key}" name="{name}" n="{n}"/>'
        return f"<product><id>{key}</id>\n<name>{name.replace('ü', '&#252;')}</name><n>{n}</n></product >"

    body = "\n ".join(map(element, ROWS))
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<catalog at="now"><about>all</about>\n {body}\n<end/></catalog>\n'
    form = {"xml": {"record": "catalog/product"}}
    spec = entity(field("name", aliases=["@name"]), field("n", aliases=["@n"], rules=["integer"]))
    spec["fields"][0]["aliases"] = ["@id"]
    answer = plan(tmp_path, spec, text, name="things.xml", format=form)
    assert answer.counts["rejected"] == len(BAD), answer.report["problems"]["list"][:3]
    [path] = copied(tmp_path, answer, "things.xml", form)
    kept = path.read_text(encoding="utf-8")
    assert kept.startswith(text[: text.index("<product")]) and kept.rstrip().endswith("<end/></catalog>")
    again = plan(tmp_path, spec, kept, name="things.xml", format=form)
    assert (again.counts["rows"], again.counts["rejected"]) == (len(BAD), len(BAD))
    assert again.faults == [(at, "BAD_INTEGER", "n", "x") for at in range(1, len(BAD) + 1)]
