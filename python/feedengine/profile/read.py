"""A profile's tables read by the rows of `keys`: unknown keys and wrong values are errors that say where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.profile import keys
from feedengine.profile.keys import Key
from feedengine.profile.place import Place
from feedengine.settings.setting import REQUIRED


def table(content: Any, known: Sequence[Key], place: Place) -> dict[str, Any]:
    """The values of every key in `known`; those that are missing have their defaults."""
    given = written(content, known, place)
    for key in known:
        if key.name not in given:
            if key.default is REQUIRED:
                raise place.error(f'needs "{key.name}": {key.about}')
            given[key.name] = key.default
    return given


def written(content: Any, known: Sequence[Key], place: Place) -> dict[str, Any]:
    """The values of the keys that are there."""
    if not isinstance(content, Mapping):
        raise place.error("must be a table")
    rows = {key.name: key for key in known}
    found = {}
    for name, raw in content.items():
        if name not in rows:
            raise place.unknown("has no key", name, rows)
        try:
            found[name] = rows[name].kind(raw)
        except ValueError as error:
            raise (place / name).error(str(error)) from None
    return found


def format_of(merged: Mapping[str, Any], place: Place) -> tuple[dict[str, Any] | None, str | None]:
    """The engine's format of merged [format] tables, and the delimiter."""
    given = table(merged, keys.FORMAT, place)
    made: dict[str, Any] = {}
    if given["encoding"] != "utf-8":
        made["encoding"] = given["encoding"]
    kinds = [name for name in ("xml", "fixed", "sheet") if given[name] is not None]
    if "fixed" in kinds and len(kinds) > 1:
        raise place.error("has lines of fixed width and another format too: files are one or the other")
    if given["xml"] is not None:
        made["xml"] = table(given["xml"], keys.XML, place / "xml")
    if given["sheet"] is not None:
        made["sheet"] = table(given["sheet"], keys.SHEET, place / "sheet")
    if given["fixed"] is not None:
        made["fixed"] = _fixed(given["fixed"], place / "fixed")
    return made or None, given["delimiter"]


def _fixed(content: Any, place: Place) -> dict[str, Any]:
    given = table(content, keys.FIXED, place)
    records = []
    for number, raw in enumerate(given["records"], 1):
        at = place / "records" / number
        record = table(raw, keys.FIXED_RECORD, at)
        if record["tag"] is not None:
            record["tag"] = table(record["tag"], keys.TAG, at / "tag")
        record["fields"] = [
            table(each, keys.FIXED_FIELD, at / "fields" / position) for position, each in enumerate(record["fields"], 1)
        ]
        records.append(record)
    made: dict[str, Any] = {"records": records, "ignore": list(given["ignore"])}
    if given["trailer"] is not None:
        trailer = table(given["trailer"], keys.TRAILER, place / "trailer")
        trailer["tag"] = table(trailer["tag"], keys.TAG, place / "trailer" / "tag")
        made["trailer"] = trailer
    return made
