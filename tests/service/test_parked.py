"""Rows that wait for a record: kept, applied by themselves once, replaced, dropped, too old; whatever dies between."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from feedengine import engine, ingest
from feedengine.ledger.cases import Cases
from feedengine.ledger.parked import Parked, ParkedRow
from feedengine.remedy import parking as parking_of_feeds
from feedengine.service import homes, parking
from service.place import Place

RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\norphan_variations = "skip"\n[safeguard]\nlimit = "off"'
ROWS = "id,item_id,item_name\nV1,A,one\nV2,B,two\nV3,C,three\n"


class Dead(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def parks() -> Iterator[None]:
    """Constructor's catalogs park nothing: here, variations that would be skipped are parked instead."""
    decide, scan = engine.Planner.decide, engine.Planner.scan

    def scanned(planner: Any, path: Path) -> None:
        planner.fed = path
        scan(planner, path)

    def decided(planner: Any) -> dict[str, Any]:
        report = decide(planner)
        entry = report["entities"]["variations"]
        entry["parked"], entry["ignored"] = entry["skipped"], entry["ignored"] - entry["skipped"]
        planner.orphans = [fault for fault in report["problems"]["list"] if fault["code"] == "ORPHAN"]
        return report

    def parked(planner: Any, entity: str) -> Iterator[dict[str, Any]]:
        places = [(fault["member"], entity, fault["record"]) for fault in planner.orphans]
        request = {"operation": "sync", "entities": engine.constructor_entities(), "temp_dir": str(planner.fed.parent)}
        found = engine.sent(planner.fed, request, bytes(192), planner.fed.parent, places=places)
        for row in sorted(found, key=lambda row: row.record):
            yield {
                "entity": entity, "record": row.record, "line": row.record + 1, "values": dict(row.values),
                "identity": row.identity,
                "waits_for": {"entity": "items", "field": "id", "value": row.values["item_id"]},
            }  # fmt: skip

    with mock.patch.multiple(engine.Planner, decide=decided, scan=scanned, parked=parked):
        yield


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path, RULES)
    send(place, "id,item_name\nA,a\n")
    return place


def send(place: Place, content: str, operation: str = "delta") -> int:
    number = place.land(place.name(operation), content)
    place.work()
    assert number is not None
    return number


def kept(place: Place, *states: str) -> list[ParkedRow]:
    return Parked(place.store.ledger).list(states=states or ("planned", "waiting", "taken"))[0]


def variations(place: Place) -> dict[str, str]:
    with place.store.catalog("key_a1") as catalog:
        lookup = catalog.lookup("Products", "variations")
        assert lookup is not None
        return {row["id"]: row["item_name"] for row in lookup.records(["V1", "V2", "V3"])}


@pytest.mark.feature("U11", "W25", "W44")
def test_rows_wait_and_are_applied_by_a_task_of_their_own(place: Place) -> None:
    parked = send(place, ROWS)
    counts = (place.task(parked).report or {})["entities"]["variations"]
    assert (counts["rows"], counts["added"], counts["parked"]) == (3, 1, 2)
    assert [(row.waits_value, row.state, row.task) for row in kept(place)] == [
        ("B", "waiting", parked),
        ("C", "waiting", parked),
    ]
    arrived = send(place, "id,item_name\nB,b\n")
    [row] = kept(place, "applied")
    assert row.retry is not None
    retry = place.task(row.retry)
    assert (retry.status, retry.outcome, retry.type, retry.parent) == ("DONE", "ok", "parked", parked)
    assert retry.id > arrived and retry.home == str(place.home) and retry.followed
    assert variations(place) == {"V1": "one", "V2": "two"}
    assert json.loads(place.seen(f"{homes.reports(retry)}/summary.json"))["entities"]["variations"]["added"] == 1
    assert [row.waits_value for row in kept(place)] == ["C"]


@pytest.mark.feature("U11")
def test_several_rows_for_one_record_go_together_in_their_order(place: Place) -> None:
    send(place, "id,item_id,item_name\nV2,B,two\nV3,B,three\n")
    send(place, "id,item_name\nB,b\n")
    assert variations(place) == {"V2": "two", "V3": "three"}
    assert len({row.retry for row in kept(place, "applied")}) == 1
    assert [row.place for row in kept(place, "applied")] == [1, 2]


def test_a_newer_row_takes_the_place_of_one_that_waits(place: Place) -> None:
    send(place, ROWS)
    second = send(place, "id,item_id,item_name\nV2,B,newer\n")
    assert [(row.waits_value, row.task) for row in kept(place)] == [("C", second - 1), ("B", second)]
    send(place, "id,item_id,item_name\nV3,A,moved\n")
    send(place, "id,item_name\nB,b\nC,c\n")
    assert variations(place) == {"V1": "one", "V2": "newer", "V3": "moved"}
    assert {row.identity for row in kept(place, "replaced")} == {'[["id", "V2"]]', '[["id", "V3"]]'}


def test_a_sync_says_all_there_is(place: Place) -> None:
    send(place, ROWS)
    number = place.land(place.name("sync"), "id,item_id,item_name\nV1,A,one\n")
    place.work()
    assert place.task(number).status == "DONE" and kept(place) == []


