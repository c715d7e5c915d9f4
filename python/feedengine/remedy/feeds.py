"""Feeds that the engine writes for itself from rows that it kept: CSV in UTF-8, in an archive that names the entity."""

from __future__ import annotations

import csv
import io
import itertools
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedengine.store import Store


@dataclass(frozen=True)
class Written:
    """A feed that was written: its file, the one member in it, and the byte in the member where each row begins."""

    path: Path
    member: str
    offsets: tuple[int, ...]


def write(store: Store, name: str, spec: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> Written:
    """Write `NAME.tar` with one member, in a folder of its own in the spool; it is on the disk when this returns."""
    lines = list(_lines(spec, rows))
    content = b"".join(lines)
    place = store.root / "spool" / os.urandom(8).hex()
    place.mkdir(mode=0o700, parents=True)
    path, member = place / f"{name}.tar", f"{spec['name']}.csv"
    with path.open("xb") as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        out.flush()
        os.fsync(out.fileno())
    for folder in (place, place.parent):
        _sync(folder)
    ends = tuple(itertools.accumulate(map(len, lines)))
    return Written(path, member, ends[:-1])


def _lines(spec: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> Iterator[bytes]:
    """A header of all columns that any row has (of all that are declared, where the order is strict), then the rows."""
    columns = dict.fromkeys(name for row in rows for name in row)
    if (spec.get("columns") or {}).get("order") == "strict":
        columns = dict.fromkeys((*(field["name"] for field in spec["fields"]), *columns))
    for cells in (list(columns), *([row.get(name, "") for name in columns] for row in rows)):
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerow(cells)
        yield out.getvalue().encode()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
