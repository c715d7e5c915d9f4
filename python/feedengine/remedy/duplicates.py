"""Records that go by the same name, and how two become one: what names the one that goes names the other then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.errors import Hint, RecordNotFound, UsageError
from feedengine.remedy import feeds, paths
from feedengine.remedy.naming import Naming, fold

if TYPE_CHECKING:
    from feedengine.store.catalog import Catalog
    from feedengine.store.lookup import Lookup

Record = Mapping[str, Any]
Spec = Mapping[str, Any]
#: Rows of one entity by their keys.
Rows = dict[str, dict[str, feeds.Value]]

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
    rows: tuple[tuple[Spec, tuple[Mapping[str, feeds.Value], ...]], ...]
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
    assert lookup is not None
    kept, left = known[keep], known[gone]
    moved = paths.below(lookup, spec, kept, left)
    ids = [field for field in Naming(spec).strong if field != key and left.get(field)]
    lost = [field for field in ids if kept.get(field) not in (None, left[field])]
    if lost and not forget:
        said = ", ".join(f"{field}={left[field]}" for field in lost)
        raise UsageError(
            f"the record {gone} goes by {said}, where {keep} has another: a file that names it so would make a new one",
            state=_STATE,
            hints=[
                Hint("Correct the sender's records first, or make no use of these ids any more"),
                Hint("Then", ("feedengine", "merge", entity, keep, gone, "--forget-ids")),
            ],
        )
    way = [str(spec["path"]["field"])] if spec.get("path") else []
    gained = {field: str(left[field]) for field in (*ids, *way) if kept.get(field) is None and left.get(field)}
    # What goes by an id that is given on names the right record without a change.
    rows = _moved(catalog, section, entity, {**kept, **{field: left[field] for field in gained}}, left)
    told = []
    for name, found in rows.items():
        key_of = catalog.entities.key(name)
        deleted = sum(row.keys() == {key_of} for row in found.values())
        if renamed := len(found) - deleted:
            below = " or what lies below it follow" if moved else f" name {keep}"
            told.append(f"{renamed:,} {name} that named {gone}{below}")
        if deleted:
            told.append(f"{deleted:,} {name} whose key is {gone}'s are deleted")
    told.append(f"{gone} is deleted")
    if moved:
        told.append(f"{len(moved):,} {entity} below {gone} come to lie below {keep}")
    own = rows.setdefault(entity, {})
    if gained:
        own.setdefault(keep, {key: keep}).update(gained)
        told.append(f"{keep} is known by {', '.join(f'{field}={value}' for field, value in gained.items())}")
    for name, path in moved.items():
        own.setdefault(name, {key: name})[way[0]] = path
    own[gone] = {key: gone}
    specs = {str(each["name"]): each for each in catalog.entities.specs}
    return Merge(snapshot, tuple((specs[name], tuple(found.values())) for name, found in rows.items()), tuple(told))


def _moved(catalog: Catalog, section: str, entity: str, kept: Record, left: Record) -> dict[str, Rows]:
    """Rows that make what names the one record name the other, by entity and key."""
    moved: dict[str, Rows] = {}
    target = catalog.entities.spec(entity)
    for spec in catalog.entities.specs:
        name = str(spec["name"])
        lookup = catalog.lookup(section, name)
        if lookup is None:
            continue
        rows: Rows = {}
        for field, column in _naming(spec, entity, catalog.entities.key(entity)):
            if left.get(column) is not None and left[column] != kept.get(column):
                names = paths.renamed(lookup, field, target, column, left, kept)
                _rename(lookup, spec, field, names, (target, column), kept.get(column), rows)
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
    lookup: Lookup,
    spec: Spec,
    field: str,
    names: Mapping[str, str | None],
    named: tuple[Spec, str],
    stays: str | None,
    rows: Rows,
) -> None:
    """Rows that have in `field` what `names` says of what records have there; `stays` is what it says of what goes.

    `named`: the entity whose records are named, and the field.
    """
    key = str(spec["fields"][0]["name"])
    for record in lookup.records(names, field):
        name = str(record[key])
        bare: dict[str, feeds.Value] = {key: name}
        if rows.get(name) == bare:
            continue
        if field in (key, *(spec.get("composed") or ())):
            if names[str(record[field])] not in (None, stays):
                raise UsageError(
                    f"the record {name} of {spec['name']} has {record[field]} in its key, which would become "
                    f"{names[str(record[field])]}: keys do not change",
                    state=_STATE,
                    hints=[Hint("Have it sent under its new key and deleted under this one, then merge again")],
                )
            # It is that record's by its very key, and no other's.
            rows[name] = bare
            continue
        value = record[field]
        if isinstance(value, list):
            items = [str(names.get(each, each)) for each in value]
            # The first of those that mean the same, however they are written.
            once: dict[str, str] = {}
            for item, plain in zip(items, engine.compared(items, *named), strict=True):
                once.setdefault(plain or item, item)
            value = list(once.values())
        elif names[str(value)] is None:
            raise UsageError(
                f"the record {record[key]} names the one that goes by {named[1]}, which the other one does not have",
                state=_STATE,
            )
        else:
            value = str(names[str(value)])
        rows.setdefault(name, bare)[field] = value
