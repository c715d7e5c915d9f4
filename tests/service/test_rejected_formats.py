"""Rejected rows in the sender's own format: mended and sent again by the same profile they are what was meant."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feedengine.service import homes, rejected
from service.place import Place
from sheets.obvious import texts
from sheets.write import Workbook

PROFILE = """
name = "stock"
[naming]
form = "{entity}_{date:DD_MM_YYYY}[_{seq}].{ext}"
extensions = [
    "csv", "csv.gz", "csv.zst", "tsv", "json", "json.gz", "jsonl", "jsonl.zst", "xlsx", "xlsx.gz", "parquet", "tar.gz",
    "tar.zst",
]
[entities.things]
file = "THING"
operation = "delta"
[entities.things.format]
sheet = { name = "Stock", header_row = 3 }
[entities.things.fields]
id = { column = "No.", required = true }
name = { column = "Name" }
count = { type = "integer", column = "Count", min = 0 }
price = { type = "decimal", column = "Price" }
seen = { type = "date", column = "Seen" }
"""
SETTINGS = '[catalogs."acme/main"]\nprofile = "stock.toml"\n[safeguard]\nlimit = "off"\n'
HEAD = ["No.", "Name", "Count", "Price", "Seen"]
DAY = dt.date(2026, 11, 21)
#: Good rows and bad ones; the bad ones have no count that is one.
GOOD = [["007", "Bond", 7, "1.50", DAY], ["008", 'qu"o,te', 8, "2", DAY]]
BAD = [["009", "Größe\n& <b>", -9, "3.10", DAY], ["010", "", -10, "4.00", DAY]]
ROWS = [GOOD[0], BAD[0], GOOD[1], BAD[1]]


def line(row: list[Any]) -> list[str]:
    return [str(cell) for cell in row]


def as_csv(rows: list[list[Any]], delimiter: str = ",") -> bytes:
    def quoted(cell: str) -> str:
        doubled = cell.replace('"', '""')
        return f'"{doubled}"' if set(cell) & set('",\n\t') else cell

    return "".join(delimiter.join(map(quoted, line(row))) + "\n" for row in [HEAD, *rows]).encode()


def as_jsonl(rows: list[list[Any]]) -> bytes:
    names = ("id", "name", "count", "price", "seen")
    return "".join(json.dumps(dict(zip(names, line(row), strict=True))) + "\n" for row in rows).encode()


def as_json(rows: list[list[Any]]) -> bytes:
    elements = as_jsonl(rows).decode().splitlines()
    return ('{\n"things": [\n' + ",\n".join(elements) + "\n]\n}\n").encode()


def as_xlsx(rows: list[list[Any]]) -> bytes:
    return Workbook(random.Random(5)).write([HEAD, *rows], sheet="Stock", first=3)


def as_parquet(rows: list[list[Any]]) -> bytes:
    kinds = (pa.string(), pa.string(), pa.int32(), pa.decimal128(9, 2), pa.date32())
    turned = zip(*([*row[:3], Decimal(row[3]), row[4]] for row in rows), strict=True)
    columns = {name: pa.array(cells, kind) for name, cells, kind in zip(HEAD, turned, kinds, strict=True)}
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=2)
    return out.getvalue()


def zst(content: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(content, asbytes=True)
    return packed


def tar(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


Written = Callable[[list[list[Any]]], bytes]
#: Extension of the feed, how it is written, the name of the rejected rows, how these are written.
FORMATS: list[tuple[str, Written, str, Written]] = [
    ("csv", as_csv, "rejected.csv", as_csv),
    ("tsv", lambda rows: as_csv(rows, "\t"), "rejected.tsv", lambda rows: as_csv(rows, "\t")),
    ("jsonl", as_jsonl, "rejected.jsonl", as_jsonl),
    ("json", as_json, "rejected.json", as_json),
    ("json.gz", lambda rows: gzip.compress(as_json(rows)), "rejected.json", as_json),
    ("tar.gz", lambda rows: gzip.compress(tar("things.json", as_json(rows))), "rejected_things.json", as_json),
    ("csv.gz", lambda rows: gzip.compress(as_csv(rows)), "rejected.csv", as_csv),
    ("csv.zst", lambda rows: zst(as_csv(rows)), "rejected.csv", as_csv),
    ("jsonl.zst", lambda rows: zst(as_jsonl(rows)), "rejected.jsonl", as_jsonl),
    ("tar.gz", lambda rows: gzip.compress(tar("things.csv", as_csv(rows))), "rejected_things.csv", as_csv),
    ("tar.zst", lambda rows: zst(tar("things.jsonl", as_jsonl(rows))), "rejected_things.jsonl", as_jsonl),
    ("tar.gz", lambda rows: gzip.compress(tar("things.parquet", as_parquet(rows))),
     "rejected_things.parquet", as_parquet),
    ("xlsx", as_xlsx, "rejected.xlsx", as_xlsx),
    ("xlsx.gz", lambda rows: gzip.compress(as_xlsx(rows)), "rejected.xlsx", as_xlsx),
    ("parquet", as_parquet, "rejected.parquet", as_parquet),
]  # fmt: skip


class Sender:
    """Sends files of things and looks at what became of them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "stock.toml").write_text(PROFILE)
        self.place = Place(folder, SETTINGS, ("acme",))
        self.sent = 0

    def send(self, extension: str, content: bytes) -> Any:
        self.sent += 1
        number = self.place.land(f"THING_21_11_2026_{self.sent}.{extension}", content, "/in")
        self.place.work()
        return self.place.task(number)

    def report(self, task: Any) -> Path:
        return self.place.home / homes.reports(task).lstrip("/")


