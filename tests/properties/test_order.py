"""What the store's columns are called and how they are ordered does not depend on which thread was first."""

from __future__ import annotations

import json
from pathlib import Path

from model.settings import Settings
from shop import Shop

ROWS = [{"id": f"A{n}", "name": "x", "data": {"url": "u", f"m{n * 7 % 40:02}": "1"}} for n in range(40)]


def test_new_columns_stand_in_one_order(tmp_path: Path) -> None:
    shop = Shop(tmp_path, threads=2, block=64)
    feed = tmp_path / "items.jsonl"
    feed.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    for _ in range(20):
        planned = shop.plan(feed, "delta", rules=Settings())
        columns = planned.report["entities"]["items"]["new_columns"]
        assert columns == ["id", "item_name", "url", *(f"metadata:m{n:02}" for n in range(40))]


def test_a_header_gives_its_order(tmp_path: Path) -> None:
    shop = Shop(tmp_path, threads=2, block=64)
    feed = tmp_path / "items.csv"
    names = [f"metadata:m{n * 7 % 40:02}" for n in range(40)]
    feed.write_text(f"{','.join(names)},id,item_name\n" + f"{','.join('1' * 40)},A1,x\n")
    planned = shop.plan(feed, "delta", rules=Settings())
    assert planned.report["entities"]["items"]["new_columns"] == ["id", "item_name", *names]
