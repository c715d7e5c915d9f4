"""DuckDB SQL, file against file; what differs is written as CSV. Arguments: OLD NEW OUT hashes|columns.

`hashes` compares one hash a record and writes the new values; `columns` compares every column and writes both.
"""

from __future__ import annotations

import json
import sys

import duckdb

READ = "read_csv({}, header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"


def main(old: str, new: str, out: str, how: str) -> None:
    """Compare, write, print the counts."""
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET preserve_insertion_order = false")
    a, b = READ.format(f"'{old}'"), READ.format(f"'{new}'")
    columns = [f'"{column[0]}"' for column in connection.execute(f"SELECT * FROM {a} LIMIT 0").description]
    kind = "CASE WHEN o.oid IS NULL THEN 'added' WHEN n.id IS NULL THEN 'removed' ELSE 'changed' END AS _change"
    # Both sides are files of unknown size: for hashes keep the thin side on the right, where the hash table is built.
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    if how == "hashes":
        row_hash = f"hash({', '.join(columns)})"
        query = (
            f"SELECT {kind}, o.oid, n.* EXCLUDE (h) FROM (SELECT *, {row_hash} AS h FROM {b}) n"
            f" FULL JOIN (SELECT id AS oid, {row_hash} AS h FROM {a}) o ON n.id = o.oid"
            " WHERE n.h IS DISTINCT FROM o.h"
        )
    else:
        renamed = ", ".join(f'{column} AS "before:{column[1:]}' for column in columns[1:])
        differs = " OR ".join(f'n.{column} IS DISTINCT FROM o."before:{column[1:]}' for column in columns[1:])
        query = (
            f"SELECT {kind}, o.*, n.* FROM {b} n FULL JOIN (SELECT id AS oid, {renamed} FROM {a}) o ON n.id = o.oid"
            f" WHERE n.id IS NULL OR o.oid IS NULL OR {differs}"
        )
    connection.execute(f"CREATE TEMP TABLE delta AS {query}")
    connection.execute(f"COPY delta TO '{out}' (FORMAT csv)")
    counts = dict(connection.execute("SELECT _change, count(*) FROM delta GROUP BY 1").fetchall())
    print(json.dumps({name: counts.get(name, 0) for name in ("added", "changed", "removed")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
