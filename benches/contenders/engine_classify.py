"""feedengine's engine alone: a new full feed against the stored index. Arguments: STORE CATALOG FEED.

The clock runs while the engine works: it reads, hashes, compares, and classifies all records. It stands while the
store hands over the old values of changed records, which only the count of changed fields needs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from feedengine import engine, ingest
from feedengine.settings import Settings
from feedengine.store import Store

SPENT = {"seconds": 0.0, "cpu": 0.0}


def timed(name: str) -> Callable[..., Any]:
    """The planner's method, with the clock running."""
    method = getattr(engine.Planner, name)

    def call(*arguments: Any) -> Any:
        started, cpu = time.perf_counter(), time.process_time()
        try:
            return method(*arguments)
        finally:
            SPENT["seconds"] += time.perf_counter() - started
            SPENT["cpu"] += time.process_time() - cpu

    return call


def main(store: str, catalog: str, feed: str) -> None:
    """Plan, print the counts and what the engine took."""
    for name in ("scan", "next_want", "wanted", "decide"):
        setattr(engine.Planner, name, timed(name))
    request = ingest.FeedRequest(path=Path(feed), catalog=catalog, operation="sync", actor="bench")
    plan = ingest.plan(Store.open(Path(store)), Settings.load(), request)
    counts = plan.report["entities"]["items"]
    print(json.dumps({**{name: counts[name] for name in ("added", "changed", "removed")}, **SPENT}))


if __name__ == "__main__":
    main(*sys.argv[1:])
