"""Parts of the engine alone, measured by pytest-benchmark: `make bench` runs them, `make test` does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

names = pytest.importorskip("feedengine.names")
engine = pytest.importorskip("feedengine.engine")


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two days of 20,000 items."""
    folder = tmp_path_factory.mktemp("feeds")
    spec = {"items": 20_000, "variations": 0, "groups": 0, "container": "file"}
    engine.generate(spec, folder / "a.csv")
    engine.generate({**spec, "day": 2, "shuffle": True}, folder / "b.csv")
    return folder / "a.csv", folder / "b.csv"


def test_name_of_a_feed(benchmark: Any) -> None:
    name = "key_7AeGOdJ9BxmKF942_Products_forcepatchdeltacreate_2026-11-21-02-00-00.tar.gz"
    benchmark(names.parse, name, ["key_7AeGOdJ9BxmKF942"])


def test_diff_of_two_files(benchmark: Any, feeds: tuple[Path, Path]) -> None:
    found = benchmark(
        engine.diff_files, *feeds, {"settings": {}, "threads": 1, "memory": 256 << 20, "temp_dir": str(feeds[0].parent)}
    )
    assert found.report["entities"]["items"]["added"] == 200


def test_generate(benchmark: Any, tmp_path: Path) -> None:
    spec = {"items": 20_000, "variations": 0, "groups": 0, "container": "file"}
    benchmark(engine.generate, spec, tmp_path / "items.csv")