def rows_of(catalog: Any) -> list[dict[str, Any]]:
    rows = pa.table(catalog.export_rows("main", "things", None)).to_pylist()
    return sorted(({name: row[name] for name in ("id", "name", "count", "price", "seen")} for row in rows), key=str)


def rows(sender: Sender) -> list[dict[str, Any]]:
    with sender.place.store.catalog("acme") as catalog:
        return rows_of(catalog)


@pytest.mark.feature("P29", "W17", "W39")
@pytest.mark.parametrize(("extension", "write", "name", "plain"), FORMATS, ids=[f"{e[0]}-{e[2]}" for e in FORMATS])
def test_rejected_rows_come_back_as_they_were_sent(
    tmp_path: Path, extension: str, write: Written, name: str, plain: Written
) -> None:
    sender, mended = Sender(tmp_path / "a"), [[key, text, -count, *rest] for key, text, count, *rest in BAD]
    task = sender.send(extension, write(ROWS))
    assert task.outcome == "ok_with_errors", (task.error, task.report and task.report["problems"]["list"])
    assert [row["id"] for row in rows(sender)] == ["007", "008"]
    folder = sender.report(task)
    assert sorted(path.name for path in folder.glob("rejected*")) == [name]
    assert (task.report or {})["entities"]["things"]["rejected"] == 2
    content, kind = (folder / name).read_bytes(), name.rpartition(".")[2]
    if kind == "xlsx":
        [(sheet, cells)] = texts(folder / name).items()
        assert (sheet, cells) == ("Stock", [[], [], HEAD, *([cell.rstrip() for cell in line(row)] for row in BAD)])
    elif kind == "parquet":
        sent, got = pq.read_table(io.BytesIO(as_parquet(BAD))), pq.read_table(io.BytesIO(content))
        assert got.to_pylist() == sent.to_pylist() and [str(field.type) for field in got.schema] == [
            str(field.type) for field in sent.schema
        ]
    else:
        assert content == plain(BAD)
    # They load by the same profile, and have the same faults still.
    again = sender.send(kind, content)
    assert (again.report or {})["entities"]["things"]["rejected"] == 2 and again.parent == task.id
    last = sender.send(kind, plain(mended))
    assert last.outcome == "ok"
    whole = Sender(tmp_path / "b")
    whole.send(kind, plain([*GOOD, *mended]))
    assert rows(sender) == rows(whole) and len(rows(sender)) == 4


def test_what_cannot_be_copied_is_told(tmp_path: Path) -> None:
    sender = Sender(tmp_path / "a")
    feed = tmp_path / "THING_21_11_2026.csv.zst"
    content = zst(as_csv(ROWS * 5000))
    feed.write_bytes(content[: len(content) // 2])
    found = [rejected.Row(feed.name, "things", 2, 3, 40)]
    again = rejected.Again({}, sender.place.store.secret, tmp_path)
    written = rejected.write(feed, tmp_path, found, again)
    assert written.rows == 0 and len(written.trouble) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [feed.name, "a"]
