"""Whose turn it is among files of a profile's entities: schedules, what is due together, nobody starves."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedengine.ledger import Ledger, Queue
from feedengine.ledger.database import moment
from feedengine.ledger.passes import Passes
from feedengine.service.fetching.schedule import after
from feedengine.settings.times import interval

RANKS = {"categories": 0, "collections": 1, "products": 2, "inventory": 3}


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(Ledger(tmp_path / "ledger.sqlite"))


def add(queue: Queue, entity: str | None, due: str | None = None, key: str = "acme") -> int:
    return queue.add(
        key=key, section="main", operation="delta", filename="f.csv", entity=entity, due=due,
        rank=RANKS.get(entity or "", 0),
    )  # fmt: skip


def entity_of(queue: Queue, task: int) -> str | None:
    return queue.ledger.get(task).entity


def take(queue: Queue) -> int | None:
    """Take the next one and end it."""
    task = queue.claim(30)
    if task is None:
        return None
    queue.ledger.finish(task.id, "ok")
    return task.id


@pytest.mark.feature("W11")
def test_what_is_due_together_goes_in_the_order_of_what_refers_to_what(queue: Queue) -> None:
    numbers = [add(queue, entity) for entity in ("inventory", "products", "collections", "categories")]
    assert [take(queue) for _ in range(4)] == numbers[::-1]


@pytest.mark.feature("W11")
def test_inventory_waits_for_one_products_file_at_most(queue: Queue) -> None:
    first = [add(queue, "products") for _ in range(3)]
    stock = add(queue, "inventory")
    assert take(queue) == first[0]
    assert take(queue) == stock
    assert [take(queue), take(queue)] == first[1:]


@pytest.mark.feature("W11", "W12")
def test_files_of_one_entity_stay_in_order_and_none_starves_whatever_comes(queue: Queue) -> None:
    chance = random.Random(5)
    waiting: dict[str, list[int]] = {entity: [] for entity in RANKS}
    passed: dict[int, int] = {}
    for _ in range(120):
        for _ in range(chance.randrange(3)):
            entity = chance.choice(list(RANKS))
            waiting[entity].append(add(queue, entity))
        heads = [line[0] for line in waiting.values() if line]
        task = take(queue)
        assert (task is None) == (not heads)
        if task is None:
            continue
        assert task in heads
        waiting[str(entity_of(queue, task))].remove(task)
        for head in heads:
            passed[head] = passed.get(head, 0) + 1
        # Each other entity may have had as many turns as files that came before this one, at most two a step.
        assert all(passed[head] <= 40 for head in heads)
    assert max(passed.values()) > 1


def test_one_key_at_a_time_whatever_the_entity(queue: Queue) -> None:
    one, other = add(queue, "products"), add(queue, "inventory", key="other")
    add(queue, "inventory")
    claimed = [queue.claim(30), queue.claim(30), queue.claim(30)]
    assert [task.id if task else None for task in claimed] == [one, other, None]


@pytest.mark.feature("W11")
def test_a_file_that_is_not_due_holds_nothing_up(queue: Queue) -> None:
    later = add(queue, "products", moment(0.3)[:19] + "Z")
    with queue.ledger.write() as con:
        con.execute("UPDATE tasks SET due = ? WHERE id = ?", [moment(3600), later])
    stock = add(queue, "inventory")
    plain = add(queue, None)
    assert {take(queue), take(queue)} == {stock, plain}
    assert queue.claim(30) is None
    with queue.ledger.write() as con:
        con.execute("UPDATE tasks SET due = ? WHERE id = ?", [moment(-1), later])
    assert take(queue) == later


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def board(passes: Passes, entity: str, schedule: str) -> str | None:
    every = interval(schedule) is not None
    return passes.board("acme/main", entity, schedule, lambda when: after(schedule, "UTC", when), interval=every)


@pytest.mark.feature("W9", "W11")
def test_every_day_and_every_half_hour(queue: Queue) -> None:
    clock = Clock()
    passes = Passes(queue.ledger, clock)
    assert board(passes, "products", "24h") is None
    clock.now += timedelta(minutes=10)
    assert board(passes, "products", "24h") == "2026-11-22T10:00:00Z"
    assert board(passes, "inventory", "30m") is None
    clock.now += timedelta(minutes=29)
    assert board(passes, "inventory", "30m") == "2026-11-21T10:40:00Z"
    assert board(passes, "inventory", "30m") == "2026-11-21T10:40:00Z"
    clock.now += timedelta(minutes=2)
    assert board(passes, "inventory", "30m") == "2026-11-21T11:10:00Z"
    clock.now += timedelta(days=3)
    assert board(passes, "inventory", "30m") is None
    assert board(passes, "products", "24h") is None


@pytest.mark.feature("W11")
def test_by_the_calendar_a_file_waits_for_its_hour(queue: Queue) -> None:
    clock = Clock()
    passes = Passes(queue.ledger, clock)
    assert board(passes, "products", "0 2 * * *") == "2026-11-22T02:00:00Z"
    clock.now = datetime(2026, 11, 22, 1, 59, tzinfo=UTC)
    assert board(passes, "products", "0 2 * * *") == "2026-11-22T02:00:00Z"
    clock.now = datetime(2026, 11, 22, 2, 1, tzinfo=UTC)
    assert board(passes, "products", "0 2 * * *") == "2026-11-23T02:00:00Z"
    # Another schedule counts anew.
    assert board(passes, "products", "24h") is None
    passes.landed("acme/main", "products")
    assert passes.state("acme/main", "products").file == "2026-11-22T02:01:00Z"
