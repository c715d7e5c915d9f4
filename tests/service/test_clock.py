"""The clock jumps: nothing waits for a time that will not come, and nothing is applied twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from feedengine.service.recovery import recover
from service.place import Place

SYNC = "id,item_name\nA,a\nB,b\n"
DAY = 86400.0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextmanager
def clock_set(seconds: float) -> Iterator[None]:
    """The queue's clock is off by so many seconds."""

    def moment(ahead: float = 0.0) -> str:
        when = datetime.now(UTC) + timedelta(seconds=seconds + ahead)
        return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z"

    with mock.patch("feedengine.ledger.queue.moment", moment):
        yield


@pytest.mark.parametrize("window", [0.0, 60.0])
def test_set_back_by_a_day_nothing_waits_for_it(place: Place, window: float) -> None:
    number = place.land(place.name("sync"), SYNC)
    if not window:
        claimed = place.queue.claim(30)
        assert claimed is not None and claimed.id == number
        assert place.queue.put_back(claimed.id, wait=5.0)
        assert place.queue.claim(30) is None
    with clock_set(-DAY):
        found = place.queue.claim(30, window)
        assert found is not None and found.id == number


def test_set_ahead_by_a_day_a_task_that_is_worked_on_is_done_once(place: Place) -> None:
    number = place.land(place.name("sync"), SYNC)
    claimed = place.queue.claim(30)
    assert claimed is not None
    with clock_set(DAY):
        assert recover(place.store, place.settings, place.diary) == [number]
        place.work()
    assert (place.task(number).status, place.task(number).new_snapshot) == ("DONE", 1)
    # Whoever had it before has it no more.
    assert not place.queue.renew(claimed.id, 30)
    assert not place.queue.put_back(claimed.id)
    assert place.items() == {"A": "a", "B": "b"}
