"""The snapshot store: versions of every record in DuckDB, one file per key; the only room that knows DuckDB.

Importing it is cheap: DuckDB is loaded when a catalog is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from feedengine.store.catalog import Catalog

__all__ = [
    "ArrowStream",
    "Base",
    "Catalog",
    "Column",
    "EntityBase",
    "EntityState",
    "Options",
    "SnapshotInfo",
    "SnapshotMeta",
    "Store",
]


def __getattr__(name: str) -> Any:
    """`Catalog` on first use: its module loads DuckDB."""
    if name == "Catalog":
        from feedengine.store.catalog import Catalog

        return Catalog
    raise AttributeError(name)
