"""feedengine inside a running process: a small patch, committed. Arguments: STORE CATALOG FEED.

Everything is imported and the catalog was looked at once before the clock runs, as in a service.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb  # noqa: F401  (a service has it loaded)

from feedengine import ingest
from feedengine.settings import Settings
from feedengine.store import Store


def main(store: str, catalog: str, feed: str) -> None:
    """Apply, print the counts and the seconds."""
    opened = Store.open(Path(store))
    settings = Settings.load(None)
    request = ingest.FeedRequest(path=Path(feed), catalog=catalog, operation="patchdelta", actor="bench")
    key, _, section = catalog.partition("/")
    with opened.catalog(key) as before:
        before.base(section)
    started, cpu = time.perf_counter(), time.process_time()
    result = ingest.run(opened, settings, request)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    counts = result.report["entities"]["items"]
    print(
        json.dumps(
            {**{name: counts[name] for name in ("added", "changed", "removed")}, "seconds": seconds, "cpu": used}
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
