"""The profiles that ship with the engine: Constructor's is the engine's own declaration to the byte."""

from __future__ import annotations

import json

import pytest

from feedengine import _engine, names, profile
from feedengine.profile import parse_name


def test_constructor_is_byte_for_byte_what_the_engine_declares() -> None:
    """Fingerprints of stored catalogs come from this text."""
    compiled = json.dumps(profile.load("constructor").engine_entities(), separators=(",", ":"))
    assert compiled == _engine.constructor_entities()


def test_constructor_names_are_read_as_ever() -> None:
    made = profile.load("constructor")
    for name in ("key_abc_Products_sync_2026-11-21.csv", "shop_main_forcedelta_1.tar.gz", "wrong.csv", ""):
        assert parse_name(made, f"sftp/{name}", ["shop"]) == names.parse(name, ["shop"])
    assert made.settings() == {}


@pytest.mark.parametrize("name", profile.BUILTIN)
def test_what_is_compiled_is_what_the_engine_can_read(name: str) -> None:
    """The extension reads a request strictly: an unknown key or a wrong type is an error."""
    entities = profile.load(name).engine_entities()
    request = {"operation": "sync", "entities": list(entities), "base": {}}
    _engine.Planner(json.dumps(request), bytes(192))


@pytest.mark.feature("W2", "W20", "W24", "W26", "W29", "W30", "W31", "W32")
def test_wizcommerce_has_the_eight_entities_and_the_lines_of_orders() -> None:
    made = profile.load("wizcommerce")
    eight = {"products", "inventory", "customers", "addresses", "contacts", "categories", "collections", "orders"}
    assert {each.name for each in made.entities} == eight | {"order_items"}
    assert [each.name for each in made.entities if not each.spec.get("identity")] == ["inventory", "order_items"]
    assert made.entity("customers").identity == (("system_id", False), ("reference_id", False), ("company_name", True))
    assert made.entity("inventory").cadence == 1800 and made.entity("products").cadence == 86400
    assert made.order.index("products") < made.order.index("inventory") < len(eight)
    assert made.order.index("customers") < made.order.index("addresses")
    assert made.settings() == {"rules.rows": "reject"}
