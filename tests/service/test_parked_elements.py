"""Rows of JSON that waited say afterwards what they said when they were sent: no cell can say `:add`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feedengine import ingest
from feedengine.ledger.parked import Parked
from feedengine.settings import Settings
from feedengine.store import Store

PROFILE = """
name = "goods"
[entities.products]
operation = "patchdeltacreate"
[entities.products.fields]
id = { required = true }
[entities.offers]
operation = "patchdelta"
references = [{ entity = "products", by = { product = "id" }, missing = "park", code = "UNKNOWN_SKU" }]
[entities.offers.fields]
id = { required = true }
product = {}
tags = { type = "list" }
count = { type = "integer" }
"""
CATALOG = "goods/main"


class Goods:
    def __init__(self, root: Path) -> None:
        self.root, self.sent = root, 0
        (root / "goods.toml").write_text(PROFILE)
        config = root / "feedengine.toml"
        config.write_text(f'[store]\npath = "store"\n[catalogs."{CATALOG}"]\nprofile = "{root}/goods.toml"\n')
        self.settings, self.store = Settings.load(config, env={}), Store.create(root / "store")

    def send(self, entity: str, name: str, content: str, operation: str | None = None) -> dict[str, Any]:
        self.sent += 1
        path = self.root / f"{self.sent}-{name}"
        path.write_text(content)
        request = ingest.FeedRequest(path, catalog=CATALOG, entity=entity, operation=operation, actor="ann")
        return ingest.run(self.store, self.settings, request).report

    def offers(self) -> dict[str, tuple[Any, ...]]:
        with self.store.catalog("goods") as catalog:
            lookup = catalog.lookup("main", "offers")
            assert lookup is not None
            rows = lookup.records(["A", "B", "C"])
        return {row["id"]: (row.get("product"), row.get("tags"), row.get("count")) for row in rows}


ROWS = [
    {"id": "A", "product": "P2", "tags:add": ["new", "x|y"], "tags:remove": ["old"]},
    {"id": "B", "product": "P2", "tags": ["whole"], "count": 7},
    {"id": "C", "product": "P1", "tags:add": ["more"]},
]


@pytest.mark.feature("W25", "W44")
@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_lists_that_are_added_to_are_added_to_when_a_row_has_waited(tmp_path: Path, form: str) -> None:
    goods = Goods(tmp_path)
    goods.send("products", "p.csv", "id\nP1\n")
    goods.send("offers", "o.csv", "id,product,tags\nA,P1,old|kept\nB,P1,old\nC,P1,old\n", "sync")
    # Laid out over several lines, as documents are.
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    content = lines if form == "jsonl" else json.dumps({"offers": ROWS}, indent=2)
    counts = goods.send("offers", f"o.{form}", content)["entities"]["offers"]
    assert (counts["changed"], counts["parked"], counts["rejected"]) == (1, 2, 0)
    waiting, _ = Parked(goods.store.ledger).list()
    assert [json.loads(row.sent or "") for row in waiting] == ROWS[:2]
    # Beside rows of another form for the same record.
    goods.send("offers", "late.csv", "id,product\nC,P2\n")
    released = goods.send("products", "p.csv", "id\nP2\n")["released"]
    assert [goods.store.ledger.get(task).outcome for task in released] == ["ok", "ok"]
    assert goods.offers() == {
        "A": ("P2", ["kept", "new", "x|y"], None),
        "B": ("P2", ["whole"], 7),
        "C": ("P2", ["old", "more"], None),
    }
