"""The documents made from the command tree are current."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "make_cli.py"


@pytest.mark.parametrize("name", ["cli.md", "exit-codes.md"])
def test_documents_are_current(name: str) -> None:
    documents = runpy.run_path(str(SCRIPT))["DOCUMENTS"]
    path = SCRIPT.parent / name
    assert path.read_text(encoding="utf-8") == documents[path](), "run `python docs/make_cli.py`"
