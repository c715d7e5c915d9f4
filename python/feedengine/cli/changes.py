"""Changed records in one form, whether they come from two snapshots or from two files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One record that differs. `kind` is added, removed or changed; `fields` are the columns that differ; `key` is the
    column that holds its id.
    """

    entity: str
    kind: str
    id: str
    fields: tuple[str, ...]
    before: Row
    after: Row
    key: str = "id"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: of a changed record only the fields that differ."""
        if self.kind == "added":
            return {"entity": self.entity, "change": self.kind, "id": self.id, "after": self._present(self.after)}
        if self.kind == "removed":
            return {"entity": self.entity, "change": self.kind, "id": self.id, "before": self._present(self.before)}
        fields = {name: {"before": self.before.get(name), "after": self.after.get(name)} for name in self.fields}
        return {"entity": self.entity, "change": self.kind, "id": self.id, "fields": fields}

    def _present(self, row: Row) -> dict[str, Any]:
        return {name: value for name, value in row.items() if value is not None and name != self.key}


def of_snapshots(entity: str, rows: Iterable[Row], key: str = "id") -> Iterator[Change]:
    """From the store: rows with `_change`, the values after, and the values before as `before:<column>`."""
    for row in rows:
        before = {name.removeprefix("before:"): value for name, value in row.items() if name.startswith("before:")}
        after = {
            name: value for name, value in row.items() if not name.startswith(("_", "before:")) and name != "fields"
        }
        kind = str(row["_change"])
        yield _change(entity, key, row, before if kind != "added" else None, after if kind != "removed" else None)


def of_files(entity: str, before: Iterable[Row], after: Iterable[Row], key: str = "id") -> Iterator[Change]:
    """From the engine: changed and removed records as they were, added and changed ones as they are.

    Holds the changed and removed records in memory, never the unchanged ones.
    """
    old = {str(row[key]): _plain(row) for row in before}
    for row in after:
        yield _change(entity, key, row, old.pop(str(row[key]), None), _plain(row))
    for row in old.values():
        yield _change(entity, key, row, row, None)


def _plain(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _change(entity: str, key: str, named: Row, before: Row | None, after: Row | None) -> Change:
    kind = "added" if before is None else "removed" if after is None else "changed"
    old, new = before or {}, after or {}
    names = dict.fromkeys([*new, *old])
    fields = tuple(name for name in names if name != key and old.get(name) != new.get(name))
    return Change(entity, kind, str(named[key]), fields, old, new, key)


def wanted(changes: Iterable[Change], *, only: str | None, fields: Iterable[str]) -> Iterator[Change]:
    """The changes of one kind, and of the fields asked for; a changed record without any of them is left out."""
    names = set(fields)
    for change in changes:
        if only and change.kind != only:
            continue
        if names:
            shown = tuple(name for name in change.fields if name in names)
            if change.kind == "changed" and not shown:
                continue
            seen = names | {change.key}
            change = replace(change, fields=shown, before=_some(change.before, seen), after=_some(change.after, seen))
        yield change


def _some(row: Row, names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in names}
