"""Rows of JSON that might mean several records: what they add to lists is added once one is chosen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine import ingest
from feedengine.settings import Settings
from feedengine.store import Store
from service.test_shop_loop import CATALOG, PRODUCTS, Shop

ROW = {
    "sku_id": "S1",
    "reference_id": "P9",
    "name": "Better \u00bb chair",
    "description": None,
    "moq": 12,
    "media:add": ["https://x/new", "https://x/b"],
    "media:remove": ["https://x/old", "https://x/never"],
    "category_reference_ids": ["C|1", "C2"],
}


def feed(shop: Shop, form: str, *rows: dict[str, Any]) -> Path:
    path = shop.root / f"late.{form}"
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(lines if form == "jsonl" else json.dumps({"products": rows}, indent=2))
    return path


def send(shop: Shop, path: Path) -> dict[str, Any]:
    request = ingest.FeedRequest(path, catalog=CATALOG, entity="products", operation="patchdelta", actor="ann")
    return ingest.run(shop.store, shop.settings, request).report


def loaded(root: Path) -> Shop:
    root.mkdir()
    shop = Shop(root)
    shop.send("products", "sku_id,reference_id,name,description,media,category_reference_ids\n"
              "S1,P1,Chair,oak,https://x/old|https://x/b,C1\nS2,P2,Table,ash,https://x/t,C1\n")  # fmt: skip
    return shop


def twin(shop: Shop, root: Path) -> Shop:
    """Another store in the same state, of the same secret."""
    root.mkdir()
    other = Shop(root)
    shutil.rmtree(root / "store")
    shutil.copytree(shop.root / "store", root / "store")
    other.store, other.settings = Store.open(root / "store"), Settings.load(other.config, env={})
    return other


def digest(shop: Shop) -> str:
    with shop.store.catalog("wiz") as catalog:
        return catalog.base("main").entities["products"].digest


@pytest.mark.feature("W25", "P28", "P31")
@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_what_a_row_changes_in_lists_is_changed_in_the_record_that_is_chosen(tmp_path: Path, form: str) -> None:
    shop = loaded(tmp_path / "resolved")
    [product] = shop.records("products", "sku_id", "S1")
    clean = twin(shop, tmp_path / "clean")
    counts = send(shop, feed(shop, form, ROW))["entities"]["products"]
    assert (counts["changed"], counts["rejected"]) == (0, 1)
    [case] = shop.cases()
    assert case.code == "KEY_CONFLICT" and json.loads(case.sent or "") == ROW
    told = shop.run("conflicts", "resolve", str(case.id), "--record", product["system_id"])
    assert (told["entities"]["products"]["changed"], told["entities"]["products"]["rejected"]) == (1, 0)
    assert shop.cases() == [] and shop.cases("fixed")[0].closed_task == told["task"]
    [after] = shop.records("products", "sku_id", "S1")
    assert (after["media"], after["category_reference_ids"]) == (
        ["https://x/b", "https://x/new"],
        ["C|1", "C2"],
    )
    assert (after["reference_id"], after["name"], after["moq"]) == ("P9", ROW["name"], 12)
    send(clean, feed(clean, form, {**ROW, "system_id": product["system_id"]}))
    assert clean.records("products", "sku_id", "S1") == [after]
    assert digest(clean) == digest(shop)


def test_a_case_of_before_rows_were_kept_as_sent_is_to_be_sent_again(tmp_path: Path) -> None:
    """Written as columns, what it adds would be kept as an attribute of an odd name."""
    shop = loaded(tmp_path / "old")
    [product] = shop.records("products", "sku_id", "S1")
    send(shop, feed(shop, "jsonl", ROW))
    [case] = shop.cases()
    with shop.store.ledger.write() as con:
        con.execute("UPDATE cases SET sent = NULL")
    refused = command("--config", shop.config, "conflicts", "resolve", str(case.id), "--record", product["system_id"])
    assert refused.returncode == 2 and "changes lists" in refused.stderr and "send it again" in refused.stderr
    assert "Nothing was changed" in refused.stderr and shop.cases()[0].state == "open"


def test_rows_with_columns_are_settled_as_rows_with_columns(tmp_path: Path) -> None:
    shop = loaded(tmp_path / "csv")
    [product] = shop.records("products", "sku_id", "S1")
    shop.send("products", f"{PRODUCTS},S1,P9,Better chair\n")
    [case] = shop.cases()
    assert case.sent is None and case.row == {"system_id": "", "sku_id": "S1", "reference_id": "P9",
                                              "name": "Better chair"}  # fmt: skip
    shop.run("conflicts", "resolve", str(case.id), "--record", product["system_id"])
    [after] = shop.records("products", "sku_id", "S1")
    assert (after["reference_id"], after["description"], after["media"]) == ("P9", "oak", product["media"])
