"""Fifteen checks on rows of twenty columns: what they add to classifying, against pandera on polars and DuckDB's SQL.

`python benches/validation.py --rows 1000000 --times 3`: every contender is a process of its own on one thread, reads
the file, and must find exactly the generator's faults. With --strict, a target that is missed ends with 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from harness import machine, shelf
from harness.measure import ContenderFailed, Run, run

HERE = Path(__file__).resolve().parent
CONTENDERS = {
    "feedengine, no checks": ("validate_engine", "plain", ""),
    "feedengine, 15 checks": ("validate_engine", "checked", ""),
    "DuckDB SQL": ("validate_duckdb", "", "duckdb"),
    "pandera on polars": ("validate_pandera", "", "pandera"),
}
ADDED, FASTER = 0.5, 5.0


def main() -> int:
    """Run, check every answer, print medians and the two targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=HERE.parent / ".bench", help="scratch space")
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    feed, truth = shelf.make(options.folder, options.rows)
    runs: dict[str, list[Run]] = {name: [] for name in CONTENDERS}
    for _ in range(options.times):
        for name, (script, argument, needs) in CONTENDERS.items():
            if needs and find_spec(needs) is None:
                continue
            command: list[str | Path] = [sys.executable, HERE / "contenders" / f"{script}.py", feed]
            command += [argument] if argument else []
            try:
                done = run(command)
            except ContenderFailed as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 2
            expected = dict.fromkeys(truth, 0) if argument == "plain" else truth
            if done.answer["faults"] != expected:
                print(f"{name} is wrong: {done.answer['faults']}, not {expected}", file=sys.stderr)
                return 2
            runs[name].append(done)
    cpu = {name: median(float(each.answer["cpu"]) for each in made) for name, made in runs.items() if made}
    size = feed.stat().st_size / 1e6
    print(f"{options.rows:,} rows, {size:.0f} MB, {sum(truth.values()):,} faults; {machine.cpu_model()}")
    for name, made in runs.items():
        if not made:
            print(f"  {name:24} absent")
            continue
        wall, peak = median(float(each.answer["seconds"]) for each in made), max(each.peak for each in made)
        print(f"  {name:24} {wall:8.3f} s wall {cpu[name]:8.3f} s CPU {peak / 1e6:6.0f} MB peak")
    plain, checked, *others = (cpu.get(name) for name in CONTENDERS)
    added = checked / plain - 1 if plain and checked else 0.0
    best = min((each for each in others if each is not None), default=None)
    ratio = best / checked if best and checked else None
    told = "not compared" if ratio is None else f"{ratio:.1f} times faster than the best other"
    print(f"  checks add {added:.0%} to the CPU of classifying (at most {ADDED:.0%})")
    print(f"  {told} (at least {FASTER:.0f})")
    report = options.folder / f"validation-{options.rows}.json"
    report.write_text(json.dumps({"cpu": cpu, "added": added, "ratio": ratio}))
    met = added <= ADDED and (ratio is None or ratio >= FASTER)
    return 0 if met or not options.strict else 1


if __name__ == "__main__":
    sys.exit(main())
