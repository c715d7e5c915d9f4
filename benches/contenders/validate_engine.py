"""feedengine's planner, with the checks or without: on a first load, or on a feed against what is stored.

Arguments: FEED checked|plain [STORED]. With `keep` behind them what was planned is kept in STORED, for later runs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

# Threads of libraries that wait actively would count as this process's work; they look at this when they are loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import pyarrow as pa

from feedengine import engine

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.shelf import CHECKS, entity


class Stored:
    """The state that a first load leaves: an index, and the rows in a file that is mapped."""

    def __init__(self, folder: Path) -> None:
        self._base, self._rows = folder / "base.json", folder / "rows.arrow"
        self._folder = folder

    def keep(self, planner: engine.Planner) -> None:
        """Write what `planner` would store."""
        self._folder.mkdir(parents=True, exist_ok=True)
        rows = planner.rows("things")
        read = pa.RecordBatchReader.from_stream(rows)
        with planner.streaming(), pa.OSFile(str(self._rows), "wb") as out, pa.ipc.new_file(out, read.schema) as writer:
            for batch in read:
                writer.write_batch(batch)
        columns = planner.added_columns("things")
        [state] = planner.write_index(self._folder, "first").values()
        runs = [str(self._folder / run) for run in state["runs"]]
        self._base.write_text(json.dumps({"things": {**state, "runs": runs, "columns": columns}}))

    def base(self) -> dict[str, Any]:
        """What a request says of it."""
        return dict(json.loads(self._base.read_text()))

    def rows(self, wanted: engine.ArrowStream) -> pa.Table:
        """Stored rows by their numbers, which rise by one from the first."""
        table = pa.ipc.open_file(pa.memory_map(str(self._rows))).read_all()
        numbers = pa.table(wanted)["_row"].to_numpy()
        columns = [name for name in table.column_names if name == "_row" or not name.startswith("_")]
        return table.take(numbers - table["_row"][0].as_py()).select(columns)


SPENT = {"seconds": 0.0, "cpu": 0.0}


def timed(method: Any, *arguments: Any) -> Any:
    """What `method` answers, with the clock running."""
    started, cpu = time.perf_counter(), time.process_time()
    answer = method(*arguments)
    SPENT["seconds"] += time.perf_counter() - started
    SPENT["cpu"] += time.process_time() - cpu
    return answer


def untimed(method: Any, *arguments: Any) -> Any:
    """What `method` answers."""
    return method(*arguments)


def planned(
    feed: Path, how: str, stored: Stored | None, fresh: bool, ask: Any, settings: dict[str, Any]
) -> dict[str, Any]:
    """Plan `feed`; gives the report. `ask` calls the engine."""
    with tempfile.TemporaryDirectory() as scratch:
        request = {
            "operation": "sync",
            "entities": [entity(how == "checked")],
            "entity": "things",
            "base": stored.base() if stored and not fresh else {},
            "settings": {"rows": "reject", **settings},
        }
        planner = engine.Planner({**request, "threads": 1, "temp_dir": scratch}, bytes(range(192)))
        ask(planner.scan, feed)
        # The clock stands while the store hands over old values, which only the count of changed fields needs.
        while (want := ask(planner.next_want)) is not None:
            if stored is None or want["rows"] != "some":
                raise SystemExit(f"an empty catalog has no rows: {want}")
            planner.supply(stored.rows(ask(planner.wanted)))
        report: dict[str, Any] = ask(planner.decide)
        if stored and fresh:
            stored.keep(planner)
    return report


def main(feed: str, how: str, folder: str = "", keep: str = "") -> None:
    """Plan; print how many rows fail each check, and what it took the engine."""
    stored = Stored(Path(folder)) if folder else None
    report = planned(Path(feed), how, stored, bool(keep), timed, {})
    # Which faults they are is told once more, all of them, while the clock stands: a report lists a hundred of a kind.
    full = planned(Path(feed), how, stored, bool(keep), untimed, {"listed_problems": 1_000_000})
    values = {(column, value): name for name, column, _, value in CHECKS}
    found = Counter(values[each["column"], each["value"]] for each in full["problems"]["list"])
    counts = report["entities"]["things"]
    if counts["rejected"] != sum(found.values()) or counts != full["entities"]["things"]:
        raise SystemExit(f"the counts do not balance: {counts}")
    if counts["added"] + counts["changed"] + counts["unchanged"] + counts["rejected"] != counts["rows"]:
        raise SystemExit(f"the counts do not balance: {counts}")
    moved = {name: counts[name] for name in ("added", "changed", "removed")}
    print(json.dumps({"faults": {name: found[name] for name, *_ in CHECKS}, **moved, **SPENT}))


if __name__ == "__main__":
    main(*sys.argv[1:])
