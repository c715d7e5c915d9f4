"""The model's reader against its writer: what a test writes is what the model reads, in every format."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given

from model.read import read
from model.rows import BLANK, Cell, Row
from model.write import write
from properties.strategies import Upload, uploads


def _said(row: Row) -> tuple[object, ...]:
    cells = {name: cell for name, cell in row.cells.items() if cell.state != BLANK}
    return cells, row.add, row.remove


@given(uploads())
def test_rows_survive_being_written_and_read(upload: Upload) -> None:
    with tempfile.TemporaryDirectory() as folder:
        feed = read(write(Path(folder) / "feed.tar.gz", upload.feeds))
    for name, (_, rows) in upload.feeds.items():
        found = feed.sections[name].rows
        assert [_said(row) for row in found] == [_said(row) for row in rows]
        assert all(isinstance(cell, Cell) for row in found for cell in row.cells.values())
