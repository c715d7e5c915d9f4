"""A store whose one catalog has a profile, and what a task of it came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

import feedengine
from feedengine.programs import Engine

CATALOG = "acme/main"


@dataclass
class Shop:
    """An open store; files are sent from `folder`."""

    engine: Engine
    folder: Path

    def send(self, name: str, content: str | bytes, encoding: str = "utf-8") -> dict[str, Any]:
        """Apply a file of that name; gives the task's report."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return self.apply(path)

    def apply(self, path: Path) -> dict[str, Any]:
        """Apply a file; gives the task's report."""
        return self.engine.apply(self.engine.plan(path, catalog=CATALOG)).report

    def rows(self, entity: str) -> list[dict[str, Any]]:
        """The current records, by key."""
        found: list[dict[str, Any]] = pa.table(self.engine.rows(catalog=CATALOG, entity=entity)).to_pylist()
        return found


def opened(tmp_path: Path, profile: str | Path) -> Shop:
    """A new store in which acme/main has the profile."""
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[catalogs."{CATALOG}"]\nprofile = "{profile}"\n')
    folder = tmp_path / "sent"
    folder.mkdir()
    return Shop(feedengine.open(tmp_path / "store", create=True, settings=settings), folder)


def codes(report: dict[str, Any]) -> dict[str, int]:
    """How often each fault was found."""
    return {each["code"]: each["count"] for each in report["problems"]["by_code"]}