def test_waiting_rows_go_before_files_that_came_later(place: Place) -> None:
    send(place, ROWS)
    place.land(place.name("delta"), "id,item_name\nB,b\n")
    place.land(place.name("delta"), "id,item_id,item_name\nV2,B,latest\n")
    place.work()
    assert variations(place)["V2"] == "latest"


@pytest.mark.feature("U11")
@pytest.mark.parametrize("where", ["serve.parked.written", "serve.parked.taken", "before", "applied"])
def test_whatever_dies_a_row_is_applied_exactly_once(place: Place, where: str) -> None:
    send(place, ROWS)

    def point(name: str) -> None:
        if name == where:
            raise Dead

    die = mock.Mock(side_effect=Dead)
    before = mock.patch("feedengine.service.worker.release", die)
    place.land(place.name("delta"), "id,item_name\nB,b\n")
    if where == "applied":
        place.worker.step()
        with mock.patch.object(ingest.carrying, "close_done", die), pytest.raises(Dead):
            place.worker.step()
        with place.store.ledger.write() as con:
            con.execute("UPDATE tasks SET worker = 'gone 1 1', lease_until = '' WHERE status = 'IN_PROGRESS'")
        from feedengine.service.recovery import recover

        recover(place.store, place.settings, place.diary)
    else:
        met = before if where == "before" else mock.patch.object(parking_of_feeds, "point", point)
        with met, pytest.raises(Dead):
            place.work()
    parking.sweep(place.store, place.settings, place.diary)
    parking.sweep(place.store, place.settings, place.diary)
    place.work()
    with place.store.catalog("key_a1") as catalog:
        assert sum(info.counts["variations"]["added"] for info in catalog.snapshots()) == 2
    assert [row.state for row in kept(place, "applied")] == ["applied"]
    assert [row.waits_value for row in kept(place)] == ["C"]


def test_a_task_that_failed_parked_nothing(place: Place) -> None:
    number = place.land(place.name("delta"), ROWS)
    with mock.patch.object(ingest.writing, "apply", side_effect=RuntimeError("no")):
        place.work()
    assert place.task(number).status == "FAILED"
    Parked(place.store.ledger).settle()
    assert kept(place) == []


def test_a_retry_that_fails_leaves_its_rows_waiting(place: Place) -> None:
    send(place, ROWS)
    place.land(place.name("delta"), "id,item_name\nB,b\n")
    place.worker.step()
    [taken] = kept(place, "taken")
    assert taken.retry is not None
    place.store.ledger.cancel(taken.retry)
    Parked(place.store.ledger).settle()
    assert {row.waits_value for row in kept(place, "waiting")} == {"B", "C"}


@pytest.mark.feature("U11", "W25")
def test_rows_that_wait_too_long_become_rejected_ones(place: Place) -> None:
    parked = send(place, ROWS)
    with place.store.ledger.write() as con:
        con.execute("UPDATE parked SET until = '2000-01-01T00:00:00Z'")
    parking.sweep(place.store, place.settings, place.diary)
    parking.sweep(place.store, place.settings, place.diary)
    [number] = {row.retry for row in kept(place, "expired")}
    task = place.task(number)
    assert (task.status, task.outcome, task.parent, task.new_snapshot) == ("DONE", "ok_with_errors", parked, None)
    assert [each.id for each in place.queue.to_follow(0)] == [task.id]
    assert place.follow(number)
    folder = homes.reports(task)
    faults = list(csv.DictReader(place.seen(f"{folder}/errors.csv").splitlines()))
    assert [(fault["key"], fault["column"], fault["value"]) for fault in faults] == [
        ("V2", "id", "B"),
        ("V3", "id", "C"),
    ]
    assert place.seen(f"{folder}/rejected_variations.csv") == "id,item_id,item_name\nV2,B,two\nV3,C,three\n"
    # They are open problems now, which the rows close when they are sent after what they name.
    assert {case.record for case in Cases(place.store.ledger).list()[0]} == {"V2", "V3"}
    send(place, "id,item_name\nB,b\nC,c\n")
    send(place, "id,item_id,item_name\nV2,B,two\nV3,C,three\n")
    assert Cases(place.store.ledger).list()[0] == [] and set(variations(place)) == {"V1", "V2", "V3"}


def test_dropped_rows_stay_away(place: Place) -> None:
    send(place, ROWS)
    first = kept(place)[0]
    assert Parked(place.store.ledger).drop([first.id], actor="ann") == 1
    send(place, "id,item_name\nB,b\n")
    assert set(variations(place)) == {"V1"} and kept(place, "dropped")[0].why == "dropped by ann"


@pytest.mark.feature("U11")
def test_commands_release_rows_as_the_service_does(tmp_path: Path) -> None:
    place = Place(tmp_path, RULES)

    def run(name: str, content: str) -> dict[str, Any]:
        path = tmp_path / name
        path.write_text(content)
        request = ingest.FeedRequest(path, catalog="key_a1/Products", operation="delta", actor="ann")
        return ingest.run(place.store, place.settings, request).report

    run("a.csv", "id,item_name\nA,a\n")
    assert "released" not in run("v.csv", ROWS)
    [number] = run("b.csv", "id,item_name\nB,b\n")["released"]
    assert (place.task(number).status, place.task(number).queued) == ("DONE", False)
    assert set(variations(place)) == {"V1", "V2"}
