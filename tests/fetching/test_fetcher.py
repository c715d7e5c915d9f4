"""The part of the service: who runs when, side by side; pauses, reloads, alarms."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feedengine.ledger.incidents import Incidents
from feedengine.service.fetcher import Fetcher
from feedengine.service.fetcher import run as run_part
from feedengine.service.fetching import alarms
from feedengine.service.fetching.perform import to_queue
from feedengine.service.part import Part
from feedengine.settings import Settings
from fetching.rig import Rig, feed, source


def until(true: Callable[[], Any], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def turned(fetcher: Fetcher, true: Callable[[], Any]) -> None:
    """Turn until it is true: a thread that has done its work may live on for a moment."""
    until(lambda: (fetcher.turn(), true())[1])


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, **span: float) -> None:
        self.now += timedelta(**span)


class Bench:
    """A fetcher whose clock and settings are set by hand. `held` sources don't come back until `let_go`."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.clock = rig, Clock()
        self.held: set[str] = set()
        self.let_go = threading.Event()
        self.begun: list[str] = []
        self.config = rig.there.parent / "feedengine.toml"
        self.write("")
        self.part = Part("fetcher", rig.store, self.settings(), rig.log, stopping=rig.stop)
        self.queue = to_queue(rig.store, rig.settings)

    def write(self, *tables: str) -> None:
        self.config.write_text(f'[store]\npath = "{self.rig.store.root}"\n' + "\n".join(tables))

    def settings(self) -> Settings:
        return Settings.load(self.config, env={})

    def source(self, name: str, **given: str) -> str:
        lines = {"url": str(self.rig.there), "settle": "0s", "backoff": "0s", "pattern": f"*_{name}_*", **given}
        return f"[sources.{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in lines.items())

    def fetcher(self, *tables: str) -> Fetcher:
        self.write(*tables)
        self.part.settings = self.settings()
        return Fetcher(self.part, submit=self.submit, clock=self.clock)

    def submit(self, path: Path, actor: str) -> int:
        name = actor.partition(":")[2]
        self.begun.append(name)
        if name in self.held:
            assert self.let_go.wait(120)
        return self.queue(path, actor)

    def put(self, name: str, day: int) -> None:
        self.rig.put(f"key_a1_{name}_sync_2026-11-{day:02}-00-00-00.csv", f"id\n{name}{day}\n")

    def handed(self) -> list[str]:
        return [facts["source"] for event, facts in self.rig.said if event == "fetch.handed"]

    def looks(self, name: str) -> int:
        return sum(1 for event, facts in self.rig.said if event == "fetch.looked" and facts["source"] == name)


@pytest.fixture
def bench(rig: Rig) -> Iterator[Bench]:
    made = Bench(rig)
    yield made
    made.let_go.set()


@pytest.mark.feature("P4", "L2", "W9", "W11")
def test_sources_run_at_their_times(bench: Bench) -> None:
    fetcher = bench.fetcher(
        bench.source("a", schedule="15m"), bench.source("b", schedule="30 13 * * *", time_zone="Europe/Vienna")
    )
    bench.put("a", 1)
    bench.put("b", 1)
    # 13:00 in Vienna: an interval begins at once, a cron line at its time.
    turned(fetcher, lambda: bench.handed() == ["a"])
    bench.clock.on(minutes=14, seconds=59)
    fetcher.turn()
    bench.clock.on(minutes=15)
    bench.put("a", 2)
    turned(fetcher, lambda: bench.handed() == ["a", "a"])
    assert bench.looks("b") == 0
    bench.clock.on(minutes=1)
    turned(fetcher, lambda: bench.handed() == ["a", "a", "b"])
    assert bench.rig.ledger.state("b").next_run == "2026-11-22T12:30:00Z"


@pytest.mark.feature("P4")
def test_runs_that_were_missed_are_made_up_for_by_one(bench: Bench) -> None:
    fetcher = bench.fetcher(bench.source("a", schedule="0 * * * *"))
    fetcher.turn()
    assert bench.looks("a") == 0
    bench.clock.on(hours=30)  # the machine was off
    later = bench.fetcher(bench.source("a", schedule="0 * * * *"))
    for _ in range(3):
        later.turn()
        until(lambda: bench.looks("a") == 1)
    assert bench.rig.ledger.state("a").next_run == "2026-11-22T19:00:00Z"


@pytest.mark.feature("P4")
def test_runs_that_overlap_are_one_more_run(bench: Bench) -> None:
    bench.held.add("a")
    bench.put("a", 1)
    fetcher = bench.fetcher(bench.source("a", schedule="1m"))
    fetcher.turn()
    until(lambda: bench.begun == ["a"])
    for _ in range(5):
        bench.clock.on(minutes=1)
        fetcher.turn()
    assert bench.looks("a") == 0
    bench.let_go.set()
    until(lambda: bench.looks("a") == 1)
    turned(fetcher, lambda: bench.looks("a") == 2)
    for _ in range(5):
        fetcher.turn()
        time.sleep(0.02)
    assert bench.looks("a") == 2


@pytest.mark.feature("P3", "P18")
def test_a_source_that_hangs_delays_no_other(bench: Bench) -> None:
    bench.held |= {"a", "b"}
    for name in "abc":
        bench.put(name, 1)
    fetcher = bench.fetcher(*(bench.source(name) for name in "abc"))
    fetcher.turn()
    until(lambda: bench.handed() == ["c"])
    until(lambda: sorted(bench.begun) == ["a", "b", "c"])
    bench.let_go.set()
    until(lambda: sorted(bench.handed()) == ["a", "b", "c"])


