"""A sample as text: its encoding and delimiter found, its rows cut."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feedengine.errors import UsageError, from_os_error

#: So much of a sample is read.
_BYTES = 8 << 20
_ROWS = 20_000
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Sample:
    """The first rows of a table; `doubts` are sentences about what was guessed."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    doubts: tuple[str, ...]

    def columns(self) -> Iterator[tuple[str, list[str]]]:
        """Each column's heading and its values; cells that a short row lacks are blank."""
        for at, heading in enumerate(self.header):
            yield heading, [row[at] if at < len(row) else "" for row in self.rows]


def read(path: Path) -> Sample:
    """Read the beginning of a file. Raises UsageError where it holds no table of text."""
    content, cut = _content(path)
    doubts: list[str] = []
    encoding, text = _decoded(path, content, cut, doubts)
    if "\x00" in text:
        raise _no_table(path)
    delimiter, rows = _cut(path, text.removeprefix("\ufeff"), doubts)
    if cut:
        rows = rows[:-1]
        doubts.append(f"only the first {_BYTES >> 20} MiB were read: {len(rows) - 1} rows")
    header = tuple(rows[0])
    return Sample(encoding, delimiter, header, tuple(tuple(row) for row in rows[1:] if any(row)), tuple(doubts))


def _content(path: Path) -> tuple[bytes, bool]:
    try:
        with path.open("rb") as raw:
            if raw.read(2) == b"\x1f\x8b":
                with gzip.open(path) as stream:
                    content = stream.read(_BYTES + 1)
            else:
                raw.seek(0)
                content = raw.read(_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", code="NO_FILE", state="Nothing was written.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UsageError(f"{path} is damaged: it cannot be unpacked.", state="Nothing was written.") from None
    except OSError as error:
        raise from_os_error(error, f"read {path}") from error
    if content.startswith((b"PK\x03\x04", b"PAR1", b"\x28\xb5\x2f\xfd", b"{", b"[", b"<")):
        raise _no_table(path)
    if not content.strip():
        raise UsageError(f"{path} is empty: there is nothing to draft from.", state="Nothing was written.")
    return content[:_BYTES], len(content) > _BYTES


def _no_table(path: Path) -> UsageError:
    return UsageError(
        f"{path} is no table of text: a draft is made from CSV, whatever separates its columns.",
        state="Nothing was written.",
        hints=["Save the first sheet or some records as CSV and draft from that"],
    )


def _decoded(path: Path, content: bytes, cut: bool, doubts: list[str]) -> tuple[str, str]:
    """The encoding and the text. Single-byte encodings fit nearly anything, so they are doubtful."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return encoding, content.decode(encoding, "ignore" if cut else "replace")
    # The last character may be cut in two.
    for less in range(4 if cut else 1):
        try:
            return "utf-8", content[: len(content) - less].decode("utf-8")
        except UnicodeDecodeError:
            continue
    zeros = content[:4096]
    if zeros[1::2].count(0) > len(zeros) // 4:
        return "utf-16le", content.decode("utf-16le", "replace")
    if zeros[0::2].count(0) > len(zeros) // 4:
        return "utf-16be", content.decode("utf-16be", "replace")
    doubts.append("encoding: not UTF-8; cp1252 fits, and so would other single-byte encodings: look at the letters")
    try:
        return "cp1252", content.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1", content.decode("latin-1")


def _cut(path: Path, text: str, doubts: list[str]) -> tuple[str, list[list[str]]]:
    """The delimiter that gives most columns in the same number on most rows."""
    best: tuple[tuple[float, int], str, list[list[str]]] | None = None
    for delimiter in _DELIMITERS:
        rows = _rows(text, delimiter)
        if not rows or len(rows[0]) < 2:
            continue
        even = sum(len(row) == len(rows[0]) for row in rows[:1000]) / len(rows[:1000])
        score = (round(even, 1), len(rows[0]))
        if best is None or score > best[0]:
            best = (score, delimiter, rows)
    if best is None:
        rows = _rows(text, ",")
        if not rows:
            raise _no_table(path)
        doubts.append("delimiter: there is one column, so nothing shows what separates columns")
        return ",", rows
    if best[0][0] < 1:
        doubts.append("delimiter: not every row has the columns of the header")
    return best[1], best[2]


def _rows(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row or rows:
                rows.append(row)
            if len(rows) > _ROWS:
                break
    except csv.Error:
        return []
    return [row for row in rows if row]
