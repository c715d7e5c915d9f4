"""Records that go by the same name, and how two become one: what names the one that goes names the other then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feedengine.errors import Hint, RecordNotFound, UsageError
from feedengine.remedy.naming import Naming, fold

if TYPE_CHECKING:
    from feedengine.store.catalog import Catalog
    from feedengine.store.lookup import Lookup

Record = Mapping[str, Any]
Spec = Mapping[str, Any]

_STATE = "Nothing was changed."


@dataclass(frozen=True)
class Group:
    """Records whose `column` holds the same name, but for case, white space and punctuation; the oldest one first."""

    column: str
    records: tuple[Record, ...]


def find(catalog: Catalog, section: str, entity: str, column: str | None = None) -> list[Group]:
    """Likely duplicates, by the entity's weak identifiers or another column. Raises UsageError where there is none."""
    spec = catalog.entities.spec(entity)
    columns = (column,) if column else Naming(spec).weak
    if not columns:
        raise UsageError(
            f"{entity} are told apart by their ids alone; say by which column records may be alike: --by COLUMN",
            state=_STATE,
        )
    lookup = catalog.lookup(section, entity)
    found = []
    for each in columns if lookup else ():
        assert lookup is not None
        key = catalog.entities.key(entity)
        groups = lookup.alike(each, fold)
        records = {str(record[key]): record for record in lookup.records([name for group in groups for name in group])}
        found += [Group(each, tuple(records[name] for name in group if name in records)) for group in groups]
    return found


@dataclass(frozen=True)
class Merge:
    """A merge as one feed: by entity the rows that say what becomes of records, and the same `said` in words.

    A row of a key alone names the record that goes. It holds for `snapshot` alone.
    """

    snapshot: int
    rows: tuple[tuple[Spec, tuple[Mapping[str, str], ...]], ...]
    said: tuple[str, ...]


def merge(catalog: Catalog, section: str, entity: str, keep: str, gone: str, *, forget: bool) -> Merge:
    """What makes `gone` a part of `keep`, as one task: records that name `gone` name `keep` then, `gone` is deleted,
    and ids that only `gone` had become those of `keep`.

    Raises RecordNotFound; UsageError where `gone` has an id in a field in which `keep` has another, unless `forget`:
    files that name it by that id would make a new record.
    """
    snapshot = catalog.base(section).snapshot
    spec = catalog.entities.spec(entity)
    key = catalog.entities.key(entity)
    lookup = catalog.lookup(section, entity)
    known = {str(record[key]): record for record in lookup.records([keep, gone])} if lookup else {}
    for each in (keep, gone):
        if each not in known:
            raise RecordNotFound(f'{catalog.key}/{section} has no "{each}" in {entity}.', state=_STATE)
    if keep == gone:
        raise UsageError("a record cannot be merged with itself", state=_STATE)
    kept, left = known[keep], known[gone]
    ids = [field for field in Naming(spec).strong if field != key and left.get(field)]
    lost = [field for field in ids if kept.get(field) not in (None, left[field])]
    if lost and not forget:
        said = ", ".join(f"{field}={left[field]}" for field in lost)
        raise UsageError(
            f"{gone} goes by {said}, where {keep} has another: a file that names it so would make a new record",
            state=_STATE,
            hints=[
                Hint("Correct the sender's records first, or make no use of these ids any more"),
                Hint("Then", ("feedengine", "merge", entity, keep, gone, "--forget-ids")),
            ],
        )
    gained = {field: str(left[field]) for field in ids if kept.get(field) is None}
    # What goes by an id that is given on names the right record without a change.
    rows = _moved(catalog, section, entity, {**kept, **{field: left[field] for field in gained}}, left)
    told = []
    for name, found in rows.items():
        key_of = catalog.entities.key(name)
        deleted = sum(row.keys() == {key_of} for row in found.values())
        if renamed := len(found) - deleted:
            told.append(f"{renamed:,} {name} that named {gone} name {keep}")
        if deleted:
            told.append(f"{deleted:,} {name} whose key is {gone}'s are deleted")
    told.append(f"{gone} is deleted")
    own = rows.setdefault(entity, {})
    if gained:
        own.setdefault(keep, {key: keep}).update(gained)
        told.append(f"{keep} is known by {', '.join(f'{field}={value}' for field, value in gained.items())}")
    own[gone] = {key: gone}
    specs = {str(each["name"]): each for each in catalog.entities.specs}
    return Merge(snapshot, tuple((specs[name], tuple(found.values())) for name, found in rows.items()), tuple(told))


def _moved(
    catalog: Catalog, section: str, entity: str, kept: Record, left: Record
) -> dict[str, dict[str, dict[str, str]]]:
    """Rows that make what names the one record name the other, by entity and key."""
    moved: dict[str, dict[str, dict[str, str]]] = {}
    for spec in catalog.entities.specs:
        name = str(spec["name"])
        lookup = catalog.lookup(section, name)
        if lookup is None:
            continue
        rows: dict[str, dict[str, str]] = {}
        for field, column in _naming(spec, entity, catalog.entities.key(entity)):
            if left.get(column) is not None and left[column] != kept.get(column):
                _rename(lookup, spec, field, left, kept, column, rows)
        if name == entity:
            rows.pop(str(left[spec["fields"][0]["name"]]), None)
        if rows:
            moved[name] = rows
    return moved


def _naming(spec: Spec, entity: str, key: str) -> Iterator[tuple[str, str]]:
    """Fields of `spec` that name records of `entity`, each with the field of those that it holds."""
    for reference in spec.get("references") or ():
        if reference["entity"] == entity:
            yield from ((str(field), str(column)) for field, column in reference["by"])
    for field, other in (each for each in (spec.get("owner"), spec.get("refers")) if each):
        if other == entity:
            yield str(field), key
    if spec.get("parents") and spec["name"] == entity:
        yield str(spec["parents"]), key


def _rename(
    lookup: Lookup, spec: Spec, field: str, left: Record, kept: Record, column: str, rows: dict[str, dict[str, str]]
) -> None:
    key = str(spec["fields"][0]["name"])
    old, new = str(left[column]), kept.get(column)
    for record in lookup.records([old], field):
        bare = {key: str(record[key])}
        if rows.get(bare[key]) == bare:
            continue
        if field in (key, *(spec.get("composed") or ())):
            # It is that record's by its very key, and no other's.
            rows[bare[key]] = bare
            continue
        value = record[field]
        if isinstance(value, list):
            names = list(dict.fromkeys(str(new) if each == old else each for each in value))
            # Parents are the one list that CSV holds as JSON.
            value = json.dumps(names) if field == spec.get("parents") else "|".join(names)
        elif new is None:
            raise UsageError(
                f"{record[key]} names the record that goes by {column}, which the other one does not have",
                state=_STATE,
            )
        else:
            value = str(new)
        rows.setdefault(bare[key], bare)[field] = value
