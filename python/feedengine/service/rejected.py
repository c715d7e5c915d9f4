"""The rejected rows of a feed, byte for byte as they were sent, under the original header: to be mended and resent."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_BLOCK = 1 << 20
#: The longest record that is copied; the engine takes none that is longer by default.
_LONGEST = 32 << 20
_GZIP = b"\x1f\x8b"


def write(feed: Path, folder: Path, problems: Iterable[Mapping[str, Any]]) -> int:
    """Write `rejected.EXT`, or `rejected_MEMBER` for each member of an archive; gives how many rows were written.

    `problems` are those of the ledger. Rows are found by their byte offsets. What can't be read again (an archive
    format that only the engine knows) is left out: the caller says how many rows there should be.
    """
    wanted: dict[str, dict[int, str]] = defaultdict(dict)
    for problem in problems:
        if problem["severity"] == "row" and problem["byte_offset"] is not None and problem["record_number"]:
            wanted[str(problem["member"])][int(problem["byte_offset"])] = str(problem["entity"] or "items")
    written = 0
    for name, stream in _members(feed, wanted):
        rows = _Rows(stream)
        archived = name != feed.name
        kind = _kind(name)
        target = folder / (f"rejected_{Path(name).name.removesuffix('.gz')}" if archived else f"rejected.{kind}")
        if kind == "json":
            written += _json(rows, wanted[name], target)
        else:
            written += _lines(rows, sorted(wanted[name]), target, quoted=kind == "csv")
    return written


def _kind(name: str) -> str:
    low = name.lower().removesuffix(".gz")
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


class _Rows:
    """Reads forward through a member, a record at a time where one is wanted."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at = 0
        self._held = b""

    def to(self, offset: int) -> None:
        """Go forward to a byte."""
        while offset - self._at > len(self._held):
            self._at += len(self._held)
            self._held = self._stream.read(_BLOCK)
            if not self._held:
                return
        self._held = self._held[offset - self._at :]
        self._at = offset

    def more(self) -> bool:
        """Read on, keeping what is held; False at the end."""
        block = self._stream.read(_BLOCK)
        self._held += block
        return bool(block) and len(self._held) <= _LONGEST

    def record(self, *, quoted: bool) -> bytes:
        """The record that begins here, with its line end."""
        while (end := _end(self._held, quoted)) is None:
            if not self.more():
                end = len(self._held)
                break
        return self._held[:end]

    def value(self) -> str | None:
        """The JSON value that begins here, as text."""
        decoder = json.JSONDecoder()
        while True:
            text = self._held.decode("utf-8", "ignore")
            try:
                return text[: decoder.raw_decode(text)[1]]
            except ValueError:
                if not self.more():
                    return None


def _end(data: bytes, quoted: bool) -> int | None:
    """Where the first record of `data` ends, its line end included; None if that is not in it."""
    at = 0
    while True:
        line = data.find(b"\n", at)
        if line < 0:
            return None
        if not quoted or not _open_quote(data[:line]):
            return line + 1
        at = line + 1


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


def _lines(rows: _Rows, offsets: list[int], target: Path, *, quoted: bool) -> int:
    part = target.with_name(f".{target.name}.part")
    with part.open("wb") as out:
        if quoted:
            out.write(rows.record(quoted=True))
        for offset in offsets:
            rows.to(offset)
            record = rows.record(quoted=quoted)
            out.write(record if record.endswith(b"\n") else record + b"\n")
    part.replace(target)
    return len(offsets)


def _json(rows: _Rows, wanted: Mapping[int, str], target: Path) -> int:
    found: dict[str, list[str]] = defaultdict(list)
    for offset in sorted(wanted):
        rows.to(offset)
        value = rows.value()
        if value is not None:
            found[wanted[offset]].append(value)
    members = ",\n".join(f'"{entity}": [\n' + ",\n".join(values) + "\n]" for entity, values in found.items())
    part = target.with_name(f".{target.name}.part")
    part.write_text("{" + members + "}\n", "utf-8")
    part.replace(target)
    return sum(len(values) for values in found.values())
