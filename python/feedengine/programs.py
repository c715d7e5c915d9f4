"""feedengine from Python: `feedengine.open(store).plan(path)`, `.apply(plan)`, `.changes(a, b)`."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from feedengine import ingest
from feedengine.errors import UsageError
from feedengine.settings import Settings
from feedengine.store import ArrowStream, Store
from feedengine.store.model import Options, SnapshotInfo
from feedengine.target import FeedRequest


def open(
    store: str | os.PathLike[str], *, create: bool = False, settings: str | os.PathLike[str] | None = None
) -> Engine:
    """Open the store in the folder `store`; with `create`, make it first. `settings` is a TOML file.

    Raises StoreNotFound, StoreDamaged, ConfigError.
    """
    made = Settings.load(Path(settings) if settings else None)
    root = Path(store)
    options = Options(threads=made.threads, memory=made.store_memory)
    return Engine(Store.create(root, options) if create else Store.open(root, options), made)


class Engine:
    """A store with settings. A context manager; not for use by two threads at once."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.ledger.close()

    def plan(
        self,
        path: str | os.PathLike[str],
        *,
        catalog: str | None = None,
        operation: str | None = None,
        force: bool = False,
        reason: str | None = None,
        hold_removals: bool | None = None,
        profile: str | None = None,
        entity: str | None = None,
    ) -> ingest.Plan:
        """Decide what the feed at `path` would do; nothing is written. `catalog` is `key/section`.

        `profile` (a built-in name or a path) says what the feed is, for a new catalog; `entity` what the file holds.
        What the file name does not say must be given. Raises FeedRejected, CatalogNotFound; what is wrong within the
        file is in the plan's report.
        """
        request = FeedRequest(
            Path(path), catalog, operation, force, reason, hold_removals, profile=profile, entity=entity
        )
        return ingest.plan(self.store, self.settings, request)

    def apply(self, plan: ingest.Plan) -> ingest.Result:
        """Carry out a plan as a task of the ledger. A plan can be applied once.

        Raises FeedRejected, SafeguardRefused, BaseMoved, CatalogBusy, DiskFull.
        """
        return ingest.run_planned(self.store, self.settings, plan)

    def changes(self, a: int, b: int, *, catalog: str | None = None, entity: str | None = None) -> ArrowStream:
        """What differs between snapshots `a` and `b`, as an Arrow stream that pyarrow, polars and DuckDB take.

        Columns: `_change` (added, removed, changed), the stored columns as in `b`, and `before:<column>` as in `a`.
        `entity` None = the profile's first, items of Constructor's.
        """
        key, section = self._catalog(catalog)
        opened = self.store.catalog(key)
        return opened.changes(section, entity or opened.entities.first, a, b)

    def rows(self, *, catalog: str | None = None, entity: str | None = None, at: int | None = None) -> ArrowStream:
        """The records of a snapshot (None = the current one) as an Arrow stream; `entity` as in `changes`."""
        key, section = self._catalog(catalog)
        opened = self.store.catalog(key)
        return opened.export_rows(section, entity or opened.entities.first, at)

    def snapshots(self, *, catalog: str | None = None) -> list[SnapshotInfo]:
        """The snapshots of a catalog, by number."""
        key, section = self._catalog(catalog)
        with self.store.catalog(key) as opened:
            return opened.snapshots(section)

    def _catalog(self, catalog: str | None) -> tuple[str, str]:
        if catalog:
            key, _, section = catalog.partition("/")
            return key, section
        found = []
        for key in self.store.keys():  # noqa: SIM118 - not a dict
            with self.store.catalog(key) as opened:
                found += [(key, section) for section in opened.sections()]
        if len(found) != 1:
            names = ", ".join("/".join(pair) for pair in found) or "none"
            raise UsageError(f"say which catalog: catalog='key/section'; the store has {names}")
        return found[0]
