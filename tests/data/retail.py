"""305 days of a shop's sales: the last row of a product on a day is its price feed of that day."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

Prices = dict[str, tuple[str, str]]  # StockCode -> (Description, UnitPrice)


def days(folder: Path) -> Iterator[tuple[str, Prices]]:
    """Each day's name and its last (description, price) of each product."""
    with tarfile.open(folder / "online-retail-by-day.tar.gz") as archive:
        for member in archive:
            handle = archive.extractfile(member)
            if handle is None:
                continue
            rows = csv.DictReader(io.TextIOWrapper(handle, "utf-8", newline=""))
            last: Prices = {}
            for row in rows:
                if row["StockCode"]:
                    last[row["StockCode"]] = (row["Description"], row["UnitPrice"])
            yield Path(member.name).stem, last


def named(description: str) -> bool:
    """Whether a description can name a product."""
    return any(letter.isalnum() for letter in description)
