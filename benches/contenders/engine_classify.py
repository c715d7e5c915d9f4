"""feedengine's engine alone: a new full feed against the stored index. Arguments: STORE CATALOG FEED.

The clock runs from the opened store to the end of the scan: reading, hashing, comparing, all records classified.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from feedengine import engine
from feedengine.ingest import engine_request
from feedengine.settings import Settings
from feedengine.store import Store


def main(store: str, catalog: str, feed: str) -> None:
    """Scan, print what the index says of the feed."""
    opened = Store.open(Path(store))
    key, _, section = catalog.partition("/")
    base = opened.catalog(key).base(section)
    started, cpu = time.perf_counter(), time.process_time()
    request = engine_request(opened, Settings.load(None), base, operation="sync")
    planner = engine.Planner(request, opened.secret)
    planner.scan(feed)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    counts = planner.progress()["entities"]["items"]
    print(
        json.dumps(
            {**{name: counts[name] for name in ("added", "changed", "removed")}, "seconds": seconds, "cpu": used}
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
