"""feedengine, file against file; what differs is written as CSV. Arguments: OLD NEW OUT."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import duckdb

from feedengine import engine
from feedengine.settings import Settings
from feedengine.store.arrow import source
from feedengine.store.database import quoted


def main(old: str, new: str, out: str) -> None:
    """Compare, write both sides of what differs, print the counts."""
    settings = Settings.load()
    with tempfile.TemporaryDirectory() as temp:
        request = {
            "settings": {},
            "threads": settings.threads,
            "memory": settings.memory_limit // 2,
            "temp_dir": temp,
        }
        found = engine.diff_files(Path(old), Path(new), request)
        connection = duckdb.connect()
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        for side, stream in (("after", found.after("items")), ("before", found.before("items"))):
            if stream is not None:
                with source(connection, stream) as (view, names):
                    columns = ", ".join(f"c{at} AS {quoted(name)}" for at, name in enumerate(names))
                    connection.execute(f"COPY (SELECT {columns} FROM {view}) TO '{out}.{side}' (FORMAT csv)")
    counts = found.report["entities"]["items"]
    print(json.dumps({name: counts[name] for name in ("added", "changed", "removed")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
