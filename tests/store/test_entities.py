"""Entities of any profile: kept in the key's file, read without the profile, taken over when what is stored fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from feedengine.errors import IncompatibleProfile, UsageError
from feedengine.store import Column, SnapshotMeta, Store
from feedengine.store.catalog import Catalog
from store.declared import BRANDS, OFFERS, PRODUCTS, declared, entity, profile
from store.helpers import new_catalog, state, stream, table


def put(catalog: Catalog, section: str, name: str, *rows: dict[str, Any], first: int = 1, close: int = 0) -> int:
    """Write whole records from row number `first` on; `close` ends that row. Gives the snapshot's number."""
    with catalog.commit(section, catalog.base(section)) as commit:
        fields = {each["name"]: each["kind"] for each in catalog.entities.spec(name)["fields"]}
        named = dict.fromkeys(column for row in rows for column in row)
        commit.add_columns(name, [Column(column, fields[column]) for column in named])
        if close:
            commit.close(name, stream([{"_row": close, "_reason": 0 if rows else 1}]))
        full = [{"_row": first + at, "_record": at, **row} for at, row in enumerate(rows)]
        if full:
            commit.insert(name, stream(full))
        records = commit.base.entities[name].records + len(rows) - bool(close)
        return commit.finish(
            SnapshotMeta("delta", {name: state(records, first + len(rows), f"d{commit.number}")})
        ).number


def open_shop(root: Path, *specs: dict[str, Any], version: str = "1") -> Catalog:
    return Store.create(root).catalog("key_a1", create=True, profile=profile(*specs, version=version))


@pytest.fixture
def shop(tmp_path: Path) -> Catalog:
    return open_shop(tmp_path)


@pytest.mark.feature("W2")
def test_the_file_says_which_entities_it_has(shop: Catalog, tmp_path: Path) -> None:
    assert list(shop.base("Main").entities) == ["products", "offers", "brands"]
    put(shop, "Main", "products", {"sku": "007", "title": "Tea"})
    shop.close()
    again = Store.open(tmp_path).catalog("key_a1")
    assert (again.entities.profile, again.entities.names) == ("shop", ("products", "offers", "brands"))
    assert again.entities == profile()
    assert table(again.export_rows("Main", "products")) == [{"sku": "007", "title": "Tea"}]


@pytest.mark.feature("W2")
def test_each_question_is_answered_by_the_entitys_own_key(shop: Catalog, tmp_path: Path) -> None:
    put(
        shop,
        "Main",
        "products",
        {"sku": "007", "title": "Tea", "brand": "B"},
        {"sku": "8", "title": "Oil", "brand": "B"},
    )
    put(shop, "Main", "products", {"sku": "007", "title": "Green tea", "brand": "B"}, first=3, close=1)
    change = table(shop.changes("Main", "products", 1, 2))
    assert [(row["_change"], row["sku"], row["fields"]) for row in change] == [("changed", "007", ["title"])]
    assert [event["change"] for event in shop.trace("Main", "products", "007")] == ["added", "changed"]
    assert shop.provenance("Main", "products", "007")["title"]["snapshot"] == 2
    assert table(shop.sql("SELECT sku FROM products ORDER BY sku", "Main")) == [{"sku": "007"}, {"sku": "8"}]
    out = tmp_path / "out.csv"
    assert shop.write_text("Main", "products", None, "csv", out) == (b"sku,title,brand\n", 2)
    assert out.read_text() == "007,Green tea,B\n8,Oil,B\n"
    shop.write_text("Main", "products", 1, "jsonl", out)
    assert [json.loads(line) for line in out.read_text().splitlines()] == [
        {"sku": "007", "title": "Tea", "brand": "B"},
        {"sku": "8", "title": "Oil", "brand": "B"},
    ]


def test_a_difference_speaks_of_the_entitys_own_key_and_owner(shop: Catalog, tmp_path: Path) -> None:
    put(shop, "Main", "products", {"sku": "1", "title": "Tea"})
    put(shop, "Main", "offers", {"offer": "o1", "of": "1"})
    put(shop, "Main", "products", close=1, first=2)
    with shop.difference("Main", 2, 3) as difference:
        assert (difference.sizes("products").removed, difference.orphans(every=True)) == (1, (1, "o1"))
        assert [piece.records for piece in difference.pieces("products", "delete")] == [1]
        difference.write("products", "delete", 1, tmp_path / "gone")
    assert json.loads((tmp_path / "gone").read_text()) == {"sku": "1"}