def test_a_paused_source_rests_until_it_is_resumed(bench: Bench) -> None:
    fetcher = bench.fetcher(bench.source("a", schedule="1m"), bench.source("b", schedule="1m", enabled="false"))
    bench.rig.ledger.pause("a", "somebody", "a visit")
    for _ in range(3):
        bench.clock.on(minutes=5)
        fetcher.turn()
    assert bench.looks("a") == bench.looks("b") == 0
    bench.rig.ledger.resume("a")
    turned(fetcher, lambda: bench.looks("a") == 1)


def test_a_run_that_was_asked_for_comes_at_once(bench: Bench) -> None:
    fetcher = bench.fetcher(bench.source("a", schedule="0 0 1 1 *"))
    fetcher.turn()
    assert bench.looks("a") == 0
    bench.rig.ledger.ask("a")
    turned(fetcher, lambda: bench.looks("a") == 1)
    assert bench.rig.ledger.state("a").asked is None


@pytest.mark.parametrize("schedule", ["15m", "0 * * * *"])
def test_a_clock_that_was_ahead_delays_nothing(bench: Bench, schedule: str) -> None:
    bench.clock.on(days=400)
    ahead = bench.fetcher(bench.source("a", schedule=schedule))
    ahead.turn()
    bench.clock.on(days=-400)
    later = bench.fetcher(bench.source("a", schedule=schedule))
    later.turn()
    planned = datetime.fromisoformat(str(bench.rig.ledger.state("a").next_run))
    assert bench.clock.now < planned <= bench.clock.now + timedelta(hours=1)


def test_settings_are_read_again_and_wrong_ones_are_not_used(bench: Bench) -> None:
    fetcher = bench.fetcher(bench.source("a"))
    bench.write(bench.source("a"), bench.source("b"), bench.source("c", catalog="k/s"))
    bench.part.reloading.set()
    turned(fetcher, lambda: bench.looks("a") == bench.looks("b") == 1)
    assert [facts["source"] for event, facts in bench.rig.said if event == "fetch.wrong_source"] == ["c"]
    bench.write("[sources.a]\nshedule = 1")
    bench.part.reloading.set()
    fetcher.turn()
    assert "fetch.settings_kept" in bench.rig.events()
    bench.clock.on(hours=1)
    turned(fetcher, lambda: bench.looks("b") == 2)


def test_the_part_stops_when_it_is_told(bench: Bench) -> None:
    bench.write(bench.source("a"))
    bench.part.settings = bench.settings()
    bench.put("a", 1)
    thread = threading.Thread(target=run_part, args=(bench.part,))
    thread.start()
    until(lambda: bench.handed() == ["a"])
    bench.rig.stop.set()
    thread.join(120)
    assert not thread.is_alive()


@pytest.mark.feature("L6", "P3")
def test_a_file_that_did_not_come_is_an_alarm_until_it_comes(bench: Bench) -> None:
    rig = bench.rig
    fetcher = bench.fetcher(bench.source("a", schedule="1h", expected_by="03:00", time_zone="Europe/Vienna"))
    fetcher.turn()
    with rig.store.ledger.write() as con:
        con.execute("UPDATE sources SET made = '2026-11-21T12:00:00Z'")
    incidents = Incidents(rig.store.ledger)
    bench.clock.now = datetime(2026, 11, 22, 1, 59, 59, tzinfo=UTC)
    fetcher.turn()
    assert not incidents.seen("source_missing", "a")
    bench.clock.on(minutes=2)
    fetcher.turn()
    [incident] = incidents.list()
    assert (incident.kind, incident.key) == ("source_missing", "a")
    assert incident.about["message"] == "expected by 2026-11-22 03:00 Europe/Vienna, not seen"
    bench.clock.on(hours=3)
    fetcher.turn()
    assert incidents.list()[0].count == 1
    bench.put("a", 1)
    bench.clock.on(hours=1)
    turned(fetcher, lambda: not incidents.seen("source_missing", "a"))


@pytest.mark.feature("L6")
@pytest.mark.parametrize(
    ("file", "now", "said"),
    [
        ("2026-11-20T14:00:00Z", "2026-11-21T02:30:00Z", None),  # between the two deadlines
        ("2026-11-20T01:00:00Z", "2026-11-21T02:30:00Z", "expected by 2026-11-21 03:00"),
        ("2026-11-21T02:10:00Z", "2026-11-21T02:30:00Z", None),  # late, but here
        (None, "2026-11-21T02:30:00Z", "expected by 2026-11-21 03:00"),
    ],
)
def test_what_counts_as_missing(rig: Rig, file: str | None, now: str, said: str | None) -> None:
    wanted = source(rig.there, expected_by="03:00", time_zone="Europe/Vienna")
    rig.ledger.state("erp")
    with rig.store.ledger.write() as con:
        con.execute("UPDATE sources SET made = '2026-11-01T00:00:00Z', file = ?", [file])
    found = alarms.missing(wanted, rig.ledger.state("erp"), datetime.fromisoformat(now))
    assert (found is None) if said is None else str(found).startswith(said)


@pytest.mark.feature("L6")
def test_a_source_that_went_quiet(rig: Rig) -> None:
    rig.put(feed(1))
    rig.run()
    quiet = source(rig.there, stale_after=26 * 3600.0)
    state = rig.ledger.state("erp")
    assert alarms.missing(quiet, state, datetime.now(UTC) + timedelta(hours=25)) is None
    found = alarms.missing(quiet, state, datetime.now(UTC) + timedelta(hours=27))
    assert str(found).startswith("no new file for 27 hours")
