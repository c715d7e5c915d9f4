"""Between records: owners, group references, the group graph (spec 2d)."""

from __future__ import annotations

from .spec import Entity
from .state import Table


def parents(record: dict[str, object], field: str) -> tuple[str, ...]:
    """The parents that a group names."""
    value = record.get(field)
    return tuple(value.plain) if value is not None else ()  # type: ignore[attr-defined]


def cyclic(groups: Table, field: str) -> set[str]:
    """Groups that lie on a cycle: those that reach themselves."""
    found = set()
    for start in groups:
        seen: set[str] = set()
        todo = [one for one in parents(groups[start], field) if one in groups]
        while todo:
            one = todo.pop()
            if one == start:
                found.add(start)
                break
            if one not in seen:
                seen.add(one)
                todo += [up for up in parents(groups[one], field) if up in groups]
    return found


def orphans_of(entity: Entity, table: Table, owners: Table) -> set[str]:
    """Keys of records whose owner does not exist."""
    assert entity.owner is not None
    return {key for key, record in table.items() if str(record[entity.owner].plain) not in owners}
