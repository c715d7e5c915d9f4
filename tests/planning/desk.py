"""A store with feeds of a profile: files are written, applied by name, and what is stored is read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from feedengine import ingest
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.target import FeedRequest

CATALOG = "acme/main"

#: Keys are the sender's: no record has to be found by other identifiers.
SHOP = """
name = "shop"
version = "1"
[naming]
form = "{entity}_{date:YYYYMMDD}[_{seq}].{ext}"
extensions = ["csv"]
[entities.products]
file = "PRODUCT"
folder = "products"
operation = "sync"
[entities.products.fields]
sku = { column = "SKU", required = true }
name = { column = "Name", required = true }
description = {}
price = { type = "decimal" }
stock = { type = "integer" }
[entities.prices]
file = "PRICE"
folder = "prices"
operation = "delta"
[entities.prices.fields]
sku = { required = true }
price = { type = "decimal" }
[entities.secrets]
file = "SECRET"
enabled = false
[entities.secrets.fields]
id = {}
"""


def text(rows: Sequence[Mapping[str, str]], columns: Sequence[str] | None = None) -> str:
    """Rows as CSV; absent cells are blank."""
    out = io.StringIO()
    names = list(columns or dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class Desk:
    """A store in `root`, and a folder of feeds beside it."""

    def __init__(self, root: Path, profile: str = SHOP, settings: str = "") -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.profile = root / "shop.toml"
        self.profile.write_text(profile)
        self.rules = root / "feedengine.toml"
        self.rules.write_text(f"[engine]\nthreads = 1\n{settings}")
        self.store = Store.create(root / "store")

    @property
    def settings(self) -> Settings:
        """The settings as they stand in the file now."""
        return Settings.load(self.rules, env={})

    def file(self, name: str, content: str) -> Path:
        """A feed among the feeds; `name` may have folders."""
        path = self.root / "feeds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def request(self, name: str, content: str, **wish: Any) -> FeedRequest:
        """A wish for one feed; without more it is for the catalog and by the profile of this desk."""
        said = {"catalog": CATALOG, "actor": "test", **wish}
        return FeedRequest(self.file(name, content), **said)

    def plan(self, name: str, content: str, **wish: Any) -> ingest.Plan:
        """Plan a feed."""
        return ingest.plan(self.store, self.settings, self.request(name, content, **wish))

    def apply(self, name: str, content: str, **wish: Any) -> dict[str, Any]:
        """Carry out a feed as a task; gives its report."""
        return ingest.run(self.store, self.settings, self.request(name, content, **wish)).report

    def first(self, name: str, content: str, **wish: Any) -> dict[str, Any]:
        """The first feed of a catalog: it says what the profile is."""
        return self.apply(name, content, profile=str(self.profile), **wish)

    def rows(self, entity: str, at: int | None = None) -> list[dict[str, Any]]:
        """Stored records without absent fields, in the order of their first column."""
        with self.store.catalog("acme") as catalog:
            table = pa.RecordBatchReader.from_stream(catalog.export_rows("main", entity, at)).read_all()
        rows = [{name: value for name, value in row.items() if value is not None} for row in table.to_pylist()]
        return sorted(rows, key=lambda row: str(next(iter(row.values()))))

    def digest(self, entity: str) -> str:
        """The digest of an entity's records."""
        with self.store.catalog("acme") as catalog:
            return catalog.base("main").entities[entity].digest

    def sound(self) -> list[str]:
        """What is wrong with rows, snapshot and index."""
        with self.store.catalog("acme") as catalog:
            problems: list[str] = catalog.check("main")["problems"]
        return problems
