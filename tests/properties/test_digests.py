"""One catalog, one digest: whatever the format, the order, the threads or the sizes of blocks."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.rows import BLANK
from model.spec import ENTITIES
from model.write import FORMATS, csv_able, pack
from properties.strategies import Upload, uploads
from shop import Shop

SECRET = bytes(range(192))


def digests(folder: Path, files: dict[str, str], **engine: int) -> dict[str, str] | None:
    """The digests after a first load of these members; None when it is refused."""
    shop = Shop(folder, secret=SECRET, **engine)
    answer = shop.run(pack(folder / "feed.tar.gz", dict(files)), "sync", force=True)
    return shop.digests() if answer.verdict == "apply" else None


@pytest.mark.feature("C31", "U12", "P2")
@given(uploads(("sync",)), st.randoms(use_true_random=False))
def test_one_catalog_has_one_digest(upload: Upload, dice: random.Random) -> None:
    plain = {name: rows for name, (_, rows) in upload.feeds.items()}
    for rows in plain.values():
        for row in rows:
            row.cells = {name: cell for name, cell in row.cells.items() if cell.state != BLANK}
    unique = {name: list({row.cells["id"].plain: row for row in rows}.values()) for name, rows in plain.items()}
    shuffled = {}
    for name, rows in unique.items():
        shuffled[name] = dice.sample(rows, len(rows))
        for row in shuffled[name]:
            row.cells = dict(dice.sample(list(row.cells.items()), len(row.cells)))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (form, tables, engine) in enumerate(
            [
                ("jsonl", unique, {"threads": 1}),
                ("json", unique, {"threads": 2, "block": 64}),
                ("jsonl", shuffled, {"threads": 2, "block": 100}),
                ("csv", shuffled, {"threads": 2, "block": 64}),
                ("csv", unique, {"threads": 1}),
            ]
        ):
            if form == "csv" and not all(csv_able(ENTITIES[name], rows) for name, rows in tables.items()):
                continue
            files = {f"{name}.{form}": FORMATS[form](ENTITIES[name], rows) for name, rows in tables.items()}
            found.append(digests(Path(folder) / str(number), files, **engine))
    assert all(one == found[0] for one in found), found
