"""Rows that wait for a record whose name is written in another way than they write it: a path, or a weak name."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine import ingest
from feedengine.ledger.parked import Parked
from feedengine.settings import Settings
from feedengine.store import Store

PROFILE = """
name = "goods"
[entities.categories]
operation = "patchdeltacreate"
path = { field = "path", separator = ">", escape = "!", missing = "park" }
[entities.categories.fields]
id = { required = true }
path = { required = true, unique = true }
[entities.customers]
operation = "patchdeltacreate"
identity = ["number", "reference", "~company"]
[entities.customers.fields]
number = { type = "uuid" }
reference = {}
company = { required = true }
[entities.offers]
operation = "patchdeltacreate"
references = [
    { entity = "categories", by = { category = "path" }, missing = "park" },
    { entity = "customers", by = { customer = "company" }, missing = "park" },
]
[entities.offers.fields]
id = { required = true }
category = {}
customer = {}
"""
CATALOG = "goods/main"


@pytest.mark.feature("W25", "W30")
def test_a_record_that_is_named_in_another_way_is_the_one_that_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "goods.toml").write_text(PROFILE)
    config = tmp_path / "feedengine.toml"
    config.write_text(f'[store]\npath = "store"\n[catalogs."{CATALOG}"]\nprofile = "{tmp_path}/goods.toml"\n')
    settings, store = Settings.load(config, env={}), Store.create(tmp_path / "store")

    def send(entity: str, content: str) -> list[int]:
        path = tmp_path / f"{entity}.csv"
        path.write_text(content)
        request = ingest.FeedRequest(path, catalog=CATALOG, entity=entity)
        report = ingest.run(store, settings, request).report
        return list(report.get("released", ()))

    def waiting() -> set[str]:
        return {row.waits_value for row in Parked(store.ledger).list()[0]}

    send("offers", "id,category,customer\nO1,Home!>Away>  B!!,\nO2,,ACME  ltd\nO3,Other,\n")
    send("categories", "id,path\nC1,Home!>Away > B!! > C\n")
    assert waiting() == {"Home!>Away>  B!!", "ACME  ltd", "Other", "Home!>Away > B!!"}
    # Its sender writes it otherwise: what waits for it comes in the same moment.
    assert len(send("categories", "id,path\nC2,Home!>Away\nC3,  Home!>Away  >B!!\n")) == 2
    assert waiting() == {"ACME  ltd", "Other"}
    assert len(send("customers", "reference,company\nR1,Acme Ltd.\n")) == 1
    assert waiting() == {"Other"}
    with store.catalog("goods") as catalog:
        offers, categories = (catalog.lookup("main", entity) for entity in ("offers", "categories"))
        assert offers and categories
        assert [row["id"] for row in offers.records(["O1", "O2", "O3"])] == ["O1", "O2"]
        assert [row["id"] for row in categories.records(["C1", "C2", "C3"])] == ["C1", "C2", "C3"]
