"""Trees by path in a merge: what lies below the record that goes lies below the one that stays, and is named so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.errors import Hint, UsageError
from feedengine.remedy.naming import loose

if TYPE_CHECKING:
    from feedengine.store.lookup import Lookup

Record = Mapping[str, Any]
Spec = Mapping[str, Any]

#: Most pairs of records of one path that a refusal names.
_NAMED = 5


def below(lookup: Lookup, spec: Spec, kept: Record, left: Record) -> dict[str, str]:
    """The new paths of all records below `left`, at any depth, by their keys.

    Raises UsageError where `kept` lies below `left` itself, and where a record has one of these paths already.
    """
    rule = spec.get("path")
    old, new = (record.get(rule["field"]) if rule else None for record in (left, kept))
    if not rule or old is None or new is None or _same(spec, str(old), str(new), rule["field"]):
        return {}
    key, field = str(spec["fields"][0]["name"]), str(rule["field"])
    if engine.moved([str(new)], str(old), str(new), rule) != [None]:
        raise UsageError(
            f"the record {kept[key]} ({new}) lies below {left[key]} ({old}): it would be without a parent",
            state="Nothing was changed.",
            hints=[Hint("Merge them the other way round",
                        ("feedengine", "merge", str(spec["name"]), str(left[key]), str(kept[key])))],
        )  # fmt: skip
    moved = lookup.told(field, lambda paths: engine.moved(paths, str(old), str(new), rule))
    found = {
        str(record[key]): (str(record[field]), moved[str(record[field])])
        for record in lookup.records(moved, field)
        if record[key] != left[key]
    }
    _clear(lookup, spec, kept, left, found)
    return {name: path for name, (_, path) in found.items()}


def _clear(lookup: Lookup, spec: Spec, kept: Record, left: Record, found: Mapping[str, tuple[str, str]]) -> None:
    """See that no record that stays where it is has a path that another one comes to."""
    entity, field, key = str(spec["name"]), str(spec["path"]["field"]), str(spec["fields"][0]["name"])
    plain = engine.compared([path for _, path in found.values()], spec, field)
    comes = dict(zip(plain, found, strict=True))
    taken = lookup.told(field, lambda paths: [
        comes.get(path) for path in engine.compared(paths, spec, field)
    ])  # fmt: skip
    pairs = [
        (str(record[key]), taken[str(record[field])])
        for record in lookup.records(taken, field)
        if record[key] != left[key] and record[key] not in found
    ]
    if not pairs:
        return
    # What is merged must have nothing of one name below it either: the longest paths first.
    pairs.sort(key=lambda pair: (-len(found[pair[1]][1]), pair))
    named = ", ".join(f"{there} has {found[comer][1]}, where {comer} would come" for there, comer in pairs[:_NAMED])
    more = f", and {len(pairs) - _NAMED:,} more" if len(pairs) > _NAMED else ""
    raise UsageError(
        f"{len(pairs):,} {entity} below {left[key]} have the same name as one below {kept[key]}: {named}{more}",
        state="Nothing was changed.",
        hints=[
            *(Hint("Merge these first", ("feedengine", "merge", entity, *pair)) for pair in pairs[:_NAMED]),
            Hint("Then", ("feedengine", "merge", entity, str(kept[key]), str(left[key]))),
        ],
    )


def renamed(lookup: Lookup, field: str, target: Spec, column: str, left: Record, kept: Record) -> dict[str, str | None]:
    """What becomes of the values in `field` that name `left`, or what lies below it, by `column` of `target`.

    None where `kept` has no value in that column.
    """
    old, new = str(left[column]), kept.get(column)
    if new is not None and _same(target, old, str(new), column):
        return {}
    rule = target.get("path")
    [plain] = engine.compared([old], target, column)

    def of(values: list[str]) -> list[str | None]:
        if rule and rule["field"] == column:
            return engine.moved(values, old, str(new), rule)
        return [str(new) if value == plain else None for value in engine.compared(values, target, column)]

    # What is compared letter by letter need not be looked for.
    made = bool(target.get("identity")) and column == target["fields"][0]["name"]
    exact = plain is None or not (made or loose(target, column))
    found = {old: str(new)} if exact else lookup.told(field, of)
    return {value: None if new is None else said for value, said in found.items()}


def _same(spec: Spec, one: str, other: str, column: str) -> bool:
    first, second = engine.compared([one, other], spec, column)
    return one == other or (first is not None and first == second)
