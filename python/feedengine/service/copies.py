"""Some records of a feed as they were sent: copied byte for byte where the format lets them stand alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any
from xml.parsers import expat

#: The largest document that is read again: it is held in memory whole.
LARGEST = 64 << 20
#: The longest record that is copied; the engine takes none that is longer by default.
_LONGEST = 32 << 20
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
    while chunk := stream.read(1 << 20):
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


def document(stream: IO[bytes], wanted: Mapping[str, Sequence[int]], out: IO[bytes]) -> int:
    """Write a JSON document's records (by entity, numbers from 1) anew; gives how many."""
    data = stream.read(LARGEST + 1)
    content = json.loads(data) if len(data) <= LARGEST else {}
    found: dict[str, list[Any]] = {}
    for entity, numbers in wanted.items():
        rows = content if isinstance(content, list) else content.get(entity)
        if isinstance(rows, list):
            found[entity] = [rows[number - 1] for number in numbers if number <= len(rows)]
    out.write(json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n")
    return sum(len(rows) for rows in found.values())


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


def xml(stream: IO[bytes], wanted: Iterable[int], out: IO[bytes], path: str) -> int:
    """Copy an XML document without the records that are not wanted; they lie at `path`, local names from the root."""
    data = stream.read(LARGEST + 1)
    starts, found, steps = set(wanted), list[tuple[int, int]](), path.split("/")
    parser = expat.ParserCreate()
    way: list[str] = []
    begun = 0

    def enter(name: str, _: Any) -> None:
        nonlocal begun
        way.append(name.rpartition(":")[2])
        if way == steps:
            begun = parser.CurrentByteIndex

    def leave(_: str) -> None:
        if way == steps:
            found.append((begun, parser.CurrentByteIndex))
        way.pop()

    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    if len(data) > LARGEST or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return 0
    parser.Parse(data, True)
    # An end is told by where its tag starts, that of an empty element by what comes behind it.
    ends = [data.index(b">", last) + 1 if data.startswith(b"</", last) else last for _, last in found]
    kept = [(first, end) for (first, _), end in zip(found, ends, strict=True) if first in starts]
    if not found:
        return 0
    out.write(data[: found[0][0]])
    out.write(b"\n".join(data[first:end] for first, end in kept))
    out.write(b"\n" + data[ends[-1] :])
    return len(kept)
