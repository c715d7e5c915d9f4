"""The store's folder: its layout, its secret, its catalogs and its ledger."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from feedengine.errors import CatalogNotFound, StoreDamaged, StoreNotFound
from feedengine.store.model import Options

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from feedengine.ledger import Ledger
    from feedengine.store.catalog import Catalog
    from feedengine.store.entities import Entities

_FORMAT = 1
_SECRET_BYTES = 192


class Store:
    """A folder with catalogs, their indexes and the task ledger."""

    def __init__(self, root: Path, secret: bytes, options: Options) -> None:
        self.root = root
        self.secret = secret
        self.options = options
        self._idle: list[DuckDBPyConnection] = []

    @classmethod
    def create(cls, root: Path, options: Options | None = None) -> Store:
        """Make an empty store in `root`; an existing one is opened."""
        root.mkdir(parents=True, exist_ok=True)
        for folder in ("tmp", "held", "keys"):
            (root / folder).mkdir(exist_ok=True)
        secret = root / "secret"
        if not secret.exists():
            _write(secret, os.urandom(_SECRET_BYTES), 0o600)
        if not (root / "store.json").exists():
            _write(root / "store.json", json.dumps({"format": _FORMAT}).encode() + b"\n", 0o644)
        return cls.open(root, options)

    @classmethod
    def open(cls, root: Path, options: Options | None = None) -> Store:
        """Open the store in `root`. Raises `StoreNotFound`, `StoreDamaged`."""
        try:
            about = json.loads((root / "store.json").read_bytes())
        except FileNotFoundError:
            raise StoreNotFound(f"no store in {root}", hints=_elsewhere(root)) from None
        except ValueError as error:
            raise StoreDamaged(f"{root / 'store.json'} is not JSON: {error}") from error
        if not isinstance(about, dict) or about.get("format") != _FORMAT:
            raise StoreDamaged(
                f"the store in {root} has a format this feedengine doesn't read",
                hints=[{"text": "Use the newer feedengine that wrote it", "argv": []}],
            )
        try:
            secret = (root / "secret").read_bytes()
        except OSError as error:
            raise StoreDamaged(f"the store's secret can't be read: {error}", hints=_LOST_SECRET) from error
        if len(secret) != _SECRET_BYTES:
            raise StoreDamaged(f"the store's secret has {len(secret)} bytes, not {_SECRET_BYTES}", hints=_LOST_SECRET)
        return cls(root, secret, options or Options())

    @property
    def tmp(self) -> Path:
        """Scratch space on the store's disk; DuckDB and the engine spill here."""
        return self.root / "tmp"

    @property
    def held(self) -> Path:
        """Feeds that wait for approval."""
        return self.root / "held"

    @cached_property
    def ledger(self) -> Ledger:
        """The task ledger."""
        from feedengine.ledger import Ledger

        path = self.root / "ledger.sqlite"
        lost = not path.exists() and bool(self.keys())
        ledger = Ledger(path)
        if lost:
            # The snapshots of the tasks that it knew are still there: their numbers must not be given again.
            ledger.number_after(max(self._newest_task(key) for key in self.keys()))
        return ledger

    def _newest_task(self, key: str) -> int:
        with self.catalog(key) as catalog:
            return catalog.newest_task()

    def warm(self) -> None:
        """Start DuckDB before it is needed: the first catalog that is opened finds it running."""
        from feedengine.store.database import start

        if not self._idle:
            self._idle.append(start(self.tmp, self.options))

    def keys(self) -> list[str]:
        """The keys that have a catalog."""
        folder = self.root / "keys"
        return sorted(unquote(entry.name) for entry in folder.iterdir() if entry.is_dir()) if folder.exists() else []

    def catalog(self, key: str, *, create: bool = False, profile: Entities | None = None) -> Catalog:
        """The catalog file of `key`. Raises `CatalogNotFound` unless it exists or `create`.

        `profile` are the entities that a feed is read by: those of a new catalog, and of an old one from its next
        commit on (None = its own, Constructor's for a new one). Reading raises `IncompatibleProfile` where what is
        stored does not fit.
        """
        from feedengine.store.catalog import Catalog

        # Keys become folder names: nothing in them may climb, hide or need another file system's rules.
        folder = self.root / "keys" / quote(key, safe="").replace(".", "%2E")
        if not folder.is_dir():
            if not create or not key:
                known = ", ".join(self.keys()) or "none"
                raise CatalogNotFound(f"no catalog for key {key!r}; known: {known}", state="Nothing was changed.")
            folder.mkdir(parents=True, exist_ok=True)
        return Catalog(key, folder, self.tmp, self.secret, self.options, self._idle, profile)


_LOST_SECRET = [{"text": "Restore the file `secret` from a backup; every index depends on it", "argv": []}]


def _elsewhere(root: Path) -> list[dict[str, Any]]:
    """What to type where `root` is no store: its folder may be one that `init` made, with the store inside."""
    inner = next((found.parent for found in sorted(root.glob("*/store.json"))), None)
    if inner is None:
        return [{"text": "Make one", "argv": ["feedengine", "init"]}]
    return [{"text": "There is one inside", "argv": ["feedengine", "--store", str(inner), "status"]}]


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a small file whole or not at all."""
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
