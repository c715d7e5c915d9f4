"""Fifteen checks on rows of twenty columns: what they add to classifying, against pandera on polars and DuckDB's SQL.

`python benches/validation.py --rows 1000000 --times 3`: every contender is a process of its own on one thread, reads
the file, and must find exactly the generator's faults. Two files are checked: the next day's feed against the stored
catalog, which is what classifying means and what the targets are about; and a first load, where every row is new and
is checked and prepared for storing. With --strict, a target that is missed ends with 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

from harness import machine, shelf
from harness.measure import ContenderFailed, Run, run

HERE = Path(__file__).resolve().parent
PLAIN, CHECKED = "feedengine, no checks", "feedengine, 15 checks"
CONTENDERS = {
    PLAIN: ("validate_engine", "plain", ""),
    CHECKED: ("validate_engine", "checked", ""),
    "DuckDB SQL": ("validate_duckdb", "", "duckdb"),
    "pandera on polars": ("validate_pandera", "", "pandera"),
}
ADDED, FASTER = 0.5, 5.0


class Wrong(Exception):
    """A contender's answer is not the generator's."""


class Case(NamedTuple):
    """CPU seconds of each contender, what checks add to ours as a share, how often that fits into the best other."""

    cpu: dict[str, float]
    added: float
    ratio: float | None


def main() -> int:
    """Run, check every answer, print medians and the two targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=HERE.parent / ".bench", help="scratch space")
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    days = [shelf.make(options.folder, options.rows, day) for day in (1, 2)]
    stored = {how: options.folder / f"shelf-{options.rows}-{how}" for how in ("plain", "checked")}
    try:
        for how, folder in stored.items():
            run(_command("validate_engine", days[0][0], how, folder, "keep"))
        first = _case("a first load", *days[0], options.times, {})
        next_day = _case("the next day's feed", *days[1], options.times, stored)
    except (ContenderFailed, Wrong) as error:
        print(error, file=sys.stderr)
        return 2
    report = options.folder / f"validation-{options.rows}.json"
    report.write_text(
        json.dumps({"machine": machine.cpu_model(), "first load": first._asdict(), "next day": next_day._asdict()})
    )
    met = next_day.added <= ADDED and (next_day.ratio is None or next_day.ratio >= FASTER)
    return 0 if met or not options.strict else 1


def _command(script: str, *arguments: str | Path) -> list[str | Path]:
    return [sys.executable, HERE / "contenders" / f"{script}.py", *(each for each in arguments if str(each))]


def _case(title: str, feed: Path, truth: dict[str, int], times: int, stored: dict[str, Path]) -> Case:
    """Run all contenders on one file and print what they took; gives what checks add and the ratio to the others."""
    runs: dict[str, list[Run]] = {}
    for _ in range(times):
        for name, (script, how, needs) in CONTENDERS.items():
            if needs and find_spec(needs) is None:
                continue
            done = run(_command(script, feed, how, stored.get(how, "")))
            expected = dict.fromkeys(truth, 0) if how == "plain" else truth
            if done.answer["faults"] != expected:
                raise Wrong(f"{name} is wrong: {done.answer['faults']}, not {expected}")
            runs.setdefault(name, []).append(done)
    cpu = {name: median(float(each.answer["cpu"]) for each in made) for name, made in runs.items()}
    print(f"{title}: {feed.stat().st_size / 1e6:.0f} MB, {sum(truth.values()):,} faults; {machine.cpu_model()}")
    for name in CONTENDERS:
        if name not in runs:
            print(f"  {name:24} absent")
            continue
        wall, peak = median(float(each.answer["seconds"]) for each in runs[name]), max(each.peak for each in runs[name])
        print(f"  {name:24} {wall:8.3f} s wall {cpu[name]:8.3f} s CPU {peak / 1e6:6.0f} MB peak")
    added = cpu[CHECKED] / cpu[PLAIN] - 1
    others = [spent for name, spent in cpu.items() if name not in (PLAIN, CHECKED)]
    ratio = min(others) / cpu[CHECKED] if others else None
    told = "not compared" if ratio is None else f"{ratio:.1f} times faster than the best other"
    print(f"  checks add {added:.0%} to the CPU (of classifying at most {ADDED:.0%}); {told} (at least {FASTER:.0f})")
    return Case(cpu, added, ratio)


if __name__ == "__main__":
    sys.exit(main())
