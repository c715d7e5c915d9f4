"""Some records of a feed as they were sent: copied byte for byte where the format lets them stand alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any
from xml.parsers import expat

#: What is read at a time.
_STEP = 1 << 20
#: The longest record that is copied; the engine takes none that is longer by default.
_LONGEST = 32 << 20
#: An element that is nothing but its tag.
_EMPTY = re.compile(r"""<(?:[^>"']|"[^"]*"|'[^']*')*/>""")
_WIDE = {"utf-16le": b"\n\0", "utf-16be": b"\0\n"}


def lines(stream: IO[bytes], wanted: Iterable[int], out: IO[bytes], *, csv: bool, encoding: str = "utf-8") -> int:
    """Copy the records that hold a wanted byte, for CSV after the header; gives how many. `wanted` rise."""
    waiting = iter(wanted)
    wish = next(waiting, None)
    start = count = 0
    wide, stream = _wide(stream, encoding)
    end_of_line = _WIDE[wide] if wide else b"\n"
    for record in _records(stream, wide) if csv else _lines(stream, wide):
        end = start + len(record)
        hit = False
        while wish is not None and wish < end:
            wish = next(waiting, None)
            hit = True
        if hit or (csv and start == 0):
            out.write(record if record.endswith(end_of_line) else record + end_of_line)
            count += hit
        if wish is None:
            break
        start = end
    return count


class _Begun:
    """A stream whose first bytes were read already."""

    def __init__(self, first: bytes, stream: IO[bytes]) -> None:
        self._first, self._stream = first, stream

    def read(self, size: int) -> bytes:
        first, self._first = self._first, b""
        return first + self._stream.read(size - len(first))


def _wide(stream: IO[bytes], encoding: str) -> tuple[str | None, Any]:
    """The encoding, if its characters have two bytes, and the stream at its beginning."""
    if not encoding.startswith("utf-16"):
        return None, stream
    first = stream.read(2)
    name = encoding if encoding in _WIDE else "utf-16be" if first == b"\xfe\xff" else "utf-16le"
    return name, _Begun(first, stream)


def _lines(stream: Any, wide: str | None) -> Iterator[bytes]:
    if wide is None:
        yield from stream
        return
    end_of_line, held = _WIDE[wide], b""
    while chunk := stream.read(_STEP):
        held += chunk
        start = at = 0
        while (at := held.find(end_of_line, at)) >= 0:
            if at % 2:
                # Halves of two characters are no line end.
                at += 1
                continue
            at += len(end_of_line)
            yield held[start:at]
            start = at
        held = held[start:]
    if held:
        yield held


def _records(stream: Any, wide: str | None) -> Iterator[bytes]:
    """Whole CSV records: lines, put together where quotes are open at their end."""
    held = b""
    for line in _lines(stream, wide):
        held = held + line if held else line
        plain = held.decode(wide, "replace").encode() if wide and b'"' in held else held
        if b'"' in held and len(held) < _LONGEST and _open_quote(plain):
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


def fixed(stream: IO[bytes], wanted: Iterable[int], out: IO[bytes], form: Mapping[str, Any], encoding: str) -> int:
    """Copy lines of fixed width, with those that are no records; the trailer counts anew."""
    waiting = iter(wanted)
    wish = next(waiting, None)
    shape = form["fixed"]
    places = {record["tag"]["at"] for record in shape["records"] if record.get("tag")}
    trailer = shape.get("trailer")
    start = count = 0
    wide, stream = _wide(stream, encoding)
    for line in _lines(stream, wide):
        end = start + len(line)
        text = line.decode(wide or encoding, "replace").removeprefix("\ufeff")
        if wish is not None and wish < end:
            while wish is not None and wish < end:
                wish = next(waiting, None)
            out.write(line)
            count += 1
        elif trailer and text.startswith(trailer["tag"]["text"], trailer["tag"]["at"] - 1):
            first, length = trailer["start"] - 1, trailer["length"]
            told = str(count).rjust(length, "0" if text[first : first + 1] == "0" else " ")
            out.write((text[:first] + told + text[first + length :]).encode(wide or encoding))
        elif any(text.startswith(tag, place - 1) for tag in shape.get("ignore", ()) for place in places):
            out.write(line)
        start = end
    return count


def xml(stream: IO[bytes], wanted: Iterable[int], out: IO[bytes], path: str, encoding: str = "utf-8") -> int:
    """Copy an XML document without the records that are not wanted; they lie at `path`, local names from the root.

    Beside what stands before the first record and between two, one record is held at a time.
    """
    return _Elements(stream, wanted, out, path.split("/"), encoding).copy()


class _Elements:
    """An XML document on its way: what is held begins at the byte `start`."""

    def __init__(self, stream: Any, wanted: Iterable[int], out: IO[bytes], steps: list[str], encoding: str) -> None:
        self._wide, self._stream = _wide_xml(stream)
        self._codec = f"{self._wide[:6]}-{self._wide[6:]}" if self._wide else "ascii"
        self._out, self._steps = out, steps
        self._waiting = iter(wanted)
        self._wish = next(self._waiting, None)
        self._parser = expat.ParserCreate(None if self._wide or encoding.startswith("utf") else encoding)
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._enter, self._leave
        self._way: list[str] = []
        self._held, self._start = b"", 0
        # Where the record at hand began, and where the last one ended.
        self._begun: int | None = None
        self._ended: int | None = None
        self._count = 0

    def copy(self) -> int:
        while chunk := self._stream.read(_STEP):
            self._held += chunk
            self._parser.Parse(chunk, False)
            self._drop(self._begun if self._begun is not None else self._ended)
        self._parser.Parse(b"", True)
        self._out.write(self._text("\n"))
        self._out.write(self._held[(self._ended or 0) - self._start :])
        return self._count

    def _drop(self, before: int | None) -> None:
        if before is not None:
            self._held, self._start = self._held[before - self._start :], before

    def _enter(self, name: str, _: Any) -> None:
        self._way.append(name.rpartition(":")[2])
        if self._way == self._steps:
            self._begun = self._parser.CurrentByteIndex
            if self._ended is None:
                self._out.write(self._held[: self._begun])

    def _leave(self, _: str) -> None:
        if self._way == self._steps and self._begun is not None:
            at = self._parser.CurrentByteIndex - self._start
            # An end is told by where its tag starts, that of an empty element by what comes behind it.
            record = self._held[self._begun - self._start : at]
            empty = _EMPTY.fullmatch(record.decode(self._codec) if self._wide else record.decode("latin-1"))
            end = at if empty else self._behind(at)
            if self._wish == self._begun:
                self._wish = next(self._waiting, None)
                self._out.write(self._text("\n") if self._count else b"")
                self._out.write(self._held[self._begun - self._start : end])
                self._count += 1
            self._begun, self._ended = None, self._start + end
        self._way.pop()

    def _behind(self, at: int) -> int:
        """Where the tag at `at` of what is held has ended."""
        mark, end = self._text(">"), at
        while (end := self._held.index(mark, end)) and (end - at) % len(mark):
            # Halves of two characters are no bracket.
            end += 1
        return end + len(mark)

    def _text(self, text: str) -> bytes:
        return text.encode(self._codec)


def _wide_xml(stream: Any) -> tuple[str | None, Any]:
    """As `_wide`, for documents: their first bytes tell, whatever is declared."""
    first = stream.read(2)
    marks = {b"\xff\xfe": "utf-16le", b"<\0": "utf-16le", b"\xfe\xff": "utf-16be", b"\0<": "utf-16be"}
    return marks.get(first), _Begun(first, stream)
