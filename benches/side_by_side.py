"""The same work in feedengine, DuckDB, polars and plain tools, in one run: wall, CPU, memory, ratios, targets.

Every contender runs as a process of its own, in turn (all of a case once, then again), and its counts are checked
against the generator's known answer. Results are kept under benches/runs.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import cases as catalogue
from harness import machine
from harness.data import Data, generator
from harness.measure import ContenderFailed, Run, run
from harness.table import judge, lines, summary

HERE = Path(__file__).resolve().parent


def say(text: str) -> None:
    """Talk goes to stderr, the table to stdout."""
    print(text, file=sys.stderr, flush=True)


def prepare(data: Data, wanted: set[str]) -> None:
    """Make the files and the two catalogs that hold day 1."""
    say(f"making {data.rows:,} rows")
    data.make(generator())
    if wanted & {"sync"} and catalogue.installed("duckdb") and not data.differences.exists():
        data.base_catalog.unlink(missing_ok=True)
        run(catalogue.script("duckdb_sync", data.base_catalog, data.day1, "load"))
        run(catalogue.script("duckdb_sync", data.base_catalog, data.day2, "find", data.differences))
    if wanted & {"classify", "archive", "sync", "patch"} and catalogue.installed("feedengine.cli"):
        with contextlib.suppress(ContenderFailed, FileNotFoundError, subprocess.CalledProcessError):
            catalogue.init(data.base_store)
            run(catalogue.feedengine(data.base_store, "sync", data.day1))


def measure(case: catalogue.Case, data: Data, times: int) -> dict[str, dict[str, Any]]:
    """All contenders in turn, `times` times; what can't run says why."""
    runs: dict[str, list[Run]] = {}
    results: dict[str, dict[str, Any]] = {}
    for contender in case.contenders:
        if contender.missing:
            results[contender.name] = {"absent": f"absent: no {', '.join(contender.missing)}"}
    for turn in range(times):
        for contender in case.contenders:
            if contender.name in results:
                continue
            data.fresh_scratch()
            try:
                contender.prepare()
                done = run(contender.command)
            except (ContenderFailed, OSError, subprocess.CalledProcessError) as error:
                results[contender.name] = {"absent": f"failed: {str(error).splitlines()[-1][:200]}"}
                continue
            found = contender.answer(done.answer) if contender.answer else None
            if found is not None and dict(found) != dict(case.expected):
                raise SystemExit(f"{case.name}, {contender.name}: found {found}, right is {case.expected}")
            runs.setdefault(contender.name, []).append(done)
            say(f"  {case.name} {turn + 1}/{times}  {contender.name:26} {done.wall:8.3f} s")
    measured = {
        contender.name: summary(runs[contender.name], contender.inner)
        for contender in case.contenders
        if contender.name in runs and contender.name not in results
    }
    return {**measured, **results}


def keep(rows: int, document: dict[str, Any]) -> Path:
    """Write the results beside those of other days and machines."""
    folder = HERE / "runs"
    folder.mkdir(exist_ok=True)
    path = folder / f"{datetime.date.today().isoformat()}-{machine.slug()}-{rows}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def main() -> int:
    """Parse, prepare, measure, print, keep; 1 when a target is not met and --strict was given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5, help="of every contender; medians are shown")
    parser.add_argument("--only", action="append", default=[], metavar="CASE", help="diff, classify, archive, ...")
    parser.add_argument("--dir", type=Path, default=HERE.parent / ".bench", help="scratch space")
    parser.add_argument("--keep-files", action="store_true", help="leave the scratch space")
    parser.add_argument("--no-record", action="store_true", help="don't write benches/runs")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is not met")
    arguments = parser.parse_args()
    data = Data(arguments.dir.resolve() / str(arguments.rows), arguments.rows)
    names = {"diff", "classify", "archive", "sync", "load", "patch"}
    wanted = set(arguments.only) or names
    if wanted - names:
        parser.error(f"no such case: {', '.join(sorted(wanted - names))}; there are {', '.join(sorted(names))}")
    try:
        prepare(data, wanted)
        cases = [case for case in catalogue.cases(data) if case.name in wanted]
        results = {case.name: measure(case, data, arguments.runs) for case in cases}
    finally:
        if not arguments.keep_files:
            shutil.rmtree(data.root, ignore_errors=True)
    judged = [judge(target, results) for target in catalogue.targets(arguments.rows) if target.case in wanted]
    print("\n".join(lines(cases, results, judged)))
    document = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "rows": arguments.rows,
        "runs": arguments.runs,
        "machine": machine.describe(),
        "cache": "files in the page cache, written just before",
        "results": results,
        "targets": judged,
    }
    if not arguments.no_record and wanted == names:
        say(f"\nkept as {keep(arguments.rows, document).relative_to(HERE.parent)}")
    return 1 if arguments.strict and any(row["met"] is False for row in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
