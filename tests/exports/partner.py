"""A partner with orders of its own: a profile, settings with an export into its account, and the whole way by hand."""

from __future__ import annotations

from pathlib import Path

from exports.shop import order_id
from feedengine.accounts import Accounts
from service.place import Place

PROFILE = """
name = "trade"
[naming]
form = "{entity}_{date:DD_MM_YYYY}[_{seq}].{ext}"
[entities.orders]
file = "ORDER"
folder = "orders"
operation = "patchdeltacreate"
[entities.orders.fields]
system_id = { type = "uuid", column = "System_ID" }
reference = { column = "Reference ID" }
status = { type = "enum", column = "Status", words = ["draft", "confirmed", "shipped"] }
total = { type = "decimal", column = "Total" }
[entities.order_items]
file = "ORDER_ITEM"
folder = "order_items"
operation = "patchdeltacreate"
references = [{ entity = "orders", by = { order = "system_id", order_reference = "reference" }, missing = "warn" }]
[entities.order_items.fields]
item_id = { column = "Item ID" }
order = { column = "Order" }
order_reference = { column = "Order Reference" }
sku = { column = "SKU" }
[exports.orders]
entity = "orders"
when = { status = ["confirmed"] }
folder = "WizCommerce Export/Orders/order_{uuid}"
files = [
    { name = "order_data_{uuid}.csv" },
    { name = "order_items_{uuid}.csv", entity = "order_items", wait = true, columns = ["item_id", "sku"] },
]
"""
SETTINGS = """
[catalogs."acme/main"]
profile = "trade.toml"
[exports.orders]
catalog = "acme/main"
account = "shop@example.com"
"""


def partner(folder: Path, rules: str = SETTINGS) -> Place:
    """A store with the profile, the settings and an account that may send for the key."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trade.toml").write_text(PROFILE)
    place = Place(folder, rules, ("acme",))
    Accounts(place.store.root).add("shop@example.com", given="Long enough 1", home="shop", keys=("acme",))
    return place


def orders(*rows: tuple[int, str]) -> str:
    """A file of orders: number and status."""
    return "System_ID,Reference ID,Status\n" + "".join(f"{order_id(n)},R{n},{status}\n" for n, status in rows)


def items(*rows: tuple[int, int]) -> str:
    """A file of order items: order, line; every second one names the order by its reference."""
    lines = [f"{n}-{line},{order_id(n)},,SKU{line}" if line % 2 else f"{n}-{line},,R{n},SKU{line}" for n, line in rows]
    return "Item ID,Order,Order Reference,SKU\n" + "".join(f"{line}\n" for line in lines)
