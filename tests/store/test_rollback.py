"""Rollback and the index beside the rows, with the real engine: digests return, and the next feed plans right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feedengine import ingest
from feedengine.errors import SnapshotNotFound, UsageError
from feedengine.settings import load
from feedengine.store import Store
from feedengine.store.catalog import Catalog
from feedengine.store.model import Options
from store.helpers import table

DAYS: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("sync", "items", [{"id": f"i{n}", "name": f"Item {n}", "data": {"price": str(n)}} for n in range(20)]),
    ("delta", "item_groups", [{"id": "g", "name": "G", "parent_ids": []}]),
    ("patchdelta", "items", [{"id": f"i{n}", "data": {"price": "9", "facets": {"Size": ["L"]}}} for n in range(5)]),
    ("sync", "items", [{"id": f"i{n}", "name": f"New {n}", "data": {"price": "3"}} for n in range(3, 25)]),
    ("delete", "items", [{"id": "i4"}]),
]


class Shop:
    """A store that is fed JSON."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store.create(root / "store")
        (root / "feedengine.toml").write_text("")
        self.settings = load(root / "feedengine.toml")
        self.fed = 0

    def feed(self, operation: str, entity: str, records: list[dict[str, Any]], section: str = "Products") -> Any:
        """Run a feed."""
        self.fed += 1
        path = self.root / f"feed-{self.fed}.json"
        path.write_text(json.dumps({entity: records}))
        request = ingest.FeedRequest(path=path, catalog=f"key_a/{section}", operation=operation, actor="test")
        return ingest.run(self.store, self.settings, request)

    def catalog(self) -> Catalog:
        """The catalog, opened anew."""
        return self.store.catalog("key_a")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    for day in DAYS:
        shop.feed(*day)
    return shop


def contents(catalog: Catalog, at: int | None = None) -> dict[str, list[dict[str, Any]]]:
    return {
        entity: sorted(table(catalog.export_rows("Products", entity, at)), key=lambda row: str(row["id"]))
        for entity in ("items", "item_groups")
    }


@pytest.mark.parametrize("to", [1, 2, 3, 4])
def test_a_rollback_equals_the_snapshot_it_goes_back_to(shop: Shop, to: int) -> None:
    with shop.catalog() as catalog:
        digests = {info.number: {n: s.digest for n, s in info.entities.items()} for info in catalog.snapshots()}
        wanted = contents(catalog, to)
        made = catalog.rollback("Products", to, task=77, actor="ann", reason="wrong prices")
        assert (made.number, made.operation, made.counts["to"]) == (6, "rollback", to)
        assert contents(catalog) == contents(catalog, 6) == wanted
        assert table(catalog.changes("Products", "items", to, 6)) == []
        items = max(number for number in digests if number <= to and "items" in digests[number])
        assert catalog.base("Products").entities["items"].digest == digests[items]["items"]
        assert catalog.check("Products")["problems"] == []
        back = catalog.rollback("Products", 5)
        assert contents(catalog) == contents(catalog, 5)
        assert catalog.rollback("Products", 5).number == back.number, "nothing left to do"
        assert catalog.check("Products")["problems"] == []


def test_after_a_rollback_the_next_feed_compares_with_it(shop: Shop) -> None:
    with shop.catalog() as catalog:
        catalog.rollback("Products", 1)
    report = shop.feed(*DAYS[3]).report["entities"]["items"]
    assert (report["before"], report["after"], report["added"], report["removed"]) == (20, 22, 5, 3)
    with shop.catalog() as catalog:
        assert contents(catalog)["items"] == contents(catalog, 4)["items"]
        assert catalog.provenance("Products", "items", "i3")["item_name"]["file"] == "feed-6.json"
        catalog.rollback("Products", 3)
        found = catalog.provenance("Products", "items", "i1")
        assert (found["item_name"]["file"], found["metadata:price"]["file"]) == ("feed-1.json", "feed-3.json")


def test_a_rollback_to_nowhere_is_refused(shop: Shop) -> None:
    with shop.catalog() as catalog:
        with pytest.raises(SnapshotNotFound):
            catalog.rollback("Products", 9)
        catalog.prune("Products", keep=2)
        with pytest.raises(SnapshotNotFound, match="available: 4-5"):
            catalog.rollback("Products", 1)
        assert catalog.check("Products")["problems"] == []


def test_shared_groups_go_back_only_when_that_is_clear(shop: Shop) -> None:
    shop.feed("delta", "item_groups", [{"id": "h", "name": "H", "parent_ids": ["g"]}], section="Content")
    with shop.catalog() as catalog:
        with pytest.raises(UsageError, match="item groups were changed by Content"):
            catalog.rollback("Products", 3)
        made = catalog.rollback("Products", 3, groups=False)
        assert list(made.entities) == ["items"]
        assert [row["id"] for row in contents(catalog)["item_groups"]] == ["g", "h"]
        catalog.rollback("Products", 3, groups=True)
        assert [row["id"] for row in contents(catalog)["item_groups"]] == ["g"]


def test_a_lost_index_is_reported_and_made_again(shop: Shop) -> None:
    with shop.catalog() as catalog:
        base = catalog.base("Products").entities["items"]
        for run in base.runs:
            (catalog.index_dir / run).unlink()
        problems = catalog.check("Products")["problems"]
        assert len(problems) == 1 and "index files are missing" in problems[0]
        catalog.rebuild_index("Products")
        assert catalog.check("Products")["problems"] == []
        again = catalog.base("Products").entities["items"]
        assert (again.digest, again.records) == (base.digest, base.records) and again.runs != base.runs
    assert shop.feed(*DAYS[4][:2], [{"id": "i5"}]).report["entities"]["items"]["removed"] == 1


def test_a_changed_row_is_noticed(shop: Shop) -> None:
    with shop.catalog() as catalog:
        with catalog.writing() as con:
            change = "UPDATE feedstore.\"Products\".items_history SET item_name = 'x' WHERE id = 'i7' AND _to IS NULL"
            con.execute(change).fetchall()
        problems = catalog.check("Products")["problems"]
        assert len(problems) == 1 and "digest" in problems[0]


@pytest.mark.feature("U16")
def test_going_back_over_many_wide_records_needs_little_memory(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for day in (1, 2):
        # Digits of large numbers: nothing that a dictionary makes small.
        data = [{f"t{n}": str(pow(day * 1000 + n, 97, 10**900 + row)) for n in range(2)} for row in range(45_000)]
        shop.feed("delta", "items", [{"id": f"A{row}", "name": "a", "data": data[row]} for row in range(45_000)])
    tight = Store.open(tmp_path / "store", Options(memory=46 << 20, threads=2))
    made = tight.catalog("key_a").rollback("Products", 1)
    assert made.counts["items"] == {"added": 0, "changed": 45_000, "removed": 0}
