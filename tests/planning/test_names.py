"""Which profile a feed is read by, and what its name and folder come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.errors import ConfigError, FeedRejected, IncompatibleProfile, ProfileError, UsageError
from feedengine.target import FeedRequest, resolve
from planning.desk import SHOP, Desk

PRODUCTS = "SKU,Name,price\n007,Tea,1.50\n8,Oil,2\n"
PRICES = "sku,price\n007,9.99\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.feature("W2", "P7")
def test_a_file_drop_is_all_it_takes(desk: Desk) -> None:
    report = desk.first("PRODUCT_20261121.csv", PRODUCTS)
    assert (report["operation"], report["profile"]["name"], report["new_snapshot"]) == ("sync", "shop", 1)
    assert desk.rows("products") == [
        {"sku": "007", "name": "Tea", "price": "1.50"},
        {"sku": "8", "name": "Oil", "price": "2"},
    ]
    # From now on the catalog itself knows its profile, and a name tells the catalog.
    assert desk.apply("PRICE_20261121.csv", PRICES, catalog=None)["catalog"] == "acme/main"
    assert desk.rows("prices") == [{"sku": "007", "price": "9.99"}]
    assert desk.sound() == []


@pytest.mark.feature("P1")
def test_the_same_file_twice_makes_one_snapshot(desk: Desk) -> None:
    desk.first("PRODUCT_20261121.csv", PRODUCTS)
    again = desk.apply("PRODUCT_20261121.csv", PRODUCTS)
    assert (again["outcome"], again["new_snapshot"]) == ("duplicate", None)
    with desk.store.catalog("acme") as catalog:
        assert [info.number for info in catalog.snapshots()] == [1]


@pytest.mark.feature("L9")
def test_a_supplier_may_enrich_and_create_or_only_enrich(desk: Desk) -> None:
    desk.first("PRODUCT_20261121.csv", PRODUCTS)
    rows = "SKU,Name,description\n007,Tea,Green\n9,Salt,White\n"
    only = desk.apply("PRODUCT_20261122.csv", rows, operation="patchdeltaignore")
    assert {name: only["entities"]["products"][name] for name in ("changed", "added", "ignored")} == {
        "changed": 1, "added": 0, "ignored": 1,
    }  # fmt: skip
    assert desk.rows("products")[0] == {"sku": "007", "name": "Tea", "description": "Green", "price": "1.50"}
    both = desk.apply("PRODUCT_20261123.csv", rows, operation="patchdeltacreate")
    assert (both["entities"]["products"]["added"], [row["sku"] for row in desk.rows("products")]) == (
        1,
        ["007", "8", "9"],
    )


@pytest.mark.feature("W7")
@pytest.mark.parametrize(
    "name, code",
    [
        ("PRODUCT_20260231.csv", "NAME_DATE"),
        ("PRODUKT_20261121.csv", "NAME_ENTITY"),
        ("PRODUCT_20261121.pdf", "NAME_EXTENSION"),
        ("SECRET_20261121.csv", "ENTITY_DISABLED"),
        ("prices/PRODUCT_20261121.csv", "WRONG_FOLDER"),
    ],
)
def test_a_wrong_name_is_refused_with_its_reason(desk: Desk, name: str, code: str) -> None:
    with pytest.raises(FeedRejected) as refused:
        desk.first(name, PRODUCTS)
    assert refused.value.code == code
    task = desk.store.ledger.list(limit=1).tasks[0]
    assert (task.status, task.outcome, (task.error or {})["code"]) == ("FAILED", "rejected_file", code)
    assert desk.store.keys() == []


@pytest.mark.feature("W5")
def test_a_disabled_entity_is_not_taken_by_option_either(desk: Desk) -> None:
    with pytest.raises(FeedRejected) as refused:
        desk.first("any.csv", "id\n1\n", entity="secrets")
    assert refused.value.code == "ENTITY_DISABLED"


@pytest.mark.feature("W8")
def test_folders_count_where_the_profile_names_them(desk: Desk) -> None:
    assert desk.first("products/PRODUCT_20261121.csv", PRODUCTS)["new_snapshot"] == 1
    assert desk.apply("elsewhere/PRICE_20261121.csv", PRICES)["new_snapshot"] == 2
    with pytest.raises(FeedRejected) as refused:
        desk.apply("PRICE_20261121.csv", PRICES, place="elsewhere/PRICE_20261121.csv")
    assert refused.value.code == "WRONG_FOLDER"


def test_an_option_says_the_entity_where_the_name_does_not(desk: Desk) -> None:
    assert desk.first("today.csv", PRODUCTS, entity="products")["operation"] == "sync"
    with pytest.raises(FeedRejected, match="a file is called"):
        desk.apply("today.csv", PRODUCTS)
    with pytest.raises(UsageError, match="there is no entity"):
        desk.apply("today.csv", PRODUCTS, entity="goods")


def test_the_settings_name_a_profile_beside_themselves(tmp_path: Path) -> None:
    desk = Desk(tmp_path, settings='[catalogs."acme/main"]\nprofile = "shop.toml"\n')
    assert desk.apply("PRODUCT_20261121.csv", PRODUCTS, catalog=None)["catalog"] == "acme/main"


def test_two_catalogs_that_may_be_meant_are_asked_for(tmp_path: Path) -> None:
    lines = [f'[catalogs."{name}"]\nprofile = "shop.toml"' for name in ("acme/main", "acme/outlet")]
    desk = Desk(tmp_path, settings="\n".join(lines))
    with pytest.raises(UsageError, match="may be for acme/main, acme/outlet"):
        desk.apply("PRODUCT_20261121.csv", PRODUCTS, catalog=None)


def test_without_a_catalog_a_profiles_name_does_not_do(desk: Desk) -> None:
    with pytest.raises(UsageError, match="do not say the catalog"):
        desk.first("PRODUCT_20261121.csv", PRODUCTS, catalog=None)


def test_a_constructor_feed_by_name_needs_no_profile(desk: Desk) -> None:
    path = desk.file("key_a1_Products_sync_2026-11-21.csv", "id,item_name\n1,Tea\n")
    target = resolve(desk.store, desk.settings, FeedRequest(path))
    assert (target.catalog, target.profile.name, target.entity) == ("key_a1/Products", "constructor", None)


@pytest.mark.parametrize("order", [("shop", "other"), ("other", "shop")])
def test_a_profile_that_lost_what_is_stored_is_refused(desk: Desk, order: tuple[str, str]) -> None:
    other = desk.root / "other.toml"
    other.write_text(SHOP.replace("entities.products", "entities.goods").replace('"shop"', '"other"'))
    files = {"shop": str(desk.profile), "other": str(other)}
    desk.apply("PRODUCT_20261121.csv", PRODUCTS, profile=files[order[0]])
    with pytest.raises(IncompatibleProfile, match="any more"):
        desk.apply("PRODUCT_20261122.csv", PRODUCTS, profile=files[order[1]])
    assert desk.sound() == []


def test_new_fields_are_taken_over(desk: Desk) -> None:
    desk.first("PRODUCT_20261121.csv", PRODUCTS)
    desk.profile.write_text(SHOP.replace("description = {}", "description = {}\norigin = {}").replace('"1"', '"2"'))
    report = desk.apply("PRODUCT_20261122.csv", "SKU,Name,price,origin\n007,Tea,1.50,IN\n8,Oil,2,IT\n")
    assert (report["profile"]["version"], report["entities"]["products"]["changed"]) == ("2", 2)
    assert desk.rows("products")[0]["origin"] == "IN"
    assert desk.sound() == []


def test_what_was_unchanged_is_read_again_by_other_rules(desk: Desk) -> None:
    desk.first("PRODUCT_20261121.csv", PRODUCTS)
    assert desk.plan("PRODUCT_20261121.csv", PRODUCTS).verdict == "no_change"
    desk.profile.write_text(SHOP.replace('column = "Name", required = true', 'column = "Name", max_length = 2'))
    report = desk.plan("PRODUCT_20261121.csv", PRODUCTS).report
    assert {entry["code"] for entry in report["problems"]["by_code"]} == {"TOO_LONG"}


def test_an_entity_has_a_name_that_the_store_does_not_need(desk: Desk) -> None:
    desk.profile.write_text(SHOP.replace("entities.prices", "entities.products_history"))
    with pytest.raises(ProfileError, match="products_history cannot be called that"):
        desk.first("PRODUCT_20261121.csv", PRODUCTS)


def test_a_profile_that_is_gone_is_asked_for(desk: Desk) -> None:
    desk.first("PRODUCT_20261121.csv", PRODUCTS)
    desk.profile.rename(desk.root / "moved.toml")
    with pytest.raises(ProfileError, match="cannot be read any more") as lost:
        desk.apply("PRICE_20261121.csv", PRICES)
    assert any("--profile" in hint.text for hint in lost.value.hints)
    assert desk.apply("PRICE_20261121.csv", PRICES, profile=str(desk.root / "moved.toml"))["new_snapshot"] == 2
    assert desk.apply("PRICE_20261122.csv", "sku,price\n8,1\n")["new_snapshot"] == 3


def test_limits_are_kept_for_any_entity(tmp_path: Path) -> None:
    desk = Desk(tmp_path, settings='[safeguard.entities]\nproducts = "10%"\nitems = "1"\n')
    desk.first("PRODUCT_20261121.csv", PRODUCTS)
    report = desk.plan("PRODUCT_20261122.csv", "SKU,Name\n007,Tea\n").report
    assert (report["verdict"], report["safeguard"]["entities"]["products"]["limit"]) == ("refused", "10%")
    desk.rules.write_text('[catalogs."acme/main".safeguard.entities]\ngoods = "1"\n')
    with pytest.raises(ConfigError, match='has a limit for "goods"; acme/main has products, prices, secrets'):
        desk.plan("PRODUCT_20261122.csv", PRODUCTS)


def test_programs_say_a_profile_too(desk: Desk) -> None:
    import pyarrow as pa

    import feedengine

    with feedengine.open(desk.root / "python", create=True, settings=desk.rules) as engine:
        path = desk.file("today.csv", PRODUCTS)
        plan = engine.plan(path, catalog="acme/main", profile=str(desk.profile), entity="products")
        assert engine.apply(plan).report["outcome"] == "ok"
        assert pa.table(engine.rows())["sku"].to_pylist() == ["007", "8"]
        assert pa.table(engine.changes(0, 1))["_change"].to_pylist() == ["added", "added"]
        assert pa.table(engine.rows(entity="prices")).num_rows == 0
