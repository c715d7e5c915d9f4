"""Files of a profile that come through the service: read by folder and name, applied, in Constructor's shape too."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine import ingest
from feedengine.errors import SafeguardRefused
from feedengine.service.constructor import constructor_json
from planning.desk import SHOP, Desk
from service.place import Place

PRODUCTS = "SKU,Name,price\n007,Tea,1.50\n8,Oil,2\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "shop.toml").write_text(SHOP)
    return Place(tmp_path / "place", f'[catalogs."acme/main"]\nprofile = "{tmp_path / "shop.toml"}"\n', ("acme",))


@pytest.mark.feature("W2", "W8")
def test_a_file_of_an_entity_becomes_a_snapshot(place: Place) -> None:
    products = place.land("PRODUCT_20261121.csv", PRODUCTS, "/in/products")
    prices = place.land("PRICE_20261121.csv", "sku,price\n007,9.99\n", "/in/prices")
    place.work()
    for number, entity, rows in ((products, "products", 2), (prices, "prices", 1)):
        task = place.task(number)
        assert (task.status, task.outcome, task.entity) == ("DONE", "ok", entity)
        assert (task.report or {})["entities"][entity]["added"] == rows
    document = constructor_json(place.task(prices))
    section = document["result"]["changelog"]["sections"]["main"]
    assert (section["prices_updated"], section["items_updated"]) == (1, 0)


def test_a_refused_file_of_the_queue_is_approved(place: Place) -> None:
    place.land("PRODUCT_20261121.csv", PRODUCTS, "/in/products")
    place.work()
    refused = place.land("PRODUCT_20261122.csv", "SKU,Name\n9,Salt\n", "/in/products")
    place.work()
    assert (place.task(refused).outcome, place.task(refused).entity) == ("refused", "products")
    result = ingest.approve(place.store, place.settings, int(refused or 0), remove=2, reason="another shop")
    counts = result.report["entities"]["products"]
    assert (result.report["outcome"], counts["removed"], counts["added"]) == ("ok", 2, 1)


def test_a_refused_file_is_approved_by_what_the_task_knows(tmp_path: Path) -> None:
    desk = Desk(tmp_path, settings='[safeguard.entities]\nproducts = "10%"\n')
    desk.first("PRODUCT_20261121.csv", PRODUCTS)
    with pytest.raises(SafeguardRefused):
        desk.apply("PRODUCT_20261122.csv", "SKU,Name,price\n007,Tea,1.50\n")
    result = ingest.approve(desk.store, desk.settings, 2, remove=1, reason="sold out")
    assert (result.report["outcome"], [row["sku"] for row in desk.rows("products")]) == ("ok", ["007"])
