"""From a file in an account's folder, or a record by hand, to the partner's folder with the order in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command import command
from exports.partner import items, orders, partner
from exports.shop import order_id
from feedengine.errors import FeedRejected, UsageError
from feedengine.service import one_record
from feedengine.service.outgoing import named
from feedengine.service.sending import Sender
from feedengine.service.targets import target_of
from feedengine.store.records import records
from service.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return partner(tmp_path)


def send(place: Place) -> int:
    """Deliver what is in the outbox, as the courier does."""
    out = named(place.store, place.settings, "orders")
    return Sender(place.store, target_of(place.settings, out.target), place.diary).drain()


def there(place: Place) -> set[str]:
    """The files below the account's /export."""
    export = place.home / "export"
    return {str(path.relative_to(export)) for path in export.rglob("*") if path.is_file()}


def folder(number: int) -> set[str]:
    uuid = order_id(number)
    return {f"WizCommerce Export/Orders/order_{uuid}/order_{kind}_{uuid}.csv" for kind in ("data", "items")}


@pytest.mark.feature("W3", "W15", "W16", "W32", "W40")
def test_files_in_and_orders_out(place: Place) -> None:
    place.land("ORDER_21_11_2026.csv", orders((1, "confirmed"), (2, "draft")), "/in/orders")
    place.land("ORDER_ITEM_21_11_2026.csv", items((1, 1), (1, 2), (2, 1)), "/in/order_items")
    place.work()
    done = [place.task(number) for number in (1, 2)]
    assert [(task.entity, task.outcome) for task in done] == [("orders", "ok"), ("order_items", "ok")], done
    assert send(place) == 1 and there(place) == folder(1)
    [data] = [path for path in place.home.rglob("order_data_*")]
    assert data.read_bytes().decode() == f"System_ID,Reference ID,Status,Total\r\n{order_id(1)},R1,confirmed,\r\n"
    [lines] = [path for path in place.home.rglob("order_items_*")]
    assert lines.read_text().splitlines() == ["Item ID,SKU", "1-1,SKU1", "1-2,SKU2"]
    place.land("ORDER_21_11_2026_2.csv", orders((1, "confirmed"), (2, "confirmed")), "/in/orders")
    place.work()
    assert send(place) == 1 and there(place) == folder(1) | folder(2)
    moved = [str(path.relative_to(place.home)) for path in (place.home / "processed").rglob("*.csv")]
    assert sorted(name.split("/")[1] for name in moved) == ["order_items", "orders", "orders"]


@pytest.mark.feature("W3", "W4")
def test_what_was_exported_can_be_imported(place: Place, tmp_path: Path) -> None:
    place.land("ORDER_21_11_2026.csv", orders((1, "confirmed")), "/in/orders")
    place.land("ORDER_ITEM_21_11_2026.csv", items((1, 1)), "/in/order_items")
    place.work()
    send(place)
    [data] = [path for path in place.home.rglob("order_data_*")]
    again = place.land("ORDER_22_11_2026.csv", data.read_bytes(), "/in/orders")
    place.work()
    assert place.task(again).outcome == "no_change"
    assert send(place) == 0


@pytest.mark.feature("W4", "W15", "W32")
def test_a_record_by_hand(place: Place) -> None:
    def put(**values: Any) -> one_record.Put:
        return one_record.put(
            place.store, place.settings, "acme/main", "orders", {"system_id": order_id(1), **values}, actor="ann"
        )

    made = put(reference="R1", status="draft", total="12.50")
    assert (made.key, made.change, made.report["outcome"]) == (order_id(1), "added", "ok")
    changed = put(status="confirmed")
    assert changed.change == "changed" and put(status="confirmed").change == "unchanged"
    with place.store.catalog("acme") as catalog:
        [row] = records(catalog.export_rows("main", "orders"))
        assert (row["reference"], row["status"]) == ("R1", "confirmed")
        assert one_record.get(catalog, "main", "orders", [("status", "confirmed")])[0]["system_id"] == order_id(1)
        assert one_record.get(catalog, "main", "orders", [("status", "draft")]) == []
        with pytest.raises(UsageError, match="have no field"):
            one_record.get(catalog, "main", "orders", [("colour", "red")])
    task = place.task(1)
    assert (task.status, task.protocol, task.actor, task.new_snapshot) == ("DONE", "record", "ann", 1)
    assert not [path for path in place.store.tmp.iterdir() if path.name.startswith("record.")]


def test_a_record_that_is_wrong_is_refused(place: Place) -> None:
    with pytest.raises(FeedRejected):
        one_record.put(place.store, place.settings, "acme/main", "orders", {"status": "confirmed"}, actor="ann")
    with pytest.raises(UsageError):
        one_record.put(place.store, place.settings, "acme/main", "things", {"id": "1"}, actor="ann")


@pytest.mark.feature("W15", "W41")
def test_by_command(place: Place) -> None:
    def run(*words: str, code: int = 0) -> Any:
        done = command("--config", place.file, "--json", *words)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else None

    first = ("--catalog", "acme/main", "orders", f"system_id={order_id(1)}", "status=confirmed", "Reference ID=R1")
    made = run("record", "put", *first)
    assert (made["change"], made["exported"]) == ("added", 0), "its items are awaited"
    values = place.root / "item.json"
    values.write_text(json.dumps({"item_id": "1-1", "order": order_id(1), "sku": "A"}))
    made = run("record", "put", "order_items", "sku=B", "--json-file", str(values))
    assert made["exported"] == 1
    assert run("record", "get", "order_items", "1-1")["records"] == [
        {"item_id": "1-1", "order": order_id(1), "sku": "B"}
    ]
    listed = run("export", "list")
    assert [(each["records"], each["waiting"], each["awaited"]) for each in listed["exports"]] == [(1, 1, 0)]
    assert send(place) == 1 and there(place) == folder(1)
    shown = run("export", "show", order_id(1))["records"][0]
    assert shown["sent"]["status"] == "SENT" and shown["sent"]["path"].endswith(order_id(1))
    run("record", "put", "orders", f"system_id={order_id(1)}", "total=9.99")
    assert send(place) == 0, "it was sent before"
    replayed = run("export", "replay", order_id(1))
    assert len(replayed["replayed"][0]["deliveries"]) == 1
    assert send(place) == 1 and there(place) == folder(1)
    assert "9.99" in next(place.home.rglob("order_data_*")).read_text()
    run("export", "replay", order_id(7), code=8)
    run("export", "list", "nothing", code=8)
    run("record", "get", "orders", "nobody", code=8)
    run("record", "put", "orders", code=2)
    run("record", "put", "orders", "status", code=2)
    run("record", "get", "things", "x", code=2)


def test_an_account_that_has_no_folder_yet_gets_one_hidden_until_whole(place: Place) -> None:
    from feedengine.transport.landing.home import Home

    place.land("ORDER_21_11_2026.csv", orders((1, "confirmed")), "/in/orders")
    place.land("ORDER_ITEM_21_11_2026.csv", items((1, 1)), "/in/order_items")
    place.work()

    half = place.home / "export" / "WizCommerce Export" / "Orders" / f".order_{order_id(2)}.part"
    half.mkdir(parents=True)
    (half / "order_data.csv").write_text("half")
    send(place)
    seen = Home(place.home).entries("/export/WizCommerce Export/Orders")
    assert [name for name, _ in seen] == [f"order_{order_id(1)}"]
    with pytest.raises(FileNotFoundError):
        Home(place.home).stat(f"/export/WizCommerce Export/Orders/{half.name}/order_data.csv")
