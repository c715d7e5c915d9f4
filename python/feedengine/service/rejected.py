"""The rejected rows of a feed, as they were sent, in the sender's format: to be mended and resent."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from feedengine import engine
from feedengine.deliver import workbook
from feedengine.errors import FeedEngineError
from feedengine.remedy.rejects import Row
from feedengine.service import copies
from feedengine.store import excerpt

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: Formats that are known by their first bytes.
_BINARY = {b"PK\x03\x04": "xlsx", b"PAR1": "parquet"}
_PACKED = (".gz", ".zst")
#: The engine itself has read the file within the limit that is set.
_EXPANSION = 1_000_000


class Again(NamedTuple):
    """What the engine needs to read a feed once more: a planner's request, the store's secret, a folder for a while.

    `fingerprint` is that of the file which the rows stand in, None where it is not known.
    """

    request: Mapping[str, Any]
    secret: bytes
    folder: Path
    fingerprint: str | None = None


class Written(NamedTuple):
    """How many rows were written, and why others were not, where that is known."""

    rows: int
    trouble: tuple[str, ...] = ()


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


def write(
    feed: Path, folder: Path, rows: Iterable[Row], again: Again, forms: Mapping[str, Mapping[str, Any]] | None = None
) -> Written:
    """Write `rejected.EXT`, or `rejected_MEMBER` for each member of an archive: plain, whatever the feed was packed in.

    `forms` say how files of an entity are written, as the engine takes it. Records of CSV, JSONL, XML and fixed width
    are copied byte for byte, those of a JSON document into one with a list for each entity; rows of a workbook become
    text cells of one with the same sheet, those of Parquet a Parquet file with the same columns. What can't be read
    again is left out: the caller says how many rows there should be.
    """
    wanted: dict[str, _Wanted] = defaultdict(_Wanted)
    for row in rows:
        member = wanted[row.member]
        member.bytes.append(row.byte)
        member.records[row.entity].append(row.record)
    written, trouble = 0, []
    try:
        engine.must_be(feed, again.fingerprint)
        for name, stream in _members(feed, wanted, again.folder):
            form = next((forms[entity] for entity in wanted[name].records if forms and entity in forms), {})
            kind = _BINARY.get(stream.peek(4)[:4]) or _kind(name, form)
            if kind is None:
                continue
            archived = name != feed.name
            target = folder / (f"rejected_{_plain(Path(name).name)}" if archived else f"rejected.{kind}")
            # Of a name of its own: a worker and the keeper may write the same report at the same time.
            part = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
            try:
                written += _copy(stream, feed, name, wanted[name], part, kind, form, again)
                part.replace(target)
            except FeedEngineError as error:
                trouble.append(error.message)
            finally:
                part.unlink(missing_ok=True)
    except FeedEngineError as error:
        trouble.append(error.message)
    return Written(written, tuple(trouble))


def _copy(
    stream: Any, feed: Path, member: str, wanted: _Wanted, part: Path, kind: str, form: Mapping[str, Any], again: Again
) -> int:
    records = next(iter(wanted.records.values()))
    if kind == "json":
        return engine.document(feed, again.request, again.secret, part, member, wanted.records)
    if kind == "xlsx":
        return sheet(feed, member, records, part, form.get("sheet") or {}, again)
    if kind == "parquet":
        with tempfile.TemporaryDirectory(dir=again.folder) as place:
            source = Path(place) / "feed.parquet"
            with source.open("wb") as out:
                shutil.copyfileobj(stream, out)
            return excerpt.parquet(source, records, part, Path(place))
    encoding = str(form.get("encoding", "utf-8"))
    with part.open("wb") as out:
        if form.get("fixed"):
            return copies.fixed(stream, wanted.bytes, out, form, encoding)
        if kind == "xml":
            return copies.xml(stream, wanted.bytes, out, form["xml"]["record"], encoding)
        return copies.lines(stream, wanted.bytes, out, csv=kind != "jsonl", encoding=encoding)


def sheet(
    feed: Path,
    member: str,
    records: Sequence[int],
    part: Path,
    declared: Mapping[str, Any],
    again: Again,
    shows: Callable[[str], bool] = lambda column: True,
) -> int:
    """Rows of a workbook under their header, in the row where it is declared, with the columns that it `shows`.

    Every cell is text, as the engine read it: ids keep their zeros, and it is read as the same again.
    """
    found = engine.cells(feed, again.request, again.secret, again.folder, {member: list(records)})
    _, _, header = next(found, (member, 0, []))
    kept = [at for at, name in enumerate(header) if shows(str(name))]
    columns = [workbook.Column(str(header[at])) for at in kept]
    written = 0

    def rows() -> Iterator[list[str | None]]:
        nonlocal written
        for _, _, row in found:
            written += 1
            yield [row[at] for at in kept if at < len(row)]

    name = str(declared.get("name") or "Sheet1")
    workbook.write(part, name, columns, rows(), header_row=int(declared.get("header_row") or 1))
    return written


def _plain(name: str) -> str:
    """A name without what says that the file is packed."""
    return next((name[: -len(ending)] for ending in _PACKED if name.lower().endswith(ending)), name)


def _kind(name: str, form: Mapping[str, Any]) -> str | None:
    """The ending of the copy's name; None for what is no text that can be copied."""
    low = _plain(name).lower()
    if form.get("fixed"):
        return low.rpartition(".")[2] if "." in low else "txt"
    if low.endswith(".xml"):
        return "xml" if form.get("xml") else None
    return next((kind for kind in ("jsonl", "json", "tsv", "txt") if low.endswith("." + kind)), "csv")


def _members(feed: Path, wanted: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, Any]]:
    """The members that hold wanted rows, each open at its beginning."""
    with ExitStack() as stack:
        path = feed
        with feed.open("rb") as raw:
            packed = raw.read(4)
        if packed == _ZSTD:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder))) / "feed"
            engine.unpack(feed, path, _EXPANSION)
        if set(wanted) - {feed.name}:
            with tarfile.open(path, "r|*") as archive:
                for member in archive:
                    name = member.name.removeprefix("./")
                    stream = archive.extractfile(member) if name in wanted else None
                    if stream is not None:
                        yield name, stream
        elif wanted:
            with _opened(path, packed[:2] == _GZIP) as stream:
                yield feed.name, stream


@contextmanager
def _opened(path: Path, packed: bool) -> Iterator[IO[bytes]]:
    if packed:
        with gzip.open(path, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]
    else:
        with path.open("rb") as plain:
            yield plain
