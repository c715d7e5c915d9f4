"""DuckDB's own first load: CREATE TABLE AS SELECT from read_csv into a file. Arguments: DATABASE FEED."""

from __future__ import annotations

import json
import sys

import duckdb


def main(database: str, feed: str) -> None:
    """Load, print the rows."""
    connection = duckdb.connect(database)
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(
        "CREATE TABLE items AS SELECT * FROM"
        " read_csv(?, header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')",
        [feed],
    )
    row = connection.execute("SELECT count(*) FROM items").fetchone()
    connection.close()
    print(json.dumps({"added": row[0] if row else 0, "changed": 0, "removed": 0}))


if __name__ == "__main__":
    main(*sys.argv[1:])
