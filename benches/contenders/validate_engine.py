"""feedengine's planner on a first load, with the checks or without. Arguments: FEED checked|plain."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from feedengine import engine

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.shelf import CHECKS, entity


def main(feed: str, how: str) -> None:
    """Plan; print how many rows fail each check, and what it took."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"rows": "reject", "listed_problems": 1_000_000}
        request = {
            "operation": "sync",
            "entities": [entity(how == "checked")],
            "entity": "things",
            "settings": settings,
        }
        planner = engine.Planner({**request, "threads": 1, "temp_dir": folder}, bytes(range(192)))
        started, cpu = time.perf_counter(), time.process_time()
        planner.scan(Path(feed))
        while planner.next_want() is not None:
            raise SystemExit("an empty catalog has no rows")
        report = planner.decide()
        spent = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    values = {(column, value): name for name, column, _, value in CHECKS}
    found = Counter(values[each["column"], each["value"]] for each in report["problems"]["list"])
    counts = report["entities"]["things"]
    if counts["rejected"] != sum(found.values()) or counts["added"] + counts["rejected"] != counts["rows"]:
        raise SystemExit(f"the counts do not balance: {counts}")
    print(json.dumps({"faults": {name: found[name] for name, *_ in CHECKS}, **spent}))


if __name__ == "__main__":
    main(*sys.argv[1:])
