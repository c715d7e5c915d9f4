"""WizCommerce's text where records go out: no system ids at first, exports by UUID, updates, out and back in."""

from __future__ import annotations

import csv
import uuid
from pathlib import Path
from typing import Any

import pytest

from exports.shop import unexpected
from feedengine.accounts import Accounts
from feedengine.service import one_record
from feedengine.service.outgoing import outgoing
from feedengine.service.sending import Sender
from feedengine.service.targets import target_of
from service.place import Place

SETTINGS = """
[catalogs."acme/main"]
profile = "wizcommerce"
[exports.orders]
catalog = "acme/main"
account = "shop@example.com"
[exports.customers]
catalog = "acme/main"
account = "shop@example.com"
"""
CUSTOMERS = "Reference ID,Company Name\nC-1,Nordic Interiors\nC-2,Oak & Sons\n"
ORDERS = "Order ID,Reference ID,Customer Reference ID,Status\nSO-1,PO-1,C-1,{}\nSO-2,PO-2,C-2,draft\n"
ITEMS = "Item ID,Order ID,SKU_ID,Quantity\nPO-1-1,SO-1,A,2\nPO-1-2,SO-1,B,1\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path, SETTINGS, ("acme",))
    Accounts(made.store.root).add("shop@example.com", given="Long enough 1", home="shop", keys=("acme",))
    return made


def land(place: Place, path: str, content: str) -> Any:
    folder, _, name = path.rpartition("/")
    number = place.land(name, content, folder)
    place.work()
    return place.task(number)


def send(place: Place) -> None:
    for target in {out.target for out in outgoing(place.store, place.settings, unexpected)}:
        Sender(place.store, target_of(place.settings, target), place.diary).drain()


def exported(place: Place, kind: str) -> dict[str, list[dict[str, str]]]:
    """Rows of every exported file of a kind, by the UUID in its name, which is its folder's."""
    found = {}
    for path in (place.home / "export" / "WizCommerce Export").rglob(f"{kind}_*.csv"):
        record = path.stem.removeprefix(f"{kind}_")
        assert path.parent.name.endswith("_" + record) and uuid.UUID(record).version == 4
        with path.open(newline="", encoding="utf-8") as file:
            found[record] = list(csv.DictReader(file))
    return found


@pytest.mark.feature("W3", "W4", "W15", "W16", "W18", "W32", "W33", "W40")
def test_customers_and_orders_go_out_once_and_come_back(place: Place) -> None:
    task = land(place, "/in/customers/CUSTOMER_21_11_2026.csv", CUSTOMERS)
    assert task.outcome == "ok", (task.error, task.report)
    send(place)
    customers = exported(place, "customer_data")
    assert sorted(rows[0]["Reference ID"] for rows in customers.values()) == ["C-1", "C-2"]
    assert all(rows[0]["System ID"] == record for record, rows in customers.items())

    assert land(place, "/in/orders/ORDER_21_11_2026.csv", ORDERS.format("draft")).outcome == "ok"
    land(place, "/in/order_items/ORDER_ITEM_21_11_2026.csv", ITEMS)
    send(place)
    assert exported(place, "order_data") == {}, "a draft never goes"
    confirmed = land(place, "/in/orders/ORDER_22_11_2026.csv", ORDERS.format("confirmed"))
    assert confirmed.outcome == "ok"
    send(place)
    [(order, [data])] = exported(place, "order_data").items()
    assert (data["Order ID"], data["Status"], data["System_ID"]) == ("SO-1", "confirmed", order)
    assert [row["SKU_ID"] for row in exported(place, "order_items")[order]] == ["A", "B"]
    land(place, "/in/orders/ORDER_23_11_2026.csv", ORDERS.format("confirmed"))
    send(place)
    assert list(exported(place, "order_data")) == [order], "and a second time neither"

    # What came out goes in again: nothing is new, nothing goes out.
    [path] = (place.home / "export").rglob("order_data_*.csv")
    again = land(place, "/in/orders/ORDER_24_11_2026.csv", path.read_text(encoding="utf-8"))
    assert again.outcome == "no_change", (again.outcome, again.report["problems"])
    changed = f"System ID,Reference ID,Company Name\n{next(iter(customers))},C-9,Renamed\n"
    assert land(place, "/in/customers/CUSTOMER_25_11_2026.csv", changed).outcome == "ok"
    send(place)
    assert exported(place, "customer_data") == customers, "a customer goes when it is created"


@pytest.mark.feature("W3", "W15", "W32", "W33")
def test_a_record_by_hand_gets_its_system_id_and_is_found_by_its_reference(place: Place) -> None:
    def put(entity: str, **values: str) -> one_record.Put:
        return one_record.put(place.store, place.settings, "acme/main", entity, values, actor="ann")

    made = put("customers", reference_id="C-7", company_name="Birch Ltd")
    assert made.change == "added" and made.key is not None and uuid.UUID(made.key).version == 4
    again = put("customers", reference_id="C-7", phone="123")
    assert (again.change, again.key) == ("changed", made.key)
    order = put("orders", order_id="SO-7", customer_reference_id="C-7", status="confirmed")
    with place.store.catalog("acme") as catalog:
        [found] = one_record.get(catalog, "main", "orders", [("order_id", "SO-7")])
    assert found["system_id"] == order.key and found["customer_reference_id"] == "C-7"
