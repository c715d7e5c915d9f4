"""The words of the snapshot store: columns, bases, snapshots; plain values without behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

#: DuckDB's type for each kind of column.
KINDS = {"text": "VARCHAR", "list": "VARCHAR[]", "flag": "BOOLEAN", "integer": "BIGINT", "json": "VARCHAR"}

#: The digest of an entity without records.
NO_DIGEST = "0" * 32

#: Why a version is closed: the `_reason` of `Commit.close`.
REPLACED, REMOVED, PURGED, CASCADED, CASCADE_PURGED = range(5)
REASONS = {REMOVED: "removed", PURGED: "purged", CASCADED: "cascaded", CASCADE_PURGED: "cascade_purged"}


#: Called with a sentence when something has to be waited for.
Notify = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How DuckDB is run: `threads` (None = all cores), `memory` in bytes, seconds to wait for locks, who to tell."""

    threads: int | None = None
    memory: int = 100 << 20
    wait_seconds: float = 60.0
    notify: Notify | None = None


class ArrowStream(Protocol):
    """Anything that hands out an Arrow C stream."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@dataclass(frozen=True)
class Column:
    """A stored column: its name in feeds and its kind (a key of `KINDS`)."""

    name: str
    kind: str


@dataclass(frozen=True)
class EntityBase:
    """What one entity holds at a snapshot. `runs` are the names of its index files, oldest first."""

    entity: str
    records: int = 0
    active: int = 0
    data_bytes: int = 0
    next_row: int = 1
    digest: str = NO_DIGEST
    columns: tuple[Column, ...] = ()
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Base:
    """What a plan is made against. `snapshot` is the newest one that touched the section; 0 = nothing yet."""

    key: str
    section: str
    snapshot: int
    entities: Mapping[str, EntityBase]


@dataclass(frozen=True)
class EntityState:
    """What an entity holds after a commit: `engine.Planner.write_index` gives it."""

    records: int
    active: int
    data_bytes: int
    next_row: int
    digest: str
    runs: tuple[str, ...]

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> EntityState:
        """From the engine's dict; keys that are not fields are ignored."""
        return cls(
            records=int(entry["records"]),
            active=int(entry["active"]),
            data_bytes=int(entry["data_bytes"]),
            next_row=int(entry["next_row"]),
            digest=str(entry["digest"]),
            runs=tuple(entry["runs"]),
        )


@dataclass(frozen=True)
class SnapshotMeta:
    """What `Commit.finish` writes beside the rows.

    `entities` holds the new state of each entity the task touched; others keep theirs. `counts` is any JSON value,
    by convention the plan report's `entities`. `task` is the applied mark: one task makes at most one snapshot.
    """

    operation: str
    entities: Mapping[str, EntityState | Mapping[str, Any]]
    task: int | None = None
    force: bool = False
    reason: str | None = None
    actor: str | None = None
    file: str | None = None
    fingerprint: str | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SnapshotInfo:
    """One committed snapshot. `created` is UTC. `current` = newest of its key; `pruned` = its rows are gone."""

    number: int
    section: str
    operation: str
    force: bool
    task: int | None
    reason: str | None
    actor: str | None
    file: str | None
    fingerprint: str | None
    created: datetime
    counts: Mapping[str, Any]
    entities: Mapping[str, EntityState]
    pinned: bool = False
    pruned: bool = False
    current: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON output; `created` as ISO 8601 with Z."""
        entities = {
            name: {"records": state.records, "active": state.active, "digest": state.digest}
            for name, state in self.entities.items()
        }
        plain = {name: getattr(self, name) for name in _PLAIN}
        created = self.created.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"snapshot": self.number, **plain, "created": created, "counts": dict(self.counts), "entities": entities}


_PLAIN = (
    *("section", "operation", "force", "task", "reason", "actor", "file", "fingerprint"),
    *("pinned", "pruned", "current"),
)
