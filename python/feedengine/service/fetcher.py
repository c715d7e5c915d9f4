"""The part of the service that fetches: looks at every source by its schedule, side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from feedengine.errors import ConfigError, FeedEngineError
from feedengine.ledger.incidents import Incidents
from feedengine.ledger.sources import Sources, SourceState
from feedengine.service.bell import Bell, ring
from feedengine.service.fetching import alarms, schedule
from feedengine.service.fetching.perform import perform
from feedengine.service.fetching.run import Stopped, Submit
from feedengine.service.fetching.source import Source, written
from feedengine.service.part import Part
from feedengine.settings.times import interval

# Seconds between looks at the clock, and between looks for files that did not come.
_TICK = 1.0
_ALARMS = 30.0
# Seconds that runs have to keep what they loaded when the service stops.
_END = 10.0


def run(part: Part) -> None:
    """Fetch until the service stops."""
    fetcher = Fetcher(part)
    with Bell(part.store, "fetcher") as bell:
        while not part.stopping.is_set():
            fetcher.turn()
            bell.wait(_TICK)
    fetcher.end()


class Fetcher:
    """Starts a thread for each source that is due: one that hangs delays no other."""

    def __init__(
        self, part: Part, *, submit: Submit | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._part = part
        self._submit = submit
        self._clock = clock
        self._ledger = Sources(part.store.ledger)
        self._threads: dict[str, threading.Thread] = {}
        self._again: set[str] = set()
        self._sources = self._read()
        self._alarmed: datetime | None = None

    def turn(self) -> None:
        """Start what is due. A source that is still running when it is due again runs once more, not more often."""
        if self._part.reloading.is_set():
            self._part.reloading.clear()
            self._reload()
        now = self._clock()
        for source in self._sources.values():
            state = self._ledger.state(source.name)
            if not source.enabled or state.paused is not None:
                self._again.discard(source.name)
                continue
            running = source.name in self._threads and self._threads[source.name].is_alive()
            due = self._planned(source, state, now) <= now
            if due:
                # Times that went by while nothing ran are made up for by one run.
                self._plan(source, schedule.after(source.schedule, source.time_zone, now))
            if running:
                if due:
                    self._again.add(source.name)
            elif due or state.asked is not None or source.name in self._again:
                self._again.discard(source.name)
                self._start(source)
        if self._alarmed is None or abs((now - self._alarmed).total_seconds()) >= _ALARMS:
            self._alarmed = now
            self._mind_the_clock(now)
            self._look_for_missing(now)

    def end(self) -> None:
        """Wait until the runs have noticed that the service stops."""
        for thread in self._threads.values():
            thread.join(_END)

    def _planned(self, source: Source, state: SourceState, now: datetime) -> datetime:
        """When the source runs next; a source that is new, or has a new schedule, is planned first."""
        text = f"{source.schedule} {source.time_zone}"
        if state.schedule == text and state.next_run is not None:
            return datetime.fromisoformat(state.next_run)
        # An interval counts from the first look on.
        first = now if interval(source.schedule) else schedule.after(source.schedule, source.time_zone, now)
        self._plan(source, first)
        return first

    def _mind_the_clock(self, now: datetime) -> None:
        """Plan anew what was planned when the clock was far ahead: it would rest till then."""
        for source in self._sources.values():
            latest = schedule.after(source.schedule, source.time_zone, now)
            if self._planned(source, self._ledger.state(source.name), now) > latest:
                self._plan(source, latest)

    def _plan(self, source: Source, when: datetime) -> None:
        self._ledger.plan(source.name, f"{source.schedule} {source.time_zone}", written(when) or "")

    def _start(self, source: Source) -> None:
        thread = threading.Thread(target=self._carry_out, args=(source,), name=f"source {source.name}", daemon=True)
        self._threads[source.name] = thread
        thread.start()

    def _carry_out(self, source: Source) -> None:
        part = self._part
        try:
            perform(part.store, part.settings, source, part.log, wait=part.stopping.wait, submit=self._submit)
        except Stopped:
            part.log("fetch.stopped", source=source.name)
        except FeedEngineError as error:
            # The run has noted and logged it; only one that did not begin has not.
            if error.code == "SOURCE_BUSY":
                part.log("fetch.busy", level="warning", source=source.name, message=error.message)
        except Exception as error:  # a bug in one source's run must not end the others
            part.log("fetch.crashed", level="error", source=source.name, message=f"{type(error).__name__}: {error}")
            self._ledger.fail(source.name, f"a bug of ours: {type(error).__name__}: {error}")
        finally:
            if not part.stopping.is_set():
                ring(part.store, "fetcher")

    def _look_for_missing(self, now: datetime) -> None:
        incidents = Incidents(self._part.store.ledger)
        for source in self._sources.values():
            if source.enabled and (source.expected_by or source.stale_after):
                what = alarms.sound(source, self._ledger.state(source.name), incidents, now)
                if what is not None:
                    self._part.log("fetch.missing", level="error", source=source.name, message=what)

    def _reload(self) -> None:
        try:
            self._part.settings = self._part.read()
        except ConfigError as error:
            self._part.log("fetch.settings_kept", level="error", message=error.message)
            return
        self._sources = self._read()

    def _read(self) -> dict[str, Source]:
        """The sources that make sense; one that does not is no reason to leave the others."""
        found = {}
        file = self._part.settings.file
        for name, table in self._part.settings.named["sources"].items():
            try:
                found[name] = Source.read(name, table, file.parent if file else None)
            except ConfigError as error:
                self._part.log("fetch.wrong_source", level="error", source=name, message=error.message)
        return found
