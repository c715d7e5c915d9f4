"""A worker that hangs, or a clock that jumps: another takes its task over, and the first does no harm when it wakes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import command
from network.ports import free_block
from network.service import Service

KEY = "key_Hung0001"
CATALOG = f"{KEY}/Products"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    (port,) = free_block(1)
    tables = {"queue": {"workers": 1, "lease": 2}, f'catalogs."{CATALOG}".rules': {}}
    made = Service(tmp_path, port, [port], tables)
    yield made
    made.stop()


def submit(service: Service, name: str, rows: int, mark: str) -> int:
    """Put a feed into the queue; its task."""
    feed = service.folder / name
    feed.write_text("id,item_name\n" + "".join(f"A{n},{mark} {n}\n" for n in range(rows)))
    done = command("--store", service.store, "--config", service.config, "--json", "submit", feed)
    assert done.returncode == 0, done.stderr
    return int(service.tasks()[-1].id)


def task(service: Service, number: int) -> Any:
    """A task as it is now."""
    return next(each for each in service.tasks() if each.id == number)


def await_status(service: Service, number: int, *wanted: str, seconds: float = 120.0) -> Any:
    """The task once it has one of these states."""
    until = time.monotonic() + seconds
    while (found := task(service, number)).status not in wanted:
        assert time.monotonic() < until, found
        time.sleep(0.01)
    return found


def snapshots(service: Service) -> list[tuple[int, int | None]]:
    """Number and task of each snapshot."""
    from feedengine.store import Store

    with Store.open(service.store).catalog(KEY) as catalog:
        return [(each.number, each.task) for each in catalog.snapshots("Products")]


@pytest.mark.feature("W12", "L1")
@pytest.mark.parametrize("point", ["serve.planned", "commit.after_index", "ledger.before_finish"])
def test_a_worker_that_hangs_is_ended_and_its_task_is_done_once(service: Service, point: str) -> None:
    """Hung with the catalog's lock in its hands or without: before the commit and after it."""
    service.start(parts="worker,keeper", FEEDENGINE_FAULT=f"{point}:3", FEEDENGINE_FAULT_KIND="wait")
    numbers = []
    for place, mark in enumerate(("one", "two")):
        numbers.append(submit(service, f"{KEY}_Products_delta_2026-11-21-00-00-0{place}.csv", 20, mark))
        assert await_status(service, numbers[-1], "DONE", "FAILED").outcome == "ok"
    numbers.append(submit(service, f"{KEY}_Products_delta_2026-11-21-00-00-05.csv", 10, "three"))
    until = time.monotonic() + 120
    while "at the fault point" not in service.log.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    worker = service.part("worker")
    os.kill(worker, signal.SIGSTOP)
    done = await_status(service, numbers[-1], "DONE", "FAILED")
    assert (done.status, done.outcome, done.new_snapshot) == ("DONE", "ok", 3)
    assert not Path(f"/proc/{worker}").exists()
    numbers.append(submit(service, f"{KEY}_Products_delta_2026-11-21-00-00-06.csv", 10, "four"))
    assert await_status(service, numbers[-1], "DONE", "FAILED").outcome == "ok"
    assert snapshots(service) == list(enumerate(numbers, 1))
    assert service.complaints() == []
