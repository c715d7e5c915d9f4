"""docs/profiles.md is made from the keys; its examples are right; what is keyed is what is kept."""

from __future__ import annotations

import dataclasses
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from feedengine import names, profile
from feedengine.profile import keys
from feedengine.profile.keys.key import OPERATIONS

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS = [(title, key) for title, rows in keys.TABLES for key in rows]


def test_the_document_is_current() -> None:
    (path, make), *_ = runpy.run_path(str(DOCS / "make_profiles.py"))["DOCUMENTS"].items()
    assert path.read_text(encoding="utf-8") == make(), "run `python docs/make_profiles.py`"


@pytest.mark.parametrize(("title", "key"), ROWS, ids=[f"{title}-{key.name}" for title, key in ROWS])
def test_every_key_is_explained_by_an_example_that_it_takes(title: str, key: keys.Key) -> None:
    assert key.about and key.shows
    if key.example:
        raw = tomllib.loads(f"x = {key.example}", parse_float=str)["x"]
        assert key.kind(raw) is not None
    elif " | " not in key.shows:
        # What is a table of its own has its example in that table's rows.
        assert key.shows in ("table", "tables"), f"{title}: {key.name} has no example"


def test_every_key_of_a_field_is_kept() -> None:
    kept = {each.name for each in dataclasses.fields(profile.Field)}
    assert {key.name for key in keys.FIELD} - {"repeat", "fields"} == kept - {"name"}
    for key in keys.FIELD:
        if key.name in kept:
            assert getattr(profile.Field("x"), key.name) == key.default, key.name


def test_operations_are_those_of_names() -> None:
    assert OPERATIONS == names.OPERATIONS


def test_profiles_in_the_document_are_right(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (DOCS / "profiles.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        assert profile.loads(block).entities


def test_the_example_has_forty_lines_at_most() -> None:
    assert len((DOCS / "examples" / "nordlicht.toml").read_text(encoding="utf-8").splitlines()) <= 40
