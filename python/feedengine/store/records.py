"""Any Arrow stream as Python rows, a batch at a time: for people's eyes and small files, not for the hot path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feedengine.store.arrow import source
from feedengine.store.model import ArrowStream

_BATCH = 2048


def records(stream: ArrowStream) -> Iterator[dict[str, Any]]:
    """The rows of `stream` as dicts by column name, in its order; memory stays at one batch."""
    import duckdb

    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        con.execute("SET threads = 1")
        with source(con, stream) as (view, names):
            result = con.execute(f"SELECT * FROM {view}")
            while rows := result.fetchmany(_BATCH):
                for row in rows:
                    yield dict(zip(names, row, strict=True))
