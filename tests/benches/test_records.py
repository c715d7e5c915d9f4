"""Published speed can be had again: records say what was measured where, and data is the same from the same seed."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest

from command import command
from feedengine import engine

pytestmark = pytest.mark.feature("U17")

RUNS = Path(__file__).parents[2] / "benches" / "runs"
SIDE_BY_SIDE = sorted(path for path in RUNS.glob("2*.json"))


@pytest.mark.parametrize("path", SIDE_BY_SIDE, ids=lambda path: path.stem)
def test_a_record_says_where_and_holds_every_run(path: Path) -> None:
    record = json.loads(path.read_text())
    assert {"cpu", "cores", "memory_gib", "system", "python", "versions"} <= record["machine"].keys()
    assert record["date"][:10] == path.stem[:10] and path.stem.endswith(f"-{record['rows']}")
    for work, programs in record["results"].items():
        assert programs, work
        for program, found in programs.items():
            assert len(found["walls"]) == record["runs"], program
            assert found["wall"] == statistics.median(found["walls"]), program


def test_there_are_records() -> None:
    assert SIDE_BY_SIDE


def test_the_same_seed_makes_the_same_data(tmp_path: Path) -> None:
    def made(name: str, **more: object) -> bytes:
        spec = {"seed": 5, "items": 500, "variations": 300, "groups": 20, "container": "file", "entities": ["items"]}
        engine.generate({**spec, **more}, tmp_path / name)
        return (tmp_path / name).read_bytes()

    assert made("a.csv", day=2) == made("b.csv", day=2)
    assert made("a.csv", day=2) != made("c.csv", day=2, seed=6)


def test_anybody_can_measure_and_every_answer_is_checked() -> None:
    first, second = (json.loads(command("--json", "bench", "--items", "2000").stdout) for _ in range(2))
    assert first["machine"]["cores"] >= 1 and first["seed"] == second["seed"]
    for one, other in zip(first["steps"], second["steps"], strict=True):
        counts = ("step", "rows", "added", "changed", "removed", "unchanged", "bytes")
        assert {name: one[name] for name in counts} == {name: other[name] for name in counts}
        assert one["seconds"] > 0
