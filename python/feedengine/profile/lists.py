"""Closed lists: words that values must be among, from the profile itself, a file beside it, or another entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedengine import engine
from feedengine.profile import keys, read
from feedengine.profile.place import Place


@dataclass(frozen=True)
class ClosedList:
    """One list. It has words, or names the entity and field that have them; with neither it is not known, and nothing
    is checked against it."""

    name: str
    about: str = ""
    words: tuple[str, ...] = ()
    entity: str | None = None
    field: str | None = None
    code: str = "UNKNOWN_REFERENCE"

    @property
    def is_known(self) -> bool:
        """Whether values can be checked against it."""
        return bool(self.words) or self.entity is not None

    @property
    def origin(self) -> str:
        """Where its words are, for people."""
        if self.entity is not None:
            return f"the {self.field} of {self.entity}"
        return f"{len(self.words)} words" if self.words else "not known: nothing is checked against it"


def closed_lists(content: Mapping[str, Any], place: Place) -> tuple[ClosedList, ...]:
    """The lists of a profile. Raises ProfileError."""
    return tuple(_closed_list(name, raw, place / name) for name, raw in content.items())


def _closed_list(name: str, raw: Any, place: Place) -> ClosedList:
    given = read.table(raw, keys.LIST, place)
    said = [key for key in ("words", "file", "entity") if given[key]]
    if len(said) > 1:
        raise place.error(f"has {' and '.join(said)}: its words come from one of them")
    if (given["entity"] is None) != (given["field"] is None):
        raise place.error('needs "entity" and "field", or neither')
    codes = [each["code"] for each in engine.codes() if each["code"].startswith("UNKNOWN_")]
    if given["code"] not in codes:
        raise (place / "code").unknown("is no fault of this family:", given["code"], codes)
    file = given.pop("file")
    words = _lines(Path(file), place / "file") if file else given["words"]
    if "" in words:
        raise (place / "words").error("has an empty word")
    return ClosedList(name, **{**given, "words": tuple(dict.fromkeys(words))})


def _lines(path: Path, place: Place) -> tuple[str, ...]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise place.error(f"cannot be read: {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise place.error(f"is not UTF-8: {path}, byte {error.start}") from None
    words = tuple(line.strip() for line in content.splitlines() if line.strip())
    if not words:
        raise place.error(f"is empty: {path}")
    return words
