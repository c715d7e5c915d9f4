"""The rejected rows of a feed, as they were sent, under the original header: to be mended and resent."""

from __future__ import annotations

import gzip
import os
import tarfile
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from feedengine.remedy.rejects import Row
from feedengine.service import copies

_GZIP = b"\x1f\x8b"


def _numbers() -> array[int]:
    return array("Q")


@dataclass
class _Wanted:
    """What is wanted of one member: bytes within records, and records by entity and number from 1; both rise."""

    bytes: array[int] = field(default_factory=_numbers)
    records: dict[str, array[int]] = field(default_factory=lambda: defaultdict(_numbers))


def listed(problems: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """The rejected rows that problems of the ledger speak of, where all of them were not kept."""
    found = {
        (str(each["member"]), int(each["record_number"]), str(each["entity"])): int(each["byte_offset"])
        for each in problems
        if each["severity"] == "row" and each["byte_offset"] is not None and each["record_number"]
    }
    for (member, record, entity), byte in sorted(found.items()):
        yield Row(member, entity, record, 0, byte)


def write(feed: Path, folder: Path, rows: Iterable[Row], forms: Mapping[str, Mapping[str, Any]] | None = None) -> int:
    """Write `rejected.EXT`, or `rejected_MEMBER` for each member of an archive; gives how many rows were written.

    `forms` say how files of an entity are written, as the engine takes it. Records of CSV, JSONL, XML and fixed width
    are copied byte for byte, JSON records are written anew. What can't be read again (a compression or workbook that
    only the engine knows, a document of more than 64 MiB) is left out: the caller says how many rows there should be.
    """
    wanted: dict[str, _Wanted] = defaultdict(_Wanted)
    for row in rows:
        member = wanted[row.member]
        member.bytes.append(row.byte)
        member.records[row.entity].append(row.record)
    written = 0
    for name, stream in _members(feed, wanted):
        form = next((forms[entity] for entity in wanted[name].records if forms and entity in forms), {})
        kind = _kind(name, form)
        if kind is None:
            continue
        archived = name != feed.name
        target = folder / (f"rejected_{Path(name).name.removesuffix('.gz')}" if archived else f"rejected.{kind}")
        # Of a name of its own: a worker and the keeper may write the same report at the same time.
        part = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
        try:
            with part.open("wb") as out:
                written += _copy(stream, wanted[name], out, kind, form)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return written


def _copy(stream: IO[bytes], wanted: _Wanted, out: IO[bytes], kind: str, form: Mapping[str, Any]) -> int:
    encoding = str(form.get("encoding", "utf-8"))
    if form.get("fixed"):
        return copies.fixed(stream, wanted.bytes, out, form, encoding)
    if kind == "xml":
        return copies.xml(stream, wanted.bytes, out, form["xml"]["record"])
    if kind == "json":
        return copies.document(stream, wanted.records, out)
    return copies.lines(stream, wanted.bytes, out, csv=kind == "csv", encoding=encoding)


def _kind(name: str, form: Mapping[str, Any]) -> str | None:
    """The ending of the copy's name; None for what is no text."""
    low = name.lower().removesuffix(".gz")
    if form.get("fixed"):
        return low.rpartition(".")[2] if "." in low else "txt"
    if low.endswith((".xlsx", ".xlsm", ".parquet")):
        return None
    if low.endswith(".xml"):
        return "xml" if form.get("xml") else None
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
