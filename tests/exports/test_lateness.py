"""Alarms and numbers of what is late: records that wait, files of entities that did not come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exports.shop import Shop
from feedengine.ledger.incidents import Incidents
from feedengine.ledger.passes import Passes
from feedengine.service import lateness, state
from feedengine.service.metrics import render
from service.place import Diary, Place

WIZ = '[catalogs."acme/main"]\nprofile = "wizcommerce"\n[intake."acme/main"]\n'


@pytest.mark.feature("W41", "W42")
def test_a_record_that_waits_too_long_is_an_incident_until_it_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path, wait=True, late_after=60.0)
    monkeypatch.setattr(lateness, "outgoing", lambda store, settings, wrong: [shop.out])
    incidents = Incidents(shop.store.ledger)

    def late(seconds: float) -> bool:
        lateness.look(shop.store, shop.settings, Diary(), datetime.now(UTC) + timedelta(seconds=seconds))
        return incidents.seen("export_late", "orders")

    assert not late(1000)
    shop.orders(_1="Confirmed")
    assert not late(0) and late(300), "nobody looked for it"
    shop.look()
    assert late(300), "its items have not come"
    shop.lines(1, 1)
    shop.look()
    assert late(300), "it was not sent"
    shop.send()
    assert not late(300)
    assert lateness.lag(shop.store, shop.out, datetime.now(UTC)) == 0.0


@pytest.mark.feature("W41")
def test_metrics_of_exports(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.orders(_1="Confirmed", _2="Confirmed")
    shop.look()
    looked = state.look(shop.store, shop.settings)
    seen = state.State(**{**vars(looked), "exports": {"orders": shop.exports.progress("orders", shop.out.catalog)}})
    lines = render(seen, []).splitlines()
    assert 'feedengine_export_records{export="orders",state="waiting"} 2' in lines
    [lag] = [line for line in lines if line.startswith("feedengine_export_lag_seconds{")]
    assert float(lag.rpartition(" ")[2]) < 600
    assert state.document(seen, 0)["exports"]["orders"]["waiting"] == 2


@pytest.mark.feature("W34")
def test_a_file_that_does_not_come_is_an_incident_until_it_comes(tmp_path: Path) -> None:
    at = Place(tmp_path, WIZ + 'stale_after = ["inventory 2h"]\n', ("acme",))
    began = datetime.now(UTC)
    incidents = Incidents(at.store.ledger)

    def missing(hours: float) -> list[str]:
        lateness.look(at.store, at.settings, at.diary, began + timedelta(hours=hours))
        return sorted(each.key for each in incidents.list() if each.kind == "feed_missing")

    assert missing(1) == []
    assert missing(3) == ["acme/main inventory"], "products never came, and nobody said that they would"
    Passes(at.store.ledger, lambda: began + timedelta(hours=3)).landed("acme/main", "inventory")
    Passes(at.store.ledger, lambda: began + timedelta(hours=3)).landed("acme/main", "products")
    assert missing(4) == []
    assert missing(30) == ["acme/main inventory"]
    assert missing(40) == ["acme/main inventory", "acme/main products"], "the profile expects products every day"
    assert at.diary.events == []


def test_settings_that_are_wrong_are_said_and_stop_nothing(tmp_path: Path) -> None:
    at = Place(tmp_path, '[exports.orders]\ncatalog = "acme/main"\ntarget = "north"\n', ("acme",))
    lateness.look(at.store, at.settings, at.diary)
    [(event, facts)] = at.diary.events
    assert event == "late.settings" and "has no export orders" in facts["error"]


def test_one_export_that_is_wrong_stops_no_other(tmp_path: Path) -> None:
    from exports.partner import SETTINGS, items, orders, partner
    from feedengine.service.exporting import look

    wrong = '[exports.other]\ncatalog = "acme/main"\nexport = "orders"\naccount = "nobody"\n'
    place = partner(tmp_path, wrong + SETTINGS)
    place.land("ORDER_21_11_2026.csv", orders((1, "confirmed")), "/in/orders")
    place.land("ORDER_ITEM_21_11_2026.csv", items((1, 1)), "/in/order_items")
    place.work()
    assert look(place.store, place.settings, "acme/main", place.diary) == 0, "the worker has done it"
    failed = [facts for event, facts in place.diary.events if event == "export.failed"]
    assert failed and {facts["export"] for facts in failed} == {"other"}
    put = [facts for event, facts in place.diary.events if event == "export.put"]
    assert [(facts["export"], facts["records"]) for facts in put] == [("orders", 1)]


def test_the_courier_says_the_same_trouble_once_a_minute(tmp_path: Path) -> None:
    from feedengine.service.courier import Courier
    from feedengine.service.part import Part

    at = Place(tmp_path)
    courier = Courier(Part("courier", at.store, at.settings, at.diary))
    for _ in range(3):
        for name in ("one", "two"):
            courier._seldom("export.failed", level="error", export=name, error="wrong")
        courier._seldom("export.put", export="one", records=1)
    assert at.diary.names().count("export.failed") == 2 and at.diary.names().count("export.put") == 3
