"""The index beside the catalog, made again or carried on by the engine; the engine is loaded only when needed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from feedengine.store.entities import Spec
from feedengine.store.model import ArrowStream, EntityBase, EntityState


class Engine(Protocol):
    """What the store needs of `feedengine.engine`."""

    def build_index(self, spec: Spec, secret: bytes, rows: ArrowStream, path: Path, temp: Path) -> dict[str, Any]:
        """Write a run of all current rows."""

    def overlay(
        self,
        spec: Spec,
        secret: bytes,
        base: Mapping[str, Any],
        gone: Sequence[str],
        rows: ArrowStream,
        path: Path,
        temp: Path,
    ) -> dict[str, Any]:
        """Write a run that overlays a base."""


def engine() -> Engine:
    """The real one."""
    from feedengine import engine as real

    return real


class Index:
    """Index files of one key: a folder, the store's secret, scratch space."""

    def __init__(self, folder: Path, secret: bytes, temp: Path) -> None:
        self.folder = folder
        self._secret = secret
        self._temp = temp

    def build(self, spec: Spec, rows: ArrowStream, next_row: int) -> EntityState:
        """A fresh run over all current rows."""
        path = self._new(spec["name"])
        totals = engine().build_index(spec, self._secret, rows, path, self._temp)
        return EntityState.of({"next_row": next_row, **totals, "runs": [path.name]})

    def overlay(
        self, spec: Spec, base: EntityBase, gone: Sequence[str], rows: ArrowStream, next_row: int
    ) -> EntityState:
        """A run on top of the base's: `rows` are records as they are now, `gone` the ids that left."""
        path = self._new(base.entity)
        described = {
            "runs": [str(self.folder / run) for run in base.runs],
            "records": base.records,
            "active": base.active,
            "data_bytes": base.data_bytes,
            "next_row": base.next_row,
            "digest": base.digest,
            "columns": [{"name": column.name, "kind": column.kind} for column in base.columns],
        }
        totals = engine().overlay(spec, self._secret, described, gone, rows, path, self._temp)
        return EntityState.of({**totals, "next_row": next_row, "runs": [*base.runs, path.name]})

    def totals(self, spec: Spec, rows: ArrowStream) -> dict[str, Any]:
        """Records, active, data_bytes and digest of `rows`; nothing is kept."""
        path = self._temp / f"check-{os.urandom(8).hex()}.run"
        try:
            return engine().build_index(spec, self._secret, rows, path, self._temp)
        finally:
            path.unlink(missing_ok=True)

    def _new(self, entity: str) -> Path:
        return self.folder / f"{entity}-{os.urandom(8).hex()}.run"
