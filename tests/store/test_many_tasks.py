"""A day of small tasks on a larger catalog: the index stays a short stack, its base is not written again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from shop import Shop

ITEMS = 20_000


def index(shop: Shop) -> list[str]:
    """The files of the items' index that the current snapshot names."""
    with shop.store.catalog("key_a1") as catalog:
        return list(catalog.base("Products").entities["items"].runs)


def feed(folder: Path, rows: list[str]) -> Path:
    path = folder / "feed.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.feature("C17", "C21", "C34")
def test_small_tasks_leave_the_base_of_the_index_alone(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    prices = {f"A{n}": str(n) for n in range(ITEMS)}
    header = "id,item_name,metadata:price"
    whole = [header, *(f"{id},Item,{price}" for id, price in prices.items())]
    assert shop.run(feed(tmp_path, whole), "sync").verdict == "apply"
    [base] = index(shop)
    dice = random.Random(5)
    deepest = 0
    for turn in range(40):
        chosen = dice.sample(sorted(prices), dice.choice((1, 3, 10)))
        if turn % 5 == 4:
            answer = shop.run(feed(tmp_path, ["id", *chosen]), "delete")
            for id in chosen:
                del prices[id]
        elif turn % 5 == 2:
            # Records that were deleted before come back as new ones too.
            added = {f"A{dice.randrange(ITEMS + 500)}": f"new {turn}" for _ in range(5)}
            rows = [f"{id},Item,{price}" for id, price in added.items()]
            answer = shop.run(feed(tmp_path, [header, *rows]), "delta")
            prices |= added
        else:
            changed = {id: f"{turn}.{dice.randrange(99)}" for id in chosen}
            rows = [f"{id},{price}" for id, price in changed.items()]
            answer = shop.run(feed(tmp_path, ["id,metadata:price", *rows]), "patchdelta")
            prices |= changed
        assert answer.verdict == "apply", answer.report
        assert answer.count("items", "after") == len(prices)
        deepest = max(deepest, len(index(shop)))
    assert index(shop)[0] == base
    assert 2 < deepest <= 6
    assert {row["id"]: row["metadata:price"] for row in shop.table("items")} == prices
    with shop.store.catalog("key_a1") as catalog:
        digest = catalog.base("Products").entities["items"].digest
        catalog.rebuild_index("Products")
        assert catalog.base("Products").entities["items"].digest == digest
    # Only what changed since is seen as changed by a full feed: the overlays said the same as the store.
    rows = [f"{id},Item,{price}" for id, price in prices.items()]
    assert shop.run(feed(tmp_path, [header, *rows]), "sync").verdict == "no_change"


def test_the_index_over_overlays_says_what_the_store_says(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    names = {f"A{n}": "Item" for n in range(ITEMS)}
    assert (
        shop.run(feed(tmp_path, ["id,item_name", *(f"{i},{n}" for i, n in names.items())]), "sync").verdict == "apply"
    )
    for turn in range(12):
        names[f"A{turn}"] = f"Item of turn {turn}"
        names[f"A{turn // 2}"] = f"Item of turn {turn} again"
        rows = [f"{id},{names[id]}" for id in {f"A{turn}", f"A{turn // 2}"}]
        assert shop.run(feed(tmp_path, ["id,item_name", *rows]), "delta").verdict == "apply"
    assert len(index(shop)) > 1
    rows = [f"{id},{name}" for id, name in names.items()]
    # Through the stack of overlays, not through an index made anew.
    assert shop.run(feed(tmp_path, ["id,item_name", *rows]), "sync").verdict == "no_change"
    rows[0] = "A0,changed"
    answer = shop.run(feed(tmp_path, ["id,item_name", *rows]), "sync")
    assert (answer.count("items", "changed"), answer.count("items", "unchanged")) == (1, ITEMS - 1)
