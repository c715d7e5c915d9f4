"""A catalog with orders in it, an export of those that are confirmed, and the folder where they arrive."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from feedengine import ingest
from feedengine.ledger.exports import Exports
from feedengine.ledger.outbox import Outbox
from feedengine.profile.exports import Export, ExportFile
from feedengine.service.exporting import catch_up
from feedengine.service.outgoing import Outgoing
from feedengine.service.sending import Sender
from feedengine.service.targets import target_of
from feedengine.settings import Settings
from feedengine.store import Store

CATALOG = "key_a1/Orders"
STATUS = "metadata:status"


def order_id(number: int) -> str:
    """The UUID of an order."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


class Shop:
    """Orders are items of a catalog by Constructor's profile, their lines are its variations."""

    def __init__(self, folder: Path, **keys: Any) -> None:
        self.folder = folder
        self.store = Store.create(folder / "store")
        self.settings = Settings.load(None, env={})
        self.there = folder / "partner"
        self.there.mkdir(exist_ok=True)
        files = (
            ExportFile("order_data_{uuid}.csv", ("id", "item_name", STATUS)),
            ExportFile(
                "order_items_{uuid}.csv", ("id", "item_id"), "variations", (("item_id", "id"),), keys.pop("wait", False)
            ),
        )
        export = Export("orders", "", "items", "Out/Orders/order_{uuid}", files, ((STATUS, ("Confirmed",)),))
        self.out = Outgoing(
            "orders", CATALOG, export, {"items": "id", "variations": "id"}, {"items": {"item_name": "Order"}},
            str(self.there), **keys,
        )  # fmt: skip
        self.outbox = Outbox(self.store.ledger)
        self.exports = Exports(self.outbox)
        self.log: list[tuple[str, dict[str, Any]]] = []
        self._feeds = 0

    def feed(self, text: str, operation: str = "delta") -> None:
        """Apply a feed."""
        self._feeds += 1
        path = self.folder / f"key_a1_Orders_{operation}_2026-11-21-10-{self._feeds // 60:02}-{self._feeds % 60:02}.csv"
        path.write_text(text)
        force = operation == "delete"
        request = ingest.FeedRequest(path=path, create=True, force=force, reason="a test")
        ingest.run(self.store, self.settings, request)

    def orders(self, **status: str) -> None:
        """Create or change orders: `_1="Confirmed"`."""
        rows = [f"{order_id(int(name[1:]))},Order {name[1:]},{value}\n" for name, value in status.items()]
        self.feed(f"id,item_name,{STATUS}\n" + "".join(rows))

    def lines(self, number: int, count: int) -> None:
        """Give an order its lines."""
        rows = [f"{number}-{line},Line,{order_id(number)}\n" for line in range(1, count + 1)]
        self.feed("variation_id,item_name,item_id\n" + "".join(rows))

    def note(self, event: str, *, level: str = "info", **facts: Any) -> None:
        """A log."""
        self.log.append((event, facts))

    def look(self) -> int:
        """Put out what is due."""
        return catch_up(self.store, self.out, self.note)

    def send(self) -> int:
        """Deliver what is in the outbox."""
        # The longest of the waits between attempts: one of no time at all would be a second attempt within this call.
        return Sender(self.store, target_of(self.settings, self.out.target), self.note, dice=lambda: 1.0).drain()

    def found(self) -> dict[str, list[str]]:
        """What the partner sees: files by folder."""
        return {
            str(path.relative_to(self.there)): sorted(each.name for each in path.iterdir() if each.is_file())
            for path in sorted(self.there.rglob("*"))
            if path.is_dir() and any(each.is_file() for each in path.iterdir())
        }


def folder_of(number: int) -> dict[str, list[str]]:
    """What is there of a whole order."""
    name = order_id(number)
    return {f"Out/Orders/order_{name}": [f"order_data_{name}.csv", f"order_items_{name}.csv"]}


def unexpected(name: str, error: Exception) -> None:
    """What the settings must not have wrong."""
    raise AssertionError(f"{name}: {error}")
