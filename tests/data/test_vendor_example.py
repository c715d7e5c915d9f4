"""The vendor's own example loads as published."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compare import same_answer, same_state
from model.apply import apply
from model.read import read
from model.state import State
from shop import Shop


@pytest.mark.feature("C28", "C29", "C30", "C39")
def test_the_archive_loads_as_published(shared_data: Path, tmp_path: Path) -> None:
    feed = tmp_path / "key_a1_Products_sync_2020-02-10-16-18-00.tar.gz"
    shutil.copy(shared_data / "constructor-example" / "catalog.tar.gz", feed)
    shop = Shop(tmp_path)
    answer = shop.run(feed, "sync")
    assert answer.verdict == "apply"
    assert {entity: answer.count(entity, "after") for entity in ("items", "variations", "item_groups")} == {
        "items": 11,
        "variations": 2,
        "item_groups": 9,
    }
    outcome = apply(State(), "Products", read(feed), "sync")
    same_answer(answer, outcome)
    same_state(shop, outcome)
    found = {row["id"]: row for row in shop.table("items")}
    assert found["10008"] == {
        "id": "10008",
        "item_name": "Item8",
        "url": "https://test.com/p/10008",
        "group_ids": ["StyleA", "BrandA"],
        "facet:Color": ["blue"],
        "facet:Brand": ["XYZ"],
        "metadata:testField": "hiddenFieldValue",
    }
    assert set(found["luistrenker-jacket-K245511299-cream"]) == {"id", "item_name", "url"}
    parents = {row["id"]: row.get("parent_ids", []) for row in shop.table("item_groups")}
    assert parents["BrandXY"] == ["BrandX"]
    assert parents["All"] == []


@pytest.mark.feature("C14", "C30")
def test_the_loose_files_make_the_same_catalog(shared_data: Path, tmp_path: Path) -> None:
    shop, whole = Shop(tmp_path / "loose"), Shop(tmp_path / "whole")
    for name in ("item_groups", "items", "variations"):
        assert shop.run(shared_data / "constructor-example" / f"{name}.csv", "sync").verdict == "apply"
    whole.run(shared_data / "constructor-example" / "catalog.tar.gz", "sync")
    assert shop.tables() == whole.tables()
    answer = shop.run(shared_data / "constructor-example" / "catalog.tar.gz", "sync")
    assert answer.verdict == "no_change"
