"""A small profile for the store's tests: products by sku, offers that belong to them, brands that sections share."""

from __future__ import annotations

from typing import Any

from feedengine.store.entities import Entities


def declared(name: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    """One field, beside `data` in JSON."""
    return {"name": name, "json": name, "place": "top", "kind": kind, "aliases": [], **more}


def entity(name: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One entity; the first field is its key."""
    sizes = {"max_data": 10_000, "max_average": 10_000, "size_class": name}
    return {"name": name, "fields": list(fields), "metadata": False, "facets": False, "shared": False, **sizes, **more}


PRODUCTS = entity("products", declared("sku"), declared("title"), declared("brand"), declared("tags", "list"))
OFFERS = entity("offers", declared("offer"), declared("of"), owner=["of", "products"])
BRANDS = entity("brands", declared("brand"), declared("country"), shared=True)


def profile(*specs: dict[str, Any], version: str = "1", name: str = "shop") -> Entities:
    """A profile of these entities (none = products, offers and brands)."""
    return Entities(name, version, f"digest-{version}", f"{name}.toml", specs or (PRODUCTS, OFFERS, BRANDS))
