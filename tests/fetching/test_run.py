"""Runs against a folder: each file comes into the queue once, whatever happens to it there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from feedengine.errors import CatalogBusy, FeedEngineError, TransportError
from feedengine.ledger.incidents import Incidents
from feedengine.service.fetching.perform import _alone
from feedengine.service.fetching.run import QueueFull
from fetching.rig import Rig, feed, source


@pytest.mark.feature("P3", "W9", "L1")
def test_a_file_becomes_a_task_once(rig: Rig) -> None:
    rig.put(feed(1))
    assert list(rig.run().handed) == [feed(1)]
    assert rig.run().handed == {}
    assert rig.tasks() == [feed(1)]
    task = rig.store.ledger.list().tasks[0]
    assert (task.protocol, task.actor, task.bytes) == ("fetch", "source:erp", 18)
    assert Path(str(task.path)).read_bytes() == (rig.there / feed(1)).read_bytes()
    assert not list((rig.store.tmp / "fetch" / "erp").rglob("part"))
    assert rig.ledger.state("erp").failures == 0


@pytest.mark.feature("L1")
def test_a_changed_file_of_the_same_name_is_loaded_and_a_touched_one_is_not(rig: Rig) -> None:
    rig.put(feed(1), age=3600)
    rig.run()
    rig.put(feed(1), age=1800)  # the same content, another time
    result = rig.run()
    assert (result.handed, result.same) == ({}, [feed(1)])
    rig.put(feed(1), "id,item_name\nA2,y\n")
    assert list(rig.run().handed) == [feed(1)]
    assert len(rig.tasks()) == 2
    # Back to what it was first: that is a change, too.
    rig.put(feed(1), age=10)
    assert list(rig.run().handed) == [feed(1)]


@pytest.mark.feature("W10", "P3")
def test_loaded_files_are_moved_and_names_are_kept_apart(rig: Rig) -> None:
    rig.put(feed(1), "id,item_name\nA1,x\n", age=50)
    rig.run(after="move done/2026")
    rig.put(feed(1), "id,item_name\nA1,y\n", age=40)
    rig.run(after="move done/2026")
    moved = sorted(each.name for each in (rig.there / "done" / "2026").iterdir())
    assert moved == sorted([feed(1), f"2_{feed(1)}"])
    assert [each.name for each in rig.there.iterdir()] == ["done"]
    assert len(rig.tasks()) == 2


def test_loaded_files_are_deleted_with_their_markers(rig: Rig) -> None:
    rig.put(feed(1))
    rig.put(feed(1) + ".done", b"")
    rig.put(feed(2))
    rig.run(after="delete", stability="done")
    assert [each.name for each in rig.there.iterdir()] == [feed(2)]
    assert rig.tasks() == [feed(1)]


def test_what_was_taken_away_and_sent_again_counts_again(rig: Rig) -> None:
    for _ in range(2):
        rig.put(feed(1), age=3600)
        assert list(rig.run(after="delete").handed) == [feed(1)]


@pytest.mark.feature("P3")
def test_a_growing_file_waits_for_the_next_look(rig: Rig) -> None:
    rig.put(feed(1), b"id,it")
    assert rig.run(settle=100.0).unsure == [feed(1)]
    rig.put(feed(1), b"id,item_name\n")
    assert rig.run(settle=100.0).handed == {}
    # Looks are remembered from run to run: here the second one is late enough.
    with rig.store.ledger.write() as con:
        con.execute("UPDATE looks SET since = '2020-01-01T00:00:00Z'")
    assert list(rig.run(settle=100.0).handed) == [feed(1)]


def test_two_looks_in_one_run(rig: Rig) -> None:
    rig.put(feed(1))
    assert list(rig.run(settle=0.2).handed) == [feed(1)]


def test_a_checksum_is_compared(rig: Rig) -> None:
    rig.put(feed(1))
    sums = rig.put(feed(1) + ".sha256", f"{'0' * 64}  {feed(1)}\n")
    with pytest.raises(TransportError, match="another SHA-256"):
        rig.run(stability="sha256")
    assert rig.tasks() == []
    sums.write_text(hashlib.sha256((rig.there / feed(1)).read_bytes()).hexdigest().upper() + " *x\n")
    rig.run(stability="sha256", after="delete")
    assert rig.tasks() == [feed(1)]
    assert list(rig.there.iterdir()) == []


def test_names_are_made_of_catalog_operation_and_time(rig: Rig) -> None:
    rig.put("export.csv", age=0)
    rig.run(catalog="key_a1/Products", operation="delta")
    [task] = rig.store.ledger.list().tasks
    assert (task.key, task.section, task.operation) == ("key_a1", "Products", "delta")
    assert str(task.filename).endswith(".csv")


def test_a_file_that_is_no_feed_is_left_and_said(rig: Rig) -> None:
    rig.put("readme.txt")
    rig.put(feed(1))
    result = rig.run(after="delete")
    assert list(result.refused) == ["readme.txt"]
    assert [each.name for each in rig.there.iterdir()] == ["readme.txt"]
    assert rig.run().refused == {}
    assert rig.tasks() == [feed(1)]
    assert Incidents(rig.store.ledger).seen("source_refused", "erp")


@pytest.mark.feature("P3")
def test_only_the_latest(rig: Rig) -> None:
    for day in (1, 2, 3):
        rig.put(feed(day))
    rig.run(order="latest")
    assert rig.tasks() == [feed(3)]
    rig.run(order="latest")
    assert rig.tasks() == [feed(3)]
    rig.put(feed(4))
    rig.run(order="latest")
    assert rig.tasks() == [feed(3), feed(4)]


def test_a_full_queue_keeps_the_file_and_is_no_failure(rig: Rig) -> None:
    rig.put(feed(1))

    def full(path: Path, actor: str) -> int:
        raise QueueFull("1,000 feeds of this key are waiting")

    rig.run(submit=full, after="delete")
    assert (rig.there / feed(1)).exists()
    assert rig.ledger.state("erp").failures == 0
    (rig.there / feed(1)).unlink()  # its sender changed his mind: it is ours by now
    rig.run(after="delete")
    assert rig.tasks() == [feed(1)]


def test_a_new_file_of_the_name_is_not_tidied_away_for_the_old_one(rig: Rig) -> None:
    rig.put(feed(1), age=3600)
    rig.run(after="leave")
    with rig.store.ledger.write() as con:
        con.execute("UPDATE fetched SET tidied = NULL")  # as if the process had died before it could delete
    rig.put(feed(1), "id,item_name\nA2,new\n", age=0)
    assert list(rig.run(after="delete").handed) == [feed(1)]
    assert len(rig.tasks()) == 2


@pytest.mark.feature("P3", "L6")
def test_failures_pause_the_source_and_are_told(rig: Rig) -> None:
    nowhere = source(rig.there / "missing", pause_after=3)
    for count in (1, 2, 3):
        with pytest.raises(FeedEngineError):
            rig.run(nowhere)
        assert rig.ledger.state("erp").failures == count
        assert (rig.ledger.state("erp").paused is not None) == (count == 3)
    [incident] = Incidents(rig.store.ledger).list()
    assert (incident.kind, incident.key) == ("source_failing", "erp")
    assert incident.about["next"] == "feedengine source resume erp"
    rig.ledger.resume("erp")
    assert rig.ledger.state("erp").failures == 0
    rig.put(feed(1))
    rig.run()
    assert not Incidents(rig.store.ledger).seen("source_failing", "erp")


def test_one_run_at_a_time(rig: Rig) -> None:
    folder = rig.store.tmp / "fetch" / "erp"
    folder.mkdir(parents=True)
    with _alone(folder, "erp"), pytest.raises(CatalogBusy) as caught:
        rig.run()
    assert caught.value.code == "SOURCE_BUSY"
    rig.run()


def test_old_knowledge_is_forgotten_only_of_files_that_are_gone(rig: Rig) -> None:
    rig.put(feed(1))
    gone = rig.put(feed(2))
    rig.run()
    gone.unlink()
    with rig.store.ledger.write() as con:
        con.execute("UPDATE fetched SET ended = '2020-01-01T00:00:00Z'")
    rig.run()
    assert [each.name for each in rig.ledger.newest("erp", 10)] == [feed(1)]
    assert rig.run().handed == {}
