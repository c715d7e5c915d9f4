"""Some rows of a Parquet file as a Parquet file of the same columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from feedengine.errors import StoreError

_MEMORY = "256MB"


def parquet(source: Path, records: Iterable[int], target: Path, folder: Path, without: Iterable[str] = ()) -> int:
    """Write the rows `records` (from 1) of `source` to `target`, in their order; gives how many there are. Columns
    `without` are left out.

    What does not fit in some memory goes to `folder` meanwhile. Raises StoreError where the file cannot be read so.
    """
    import duckdb

    wanted = folder / "records.csv"
    with wanted.open("w", encoding="ascii") as out:
        out.writelines(f"{record}\n" for record in records)
    try:
        config = {
            "memory_limit": _MEMORY,
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": False,
        }
        with duckdb.connect(config=config) as con:
            con.execute("SET enable_progress_bar = false")
            con.execute(
                "CREATE TABLE wanted AS FROM read_csv(?, header = false, columns = {'record': 'BIGINT'})", [str(wanted)]
            )
            named = ["file_row_number", *without]
            left = ", ".join('"' + name.replace('"', '""') + '"' for name in named)
            # The numbers of rows are pushed into the reading; no column of a partner's is called so.
            con.execute(
                f"COPY (SELECT feed.* EXCLUDE ({left}) FROM read_parquet($source, file_row_number = true) feed"
                " WHERE feed.file_row_number + 1 IN (FROM wanted) ORDER BY feed.file_row_number)"
                " TO $target (FORMAT parquet)",
                {"source": str(source), "target": str(target)},
            )
            return int(con.execute("SELECT count(*) FROM read_parquet(?)", [str(target)]).fetchall()[0][0])
    except duckdb.Error as error:
        raise StoreError(f"rows of {source.name} cannot be copied: {error}", state="Nothing was changed.") from error


def columns(source: Path) -> list[str]:
    """The names of a Parquet file's columns. Raises StoreError where it cannot be read."""
    import duckdb

    try:
        with duckdb.connect(config={"autoinstall_known_extensions": False}) as con:
            found = con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(source)]).fetchall()
    except duckdb.Error as error:
        raise StoreError(f"{source.name} cannot be read: {error}", state="Nothing was changed.") from error
    return [str(row[0]) for row in found]
