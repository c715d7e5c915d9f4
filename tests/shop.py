"""The engine behind a small face: run a feed on a temporary store, look at the catalog it leaves."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from model.settings import Settings
from model.spec import ENTITIES
from model.state import State
from model.write import rows_of, write

CATALOG = "key_a1/Products"
RULES = (
    *("patch_null", "duplicates", "orphan_variations", "unknown_groups", "several_roots", "cascade"),
    *("delete_unknown", "deactivation_counts", "denominator", "rows", "short_rows", "split_metadata"),
)
_numbers = itertools.count(1)


@dataclass
class Answer:
    """What the engine says of one feed."""

    verdict: str
    report: dict[str, Any]
    codes: dict[str, list[int]] = field(default_factory=dict)

    def count(self, entity: str, name: str) -> Any:
        """One number of the report; an entity that the report leaves out counts nothing."""
        return self.report["entities"].get(entity, {}).get(name, 0)


def codes(report: dict[str, Any], *, errors_only: bool = False) -> dict[str, list[int]]:
    """Fault codes with the numbers of their records."""
    found: dict[str, list[int]] = {}
    for fault in report["problems"]["list"]:
        if not errors_only or fault["severity"] != "warning":
            found.setdefault(fault["code"], []).append(fault.get("record") or 0)
    return {code: sorted(records) for code, records in sorted(found.items())}


class Shop:
    """A store of its own in ``root``; every feed goes to one catalog unless it says otherwise."""

    def __init__(self, root: Path, *, secret: bytes | None = None, threads: int = 1, block: int | None = None):
        """Make the store. ``threads`` and ``block`` (bytes) must not change any result."""
        from feedengine.store import Store

        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.store = Store.create(root / "store")
        if secret is not None:
            (root / "store" / "secret").write_bytes(secret)
            self.store = Store.open(root / "store")
        self.threads, self.block = threads, block
        self.catalog_name = CATALOG

    def settings(self, rules: Settings, extra: str = "") -> Any:
        """The model's settings as the package's; ``extra`` are more lines of the safeguard's table."""
        from feedengine.settings import Settings as Loaded

        lines = [f'[catalogs."{self.catalog_name}".rules]', "[rules]"]
        default = Settings()
        for name in RULES:
            if getattr(rules, name) != getattr(default, name):
                value = getattr(rules, name)
                lines.append(f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
        lines += ["[safeguard]", f"limit = {json.dumps(rules.limit)}", f"warn = {json.dumps(rules.warn)}"]
        lines += [f"{entity} = {json.dumps(limit)}" for entity, limit in rules.limits.items()]
        lines += [f"on_block = {json.dumps(rules.on_block)}", extra]
        lines += ["[engine]", f"threads = {self.threads}"]
        path = self.root / "feedengine.toml"
        path.write_text("\n".join(lines) + "\n")
        return Loaded.load(path, env={})

    def request(self, path: Path, operation: str, force: bool, catalog: str | None = None) -> Any:
        """A feed request."""
        from feedengine.ingest import FeedRequest

        return FeedRequest(
            path=path, catalog=catalog or self.catalog_name, operation=operation, force=force, actor="test"
        )

    def plan(
        self, path: Path, operation: str, *, force: bool = False, rules: Settings | None = None, extra: str = ""
    ) -> Answer:
        """What the feed would do; nothing is written."""
        from feedengine import ingest

        with self.cut_small():
            plan = ingest.plan(
                self.store, self.settings(rules or Settings(), extra), self.request(path, operation, force)
            )
        return self.answer(plan.report)

    def run(
        self,
        path: Path,
        operation: str,
        *,
        force: bool = False,
        rules: Settings | None = None,
        catalog: str | None = None,
    ) -> Answer:
        """The whole task."""
        from feedengine import errors, ingest

        request = self.request(path, operation, force, catalog)
        try:
            with self.cut_small():
                result = ingest.run(self.store, self.settings(rules or Settings()), request)
        except (errors.SafeguardRefused, errors.FeedRejected) as error:
            return self.answer(error.report)
        return self.answer(result.report)

    @contextmanager
    def cut_small(self) -> Iterator[None]:
        """Have feeds read in blocks of this shop's size: no setting, since it must change nothing."""
        from feedengine import engine

        if self.block is None:
            yield
            return
        plain = engine.Planner.__init__

        def cut(planner: Any, request: dict[str, Any], secret: bytes) -> None:
            plain(planner, {**request, "block": self.block}, secret)

        with mock.patch.object(engine.Planner, "__init__", cut):
            yield

    @staticmethod
    def answer(report: dict[str, Any]) -> Answer:
        """A report, read."""
        invalid = report["verdict"] == "invalid"
        return Answer(report["verdict"], report, codes(report, errors_only=invalid))

    def load(self, state: State, section: str = "Products") -> None:
        """Make ``state`` the catalog's state, by a forced sync."""
        feeds = {name: ("jsonl", rows_of(state.table(section, name))) for name in ENTITIES}
        feeds = {name: feed for name, feed in feeds.items() if feed[1]}
        if not feeds:
            return
        path = write(self.root / f"load-{next(_numbers)}.tar.gz", feeds)
        answer = self.run(path, "sync", force=True)
        assert answer.verdict in ("apply", "no_change"), answer.report

    def table(self, entity: str, at: int | None = None, catalog: str | None = None) -> list[dict[str, Any]]:
        """The records of one entity in stored columns without the absent ones, sorted by id."""
        return self._read([entity], at, catalog)[entity]

    def tables(self, at: int | None = None, catalog: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """The whole catalog."""
        return self._read(list(ENTITIES), at, catalog)

    def _read(
        self, entities: list[str], at: int | None = None, catalog: str | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        import pyarrow as pa

        found: dict[str, list[dict[str, Any]]] = {entity: [] for entity in entities}
        key, section = (catalog or self.catalog_name).split("/", 1)
        if key not in self.store.keys():  # noqa: SIM118 - not a dict
            return found
        with self.store.catalog(key) as opened:
            if section not in opened.sections():
                return found
            for entity in entities:
                rows = pa.table(opened.export_rows(section, entity, at)).to_pylist()
                plain = [
                    {name: value for name, value in row.items() if value is not None and not name.startswith("_")}
                    for row in rows
                ]
                found[entity] = sorted(plain, key=lambda row: row["id"].encode())
        return found

    def changes(self, entity: str, a: int, b: int) -> list[dict[str, Any]]:
        """The changes from one snapshot to another."""
        import pyarrow as pa

        key, section = self.catalog_name.split("/", 1)
        with self.store.catalog(key) as opened:
            return list(pa.table(opened.changes(section, entity, a, b)).to_pylist())

    def snapshot(self) -> int:
        """The number of the current snapshot; 0 before the first."""
        key, section = self.catalog_name.split("/", 1)
        if key not in self.store.keys():  # noqa: SIM118 - not a dict
            return 0
        with self.store.catalog(key) as opened:
            return int(opened.base(section).snapshot)

    def digests(self) -> dict[str, str]:
        """The digest of each entity."""
        key, section = self.catalog_name.split("/", 1)
        with self.store.catalog(key) as opened:
            return {name: one.digest for name, one in opened.base(section).entities.items()}

    @classmethod
    def opened(cls, root: Path) -> Shop:
        """A face for a store that exists."""
        from feedengine.store import Store

        shop = cls.__new__(cls)
        shop.root, shop.threads, shop.block, shop.catalog_name = root.parent, 1, None, CATALOG
        shop.store = Store.open(root)
        return shop

    @classmethod
    def look(cls, root: Path) -> int:
        """The number of the current snapshot of a store that another process may have written."""
        return cls.opened(root).snapshot()

    @classmethod
    def tables_of(cls, root: Path) -> dict[str, list[dict[str, Any]]]:
        """The catalog in a store that another process may have written."""
        return cls.opened(root).tables()