def test_what_is_shared_is_the_profiles_choice(shop: Catalog) -> None:
    put(shop, "Main", "brands", {"brand": "B", "country": "IT"})
    put(shop, "Other", "products", {"sku": "1", "title": "Tea"})
    assert table(shop.export_rows("Other", "brands")) == [{"brand": "B", "country": "IT"}]
    with pytest.raises(UsageError, match='no entity "items"; profile shop has products, offers, brands'):
        shop.export_rows("Other", "items")


def test_a_key_without_a_profile_is_constructors_and_its_file_is_as_ever(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    with catalog.commit("Products", catalog.base("Products")) as commit:
        commit.insert("items", stream([{"_row": 1, "id": "A"}]))
        commit.finish(SnapshotMeta("sync", {"items": state(1, 2)}))
    assert catalog.entities.names == ("items", "variations", "item_groups")
    catalog.close()
    with duckdb.connect(str(catalog.path()), read_only=True) as con:
        found = con.execute("SELECT max(version) FROM feedengine.format").fetchall()
        tables = con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'profile'").fetchall()
    assert (found, tables) == ([(1,)], [(0,)])


def test_new_fields_and_entities_are_taken_over_by_the_next_commit(shop: Catalog, tmp_path: Path) -> None:
    put(shop, "Main", "products", {"sku": "1", "title": "Tea"})
    shop.close()
    grown = {**PRODUCTS, "fields": [*PRODUCTS["fields"], declared("origin")]}
    vendors = entity("vendors", declared("vendor"))
    newer = open_shop(tmp_path, grown, OFFERS, BRANDS, vendors, version="2")
    assert "vendors" in newer.base("Main").entities
    assert newer.stored_profile == profile()  # Looking changes nothing.
    put(newer, "Main", "products", {"sku": "2", "title": "Oil", "origin": "IT"}, first=2)
    assert newer.stored_profile == profile(grown, OFFERS, BRANDS, vendors, version="2")
    newer.close()
    assert table(Store.open(tmp_path).catalog("key_a1").export_rows("Main", "products", 1)) == [
        {"sku": "1", "title": "Tea"}
    ]


GONE_FIELD = {**PRODUCTS, "fields": [each for each in PRODUCTS["fields"] if each["name"] != "title"]}
OTHER_KEY = {**PRODUCTS, "fields": [PRODUCTS["fields"][1], PRODUCTS["fields"][0], *PRODUCTS["fields"][2:]]}
OTHER_KIND = {**PRODUCTS, "fields": [PRODUCTS["fields"][0], declared("title", "integer"), *PRODUCTS["fields"][2:]]}


@pytest.mark.parametrize(
    "specs, said",
    [
        ((OFFERS, BRANDS), "there are no products any more"),
        ((GONE_FIELD, OFFERS, BRANDS), "products have no title any more"),
        ((OTHER_KEY, OFFERS, BRANDS), "the key of products is title and was sku"),
        ((OTHER_KIND, OFFERS, BRANDS), "products.title: kind is integer and was text"),
        (({**PRODUCTS, "shared": True}, OFFERS, BRANDS), "products: shared is true and was false"),
    ],
    ids=["entity gone", "field gone", "other key", "other kind", "shared now"],
)
def test_a_profile_that_does_not_fit_what_is_stored_is_refused(
    shop: Catalog, tmp_path: Path, specs: tuple[dict[str, Any], ...], said: str
) -> None:
    put(shop, "Main", "products", {"sku": "1", "title": "Tea"})
    base = shop.base("Main")
    shop.close()
    other = open_shop(tmp_path, *specs, version="2")
    with pytest.raises(IncompatibleProfile, match=said):
        other.base("Main")
    with pytest.raises(IncompatibleProfile, match=said), other.commit("Main", base):
        pass
    other.close()
    again = Store.open(tmp_path).catalog("key_a1")
    assert (again.stored_profile, len(again.snapshots())) == (profile(), 1)


def test_what_was_never_stored_may_go(shop: Catalog, tmp_path: Path) -> None:
    put(shop, "Main", "products", {"sku": "1", "title": "Tea"})
    shop.close()
    assert list(open_shop(tmp_path, PRODUCTS, version="2").base("Main").entities) == ["products"]
