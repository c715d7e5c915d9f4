"""The exact shapes of Constructor's tasks, from real tasks of the queue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feedengine.ledger import Task
from feedengine.service.constructor import constructor_json, task_list
from service.place import Place
from service.test_way_of_a_file import archive

ALWAYS = ["id", "type", "status", "submission_time", "start_time", "last_update", "filename", "protocol"]
FEED = {
    "items__csv": "id,item_name,group_ids\nA,a,all\nB,b,all\n",
    "variations__csv": "variation_id,item_id,item_name\nV1,A,v\n",
    "item_groups__csv": "id,parent_id,name\nall,,All\n",
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.feature("C37")
def test_a_waiting_task_has_no_times_yet(place: Place) -> None:
    name = place.name("delta")
    number = place.land(name, "id,item_name\nA,a\n")
    task = place.task(number)
    assert constructor_json(task) == {
        "id": 1,
        "type": "ingestion",
        "status": "QUEUED",
        "submission_time": task.submission_time,
        "start_time": None,
        "last_update": None,
        "filename": name,
        "protocol": "ftp",
        "ingestion_type": "delta",
    }


@pytest.mark.feature("C37")
def test_a_done_task_says_what_changed(place: Place) -> None:
    place.land(place.name("sync", ext="tar.gz"), archive(**FEED))
    number = place.land(
        place.name("sync", ext="tar.gz"), archive(**{**FEED, "items__csv": FEED["items__csv"] + "C,c,all\n"})
    )
    place.work()
    document = constructor_json(place.task(number))
    assert [*document] == [*ALWAYS, "ingestion_type", "result"]
    assert (document["status"], document["ingestion_type"]) == ("DONE", "sync")
    assert document["start_time"].endswith("Z") and document["last_update"].endswith("Z")
    assert document["result"] == {
        "changelog": {
            "item_groups_updated": 1,
            "item_groups_deleted": 0,
            "total_item_groups_changed": 1,
            "sections": {
                "Products": {
                    "items_updated": 3,
                    "items_deleted": 0,
                    "items_created": 1,
                    "items_unchanged": 2,
                    "variations_updated": 1,
                    "variations_deleted": 0,
                    "variations_unchanged": 1,
                }
            },
        },
        "index_built": True,
        "ingestion_warnings": [],
    }
    json.dumps(document)


def test_warnings_are_told_with_code_message_and_data(place: Place) -> None:
    number = place.land(place.name("sync"), "id,item_name\nA,a\nA,b\n")
    place.work()
    [warning] = constructor_json(place.task(number))["result"]["ingestion_warnings"]
    assert [*warning] == ["code", "message", "data"]
    assert (warning["code"], warning["data"]["item_id"]) == ("DUPLICATE_ITEM", "A")


@pytest.mark.feature("C37")
def test_a_failed_task_has_an_error_object(place: Place) -> None:
    number = place.land(place.name("sync"), "")
    place.work()
    document = constructor_json(place.task(number))
    assert [*document] == [*ALWAYS, "ingestion_type", "error"]
    assert document["status"] == "FAILED"
    assert [*document["error"]] == ["message"] and document["error"]["message"].startswith("IngestionError: ")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("ftps", "ftp"), ("sftp", "ftp"), ("found", "ftp"), ("http", "http"), (None, None), ("cli", None)],
)
def test_protocols(place: Place, ours: str | None, theirs: str | None) -> None:
    number = place.store.ledger.create(key="k", section="S", operation="sync", protocol=ours)
    assert constructor_json(place.store.ledger.get(number))["protocol"] == theirs


def test_a_page_of_tasks(place: Place) -> None:
    place.land(place.name("sync"), "id,item_name\nA,a\n")
    place.work()
    place.land(place.name("sync"), "id,item_name\nA,a\n")
    page = place.store.ledger.list()
    document = task_list(page.tasks, page.total, page.counts)
    assert [*document] == ["tasks", "total_count", "status_counts"]
    assert document["total_count"] == 2
    assert document["status_counts"] == {"QUEUED": 1, "IN_PROGRESS": 0, "DONE": 1, "FAILED": 0}
    assert [task["id"] for task in document["tasks"]] == [2, 1]


def test_ids_fit_into_32_bits(place: Place) -> None:
    place.land(place.name("sync"), "id\n")
    with place.store.ledger.write() as con:
        con.execute("UPDATE tasks SET id = 2147483646")
    last: Task = place.task(place.land(place.name("sync"), "id\n"))
    assert last.id == 2**31 - 1
