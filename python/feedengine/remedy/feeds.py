"""Feeds that the engine writes for itself from rows that it kept: CSV or JSON lines in UTF-8, in an archive that names
the entity."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedengine.store import Store


Spec = Mapping[str, Any]
#: Of a single field or of a list.
Value = str | list[str]


@dataclass(frozen=True)
class Written:
    """A feed that was written: its file, the one member in it, the byte in the member where each row begins, and how
    many lines there are before the first."""

    path: Path
    member: str
    offsets: tuple[int, ...]
    head: int


def write(store: Store, name: str, spec: Spec, rows: Sequence[Mapping[str, str]]) -> Written:
    """Write `NAME.tar` with one member, in a folder of its own in the spool; it is on the disk when this returns."""
    lines = list(_lines(spec, rows))
    path = _archive(store, name, [(spec, b"".join(lines))])
    ends = tuple(itertools.accumulate(map(len, lines)))
    return Written(path, f"{spec['name']}.csv", ends[:-1], 1)


def write_elements(store: Store, name: str, spec: Spec, elements: Sequence[str]) -> Written:
    """The same of lines of JSON, as they were sent."""
    lines = [f"{element}\n".encode() for element in elements]
    path = _archive(store, name, [(spec, b"".join(lines))], "jsonl")
    starts = tuple(itertools.accumulate(map(len, lines[:-1]), initial=0))
    return Written(path, f"{spec['name']}.jsonl", starts, 0)


def write_all(store: Store, name: str, tables: Iterable[tuple[Spec, Sequence[Mapping[str, Value]]]]) -> Path:
    """The same with a member for each entity, of lines of JSON: no item of a list is taken for several."""
    members = [(spec, "".join(f"{_element(spec, row)}\n" for row in rows).encode()) for spec, rows in tables]
    return _archive(store, name, members, "jsonl")


def _element(spec: Spec, row: Mapping[str, Value]) -> str:
    places: dict[str, dict[str, Value]] = {"top": {}, "data": {}}
    for field in spec["fields"]:
        if field["name"] in row:
            places[field["place"]][field["json"]] = row[field["name"]]
    data = {"data": places["data"]} if places["data"] else {}
    return json.dumps({**places["top"], **data}, ensure_ascii=False)


def _archive(store: Store, name: str, members: Iterable[tuple[Spec, bytes]], extension: str = "csv") -> Path:
    place = store.root / "spool" / os.urandom(8).hex()
    place.mkdir(mode=0o700, parents=True)
    path = place / f"{name}.tar"
    with path.open("xb") as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
            for spec, content in members:
                info = tarfile.TarInfo(f"{spec['name']}.{extension}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        out.flush()
        os.fsync(out.fileno())
    for folder in (place, place.parent):
        sync(folder)
    return path


def drop(path: Path) -> None:
    """Forget a feed that no task was made for."""
    path.unlink(missing_ok=True)
    path.parent.rmdir()


def _lines(spec: Spec, rows: Sequence[Mapping[str, str]]) -> Iterator[bytes]:
    """A header of all columns that any row has and those that there must be (of all that are declared, where the order
    is strict), then the rows."""
    declared = spec.get("columns") or {}
    columns = dict.fromkeys((*(name for row in rows for name in row), *declared.get("required", ())))
    if declared.get("order") == "strict":
        columns = dict.fromkeys((*(field["name"] for field in spec["fields"]), *columns))
    for cells in (list(columns), *([row.get(name, "") for name in columns] for row in rows)):
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerow(cells)
        yield out.getvalue().encode()


def sync(folder: Path) -> None:
    """Have what a folder names on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
