"""The snapshot store: versions of every record in DuckDB, one file per key; the only room that knows DuckDB.

Importing it is cheap: DuckDB is loaded when a catalog is opened.
"""

from feedengine.store.model import (
    ArrowStream,
    Base,
    Column,
    EntityBase,
    EntityState,
    Options,
    SnapshotInfo,
    SnapshotMeta,
)
from feedengine.store.root import Store

__all__ = [
    "ArrowStream",
    "Base",
    "Column",
    "EntityBase",
    "EntityState",
    "Options",
    "SnapshotInfo",
    "SnapshotMeta",
    "Store",
]
