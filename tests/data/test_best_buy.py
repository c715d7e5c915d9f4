"""Best Buy's categories load as a group tree and its products as items."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.best_buy import groups, items
from model.write import pack
from shop import Shop


@pytest.mark.feature("C31", "C32", "C39")
def test_categories_and_products_load(shared_data: Path, tmp_path: Path) -> None:
    tree = groups(shared_data)
    products = items(shared_data, tree)
    files: dict[str, bytes | str] = {
        "item_groups.json": json.dumps({"item_groups": tree}),
        "items.jsonl": "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in products),
    }
    shop = Shop(tmp_path)
    answer = shop.run(pack(tmp_path / "feed.tar.gz", files), "sync")
    assert answer.verdict == "apply", answer.report["problems"]
    stored = {row["id"]: row for row in shop.table("item_groups")}
    assert stored == {one["id"]: one for one in tree}
    # the last product of an id wins
    last = {one["id"]: one for one in products}
    found = {row["id"]: row for row in shop.table("items")}
    assert found.keys() == last.keys()
    for key, one in last.items():
        data = one["data"]
        assert found[key] == {
            "id": key,
            "item_name": one["name"],
            "image_url": data["image_url"],
            "description": data["description"],
            "group_ids": data["group_ids"],
            "facet:Brand": data["facets"]["Brand"],
            "metadata:json:price": json.dumps(data["price"]),
            "metadata:json:popularity": json.dumps(data["popularity"]),
        }
    again = shop.run(tmp_path / "feed.tar.gz", "sync")
    assert again.verdict == "no_change"
