"""The little languages of a profile: forms of dates, and forms of file names with `{fields}` and `[optional parts]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from feedengine.profile.place import Place

#: Fields of a file name; `date` and `time` have a form behind a colon.
NAME_FIELDS = ("entity", "date", "time", "seq", "operation", "force", "text", "ext")
_DATE_WORDS = ("YYYY", "YY", "MM", "DD")
_TIME_WORDS = ("HH", "MM", "SS")


@dataclass(frozen=True)
class Part:
    """A piece of a name: plain `text`, or a field (`text` is its form); `depth` counts the brackets around it."""

    kind: str
    text: str = ""
    depth: int = 0


def must_be_date(form: str, place: Place) -> None:
    """A form of D, M and Y that can be read: each once, and separators that are no digits or letters."""
    rest = form
    for word in ("YYYY", "DD", "MM"):
        if rest.count(word[0]) != len(word) and not (word == "YYYY" and rest.count("Y") == 2):
            raise place.error(f'has "{form}": a date has DD, MM and YYYY once each, such as DD.MM.YYYY')
    rest = re.sub("YYYY|YY|MM|DD", "", form, count=3)
    if re.search(r"[^\W_]", rest):
        raise place.error(f'has "{form}": besides D, M and Y there may be separators alone')


def parts_of(form: str, place: Place) -> dict[str, str]:
    """The fields that a form of names has, with their own forms."""
    found: dict[str, str] = {}
    for part in split(form, place):
        if part.kind in ("plain", "[", "]"):
            continue
        if part.kind in found:
            raise place.error(f"has {{{part.kind}}} twice")
        if part.kind == "ext" and part.depth:
            raise place.error("has {ext} in brackets: every name has an extension")
        found[part.kind] = part.text
    if "ext" not in found:
        raise place.error("must end with .{ext}")
    return found


def split(form: str, place: Place) -> list[Part]:
    """The pieces of a form; brackets are pieces of their own (`[` and `]`)."""
    parts: list[Part] = []
    depth = 0
    for piece in re.findall(r"\{[^{}]*\}|[\[\]]|[^{}\[\]]+|[{}]", form):
        if piece in "{}":
            raise place.error(f"has a {piece} without its other half")
        if piece == "[":
            depth += 1
        elif piece == "]":
            depth -= 1
            if depth < 0:
                raise place.error("has a ] without its [")
        elif piece.startswith("{"):
            name, _, own = piece[1:-1].partition(":")
            if name not in NAME_FIELDS:
                raise place.unknown("has a field", name, NAME_FIELDS)
            parts.append(Part(name, _own_form(name, own, place), depth))
            continue
        elif re.search(r"[/\\\x00-\x1f]", piece):
            raise place.error("holds a / or a control character: folders are declared by entities")
        parts.append(Part("plain" if piece not in "[]" else piece, piece, depth))
    if depth:
        raise place.error("has a [ without its ]")
    return parts


def _own_form(name: str, own: str, place: Place) -> str:
    if name == "date":
        own = own or "YYYYMMDD"
        must_be_date(own, place)
    elif name == "time":
        own = own or "HHMMSS"
        if not re.fullmatch(r"HH[^\w/\\]?_?MM([^\w/\\]?_?SS)?", own):
            raise place.error(f'has "{own}": a time has HH, MM and perhaps SS, such as HH_MM')
    elif own:
        raise place.error(f"has a form behind {{{name}}}, which has none")
    return own


def words(form: str, time: bool = False) -> list[str]:
    """A form of a date or time cut into its words and what stands between them."""
    known = _TIME_WORDS if time else _DATE_WORDS
    return [each for each in re.split("(" + "|".join(known) + ")", form) if each]
