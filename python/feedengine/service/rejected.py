"""The rejected rows of a feed, as they were sent, under the original header: to be mended and resent."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

#: The largest JSON document that is read again: it is held in memory whole.
_LARGEST_JSON = 64 << 20
#: The longest record that is copied; the engine takes none that is longer by default.
_LONGEST = 32 << 20
_GZIP = b"\x1f\x8b"
_BINARY = (".xlsx", ".xlsm", ".parquet")


@dataclass
class _Wanted:
    """What is wanted of one member: bytes within records, and records by entity and number from 1."""

    bytes: set[int] = field(default_factory=set)
    records: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


def write(feed: Path, folder: Path, problems: Iterable[Mapping[str, Any]]) -> int:
    """Write `rejected.EXT`, or `rejected_MEMBER` for each member of an archive; gives how many rows were written.

    `problems` are those of the ledger. CSV and JSONL records are copied byte for byte, JSON records are written anew.
    What can't be read again (a compression that only the engine knows, a JSON document of more than 64 MiB, a workbook,
    a Parquet file) is left out: the caller says how many rows there should be.
    """
    wanted: dict[str, _Wanted] = defaultdict(_Wanted)
    for problem in problems:
        if problem["severity"] == "row" and problem["byte_offset"] is not None and problem["record_number"]:
            member = wanted[str(problem["member"])]
            member.bytes.add(int(problem["byte_offset"]))
            member.records[str(problem["entity"])].add(int(problem["record_number"]))
    written = 0
    for name, stream in _members(feed, wanted):
        kind = _kind(name)
        if kind is None:
            continue
        archived = name != feed.name
        target = folder / (f"rejected_{Path(name).name.removesuffix('.gz')}" if archived else f"rejected.{kind}")
        # Of a name of its own: a worker and the keeper may write the same report at the same time.
        part = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
        try:
            with part.open("wb") as out:
                if kind == "json":
                    written += _json(stream, wanted[name].records, out)
                else:
                    written += _lines(stream, wanted[name].bytes, out, csv=kind == "csv")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return written


def _kind(name: str) -> str | None:
    """The text format that a member's name claims; none for workbooks and Parquet files: they have no lines to copy."""
    low = name.lower().removesuffix(".gz")
    if low.endswith(_BINARY):
        return None
    return next((kind for kind in ("jsonl", "json") if low.endswith("." + kind)), "csv")


def _members(feed: Path, wanted: Mapping[str, Any]) -> Iterator[tuple[str, IO[bytes]]]:
    """The members that hold wanted rows, each open at its beginning."""
    with feed.open("rb") as raw:
        packed = raw.read(2) == _GZIP
    low = feed.name.lower()
    if low.endswith((".tar", ".tar.gz", ".tgz")):
        with tarfile.open(feed, "r|*") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                stream = archive.extractfile(member) if name in wanted else None
                if stream is not None:
                    yield name, stream
    elif not low.endswith(".zst"):
        with _opened(feed, packed) as stream:
            yield feed.name, stream


@contextmanager
def _opened(feed: Path, packed: bool) -> Iterator[IO[bytes]]:
    if packed:
        with gzip.open(feed, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]
    else:
        with feed.open("rb") as plain:
            yield plain


def _lines(stream: IO[bytes], wanted: set[int], out: IO[bytes], *, csv: bool) -> int:
    """Copy the records that hold a wanted byte, for CSV after the header."""
    waiting = sorted(wanted, reverse=True)
    start = count = 0
    for record in _records(stream) if csv else stream:
        end = start + len(record)
        hit = False
        while waiting and waiting[-1] < end:
            waiting.pop()
            hit = True
        if hit or (csv and start == 0):
            out.write(record if record.endswith(b"\n") else record + b"\n")
            count += hit
        if not waiting:
            break
        start = end
    return count


def _records(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Whole CSV records: lines, put together where quotes are open at their end."""
    held = b""
    for line in lines:
        held = held + line if held else line
        if b'"' in held and _open_quote(held) and len(held) < _LONGEST:
            continue
        yield held
        held = b""
    if held:
        yield held


def _open_quote(record: bytes) -> bool:
    """Whether a CSV record's beginning ends inside quotes. A quote opens only where a field begins."""
    inside = False
    at = 0
    while (at := record.find(b'"', at)) >= 0:
        if inside:
            if record[at + 1 : at + 2] == b'"':
                at += 1
            else:
                inside = False
        elif at == 0 or record[at - 1 : at] in b",;\t|\n" or record[:at] == b"\xef\xbb\xbf":
            inside = True
        at += 1
    return inside


def _json(stream: IO[bytes], wanted: Mapping[str, set[int]], out: IO[bytes]) -> int:
    data = stream.read(_LARGEST_JSON + 1)
    document = json.loads(data) if len(data) <= _LARGEST_JSON else {}
    found: dict[str, list[Any]] = {}
    for entity, numbers in wanted.items():
        rows = document if isinstance(document, list) else document.get(entity)
        if isinstance(rows, list):
            found[entity] = [rows[number - 1] for number in sorted(numbers) if number <= len(rows)]
    out.write(json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n")
    return sum(len(rows) for rows in found.values())
