"""Lists of ids that must exist: which apply to a catalog, and the ids that their files hold, some at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.errors import ConfigError, Hint
from feedengine.profile import EntityDeclaration, Profile
from feedengine.settings import Settings

if TYPE_CHECKING:
    from feedengine.engine import Planner
    from feedengine.store import Base

#: Ids that are handed over at a time.
_SOME = 10_000
#: Bytes of `engine.memory_limit` for each id of a list: a sixteenth of it may be lists, of which an id takes 16 bytes.
_ROOM = 256
#: What separates the columns of a list that has several.
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Listed:
    """A list for one entity: its file, what its column of ids may be called, the guard as the engine has it."""

    path: Path
    headings: tuple[str, ...]
    guard: Mapping[str, Any]


def lists(settings: Settings, profile: Profile, catalog: str | None = None, base: Base | None = None) -> list[Listed]:
    """The lists of `[safeguard] must_exist` for a catalog, or for all; `base` has the columns that are stored.

    Lists for all catalogs may speak of entities that some of them have. Raises ConfigError for an entity or a column
    that is not there.
    """
    own = "safeguard.must_exist" in settings.catalogs.get(catalog or "", {})
    known = {entity.name: entity for entity in profile.entities}
    found = []
    for each in settings.must_exist(catalog):
        name = each.get("entity", profile.entities[0].name)
        if name in known:
            found.append(_listed(each, known[name], base))
        elif own:
            raise _wrong(f'has a list for "{name}"; {catalog} has {", ".join(known)}')
    return found


def _listed(each: Mapping[str, Any], entity: EntityDeclaration, base: Base | None) -> Listed:
    made = bool(entity.identity or entity.key_of)
    column = each.get("column")
    if column is None and made:
        raise _wrong(f"needs the column of the ids in {each['file']}: the engine makes the key of {entity.name}")
    column = column or entity.key
    field = next((field for field in entity.fields if field.name == column), None)
    stored = [one.name for one in base.entities[entity.name].columns] if base and entity.name in base.entities else []
    if field is None and column not in stored and (stored or ":" not in column):
        raise _wrong(f'has a list of "{column}", a column that {entity.name} do not have')
    counted = each["missing"] == "counted"
    if counted and column != entity.key:
        raise _wrong(f'can count what is missing by the key alone: {entity.name} have "{entity.key}", not "{column}"')
    names = [column, *([field.column, *field.aliases] if field else [])]
    names += next((spec["aliases"] for spec in entity.spec["fields"] if spec["name"] == column), [])
    guard = {
        "entity": entity.name, "column": column, "file": Path(each["file"]).name, "limit": each["limit"],
        "counts_missing": counted,
    }  # fmt: skip
    return Listed(Path(each["file"]), tuple(dict.fromkeys(name for name in names if name)), guard)


def tell(planner: Planner, found: Iterable[Listed], settings: Settings) -> None:
    """Tell the planner every id of every list, in its order. Raises ConfigError: a guard is never left out."""
    for number, listed in enumerate(found):
        for some in ids(listed, settings):
            planner.must_exist(number, some)


def ids(listed: Listed, settings: Settings) -> Iterator[list[str]]:
    """The ids of a list, some at a time: one a line, or the column of a CSV with a header.

    Raises ConfigError for a file that cannot be read, is none of both, has no id, or more than there is room for.
    """
    count, most = 0, settings.memory_limit // _ROOM
    try:
        with listed.path.open(encoding="utf-8-sig", newline="") as stream:
            for cells in _read(listed, stream):
                some = [each for each in map(str.strip, cells) if each]
                count += len(some)
                if count > most:
                    raise _wrong(f"{listed.path} has more than {most:,} ids: engine.memory_limit has no room for them")
                yield some
    except OSError as error:
        raise _wrong(f"could not read {listed.path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _wrong(f"{listed.path} is not UTF-8") from error
    except csv.Error as error:
        raise _wrong(f"{listed.path} is no CSV: {error}") from error
    if not count:
        raise _wrong(f"{listed.path} has no id")


def _read(listed: Listed, stream: Iterator[str]) -> Iterator[list[str]]:
    head = next(stream, "")
    delimiter = max(_DELIMITERS, key=head.count)
    columns = [name.strip().casefold() for name in next(csv.reader([head], delimiter=delimiter), [])]
    at = next((columns.index(name.casefold()) for name in listed.headings if name.casefold() in columns), None)
    if at is None and len(columns) > 1:
        named = " or ".join(f'"{name}"' for name in listed.headings)
        raise _wrong(f"{listed.path} has several columns, of which none is called {named}")
    if at is None:
        lines = chain([head], stream)
        while some := list(islice(lines, _SOME)):
            yield some
        return
    rows, row = csv.reader(stream, delimiter=delimiter, strict=True), 1
    while read := list(islice(rows, _SOME)):
        short = next((number for number, cells in enumerate(read, row + 1) if 0 < len(cells) <= at), None)
        if short is not None:
            raise _wrong(f"{listed.path} has no {listed.headings[0]} in row {short}")
        yield [cells[at] for cells in read if cells]
        row += len(read)


def _wrong(what: str) -> ConfigError:
    return ConfigError(
        f"[safeguard] must_exist: {what}.",
        state="Nothing was changed.",
        hints=[Hint("Check the settings and what they name", ("feedengine", "config", "check"))],
    )
