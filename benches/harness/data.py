"""The files that all contenders work on, made from a seed, and the known answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CATALOG = "key_bench/Products"
Generate = Callable[[dict[str, Any], Path], dict[str, Any]]


def generator() -> Generate:
    """The engine's generator; without the extension, the same code as a small program of the core crate."""
    try:
        from feedengine import engine
    except ImportError:
        return by_program
    return lambda spec, out: dict(engine.generate(spec, out))


def by_program(spec: dict[str, Any], out: Path) -> dict[str, Any]:
    """Call the core crate's example."""
    command = ["cargo", "run", "--release", "--quiet", "--package", "feedengine-core", "--example", "sample", "--"]
    told = subprocess.run([*command, str(out), json.dumps(spec)], check=True, capture_output=True, text=True).stdout
    return dict(json.loads(told))


@dataclass
class Data:
    """Items of 20 columns: day 1, day 2 (shuffled; 1 % added, 5 % changed, 1 % removed), a patch of 10 rows."""

    root: Path
    rows: int
    answers: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def day1(self) -> Path:
        return self.root / "key_bench_Products_sync_2026-01-01-02-00-00.csv"

    @property
    def day2(self) -> Path:
        return self.root / "key_bench_Products_sync_2026-01-02-02-00-00.csv"

    @property
    def archive(self) -> Path:
        return self.root / "key_bench_Products_sync_2026-01-02-02-00-00.tar.gz"

    @property
    def patch(self) -> Path:
        return self.root / "key_bench_Products_patchdelta_2026-01-01-03-00-00.csv"

    @property
    def scratch(self) -> Path:
        """What a contender writes; made anew before every run."""
        return self.root / "scratch"

    @property
    def base_store(self) -> Path:
        """A feedengine store that holds day 1."""
        return self.root / "base-store"

    @property
    def base_catalog(self) -> Path:
        """DuckDB's own catalog that holds day 1."""
        return self.root / "base.duckdb"

    @property
    def differences(self) -> Path:
        """What day 2 changes there, found beforehand."""
        return self.root / "differences.duckdb"

    def make(self, generate: Generate) -> None:
        """Write the files."""
        self.root.mkdir(parents=True, exist_ok=True)
        common = {"seed": 7, "items": self.rows, "variations": 0, "groups": 0, "container": "file"}
        second = {"day": 2, "shuffle": True}
        for name, path, extra in (
            ("load", self.day1, {}),
            ("sync", self.day2, second),
            ("archive", self.archive, {**second, "container": "tar.gz"}),
            ("patch", self.patch, {"patch": 10}),
        ):
            answer = generate({**common, **extra}, path)["entities"]["items"]
            self.answers[name] = {key: int(answer[key]) for key in ("added", "changed", "removed")}

    def fresh_scratch(self) -> None:
        """An empty folder for the next contender."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
