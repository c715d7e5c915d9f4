"""The keeper: what others left undone; crashed tasks, follow-ups, files nobody told of, retention, alarms, health."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from feedengine.errors import FeedEngineError
from feedengine.ledger import Queue
from feedengine.service import alarms, health, housekeeping, lateness, parking
from feedengine.service.bell import Bell
from feedengine.service.followup import follow
from feedengine.service.part import Part
from feedengine.service.recovery import recover

_POLL = 1.0


class Round:
    """Something to be done every so many seconds; the first time at once."""

    def __init__(self, seconds: float, what: Callable[[], object]) -> None:
        self._seconds, self._what = seconds, what
        self._next = 0.0

    def go(self, now: float) -> None:
        """Do it if it is time."""
        if now >= self._next:
            self._next = now + self._seconds
            self._what()


def run(part: Part) -> None:
    """Keep house until the service stops."""
    rounds = _rounds(part)
    with Bell(part.store, "keeper") as bell, closing(health.started(part)):
        while not part.stopping.is_set():
            if part.reloading.is_set():
                part.reload()
                rounds = _rounds(part)
            for each in rounds:
                try:
                    each.go(time.monotonic())
                except (FeedEngineError, OSError) as error:
                    part.log("keeper.trouble", level="error", error=str(error))
            bell.wait(_POLL)


def _rounds(part: Part) -> list[Round]:
    store, settings, log = part.store, part.settings, part.log
    reconciler = housekeeping.Reconciler(store, settings, log)
    return [
        Round(_POLL, lambda: recover(store, settings, log)),
        Round(0.0, lambda: sweep(part)),
        Round(15.0, reconciler.run),
        Round(15.0, lambda: parking.sweep(store, settings, log)),
        Round(60.0, lambda: alarms.look(store, settings)),
        Round(30.0, lambda: lateness.look(store, settings, log)),
        Round(3600.0, lambda: alarms.forget(store, settings)),
        Round(3600.0, lambda: housekeeping.retain(store, settings, log)),
        Round(3600.0, lambda: housekeeping.sweep_spool(store)),
    ]


def sweep(part: Part) -> None:
    """Follow-ups that are due and were not done."""
    due = Queue(part.store.ledger).to_follow(float(part.settings.get("queue.visible_min")))
    for task in due:
        if part.stopping.is_set():
            return
        follow(part.store, part.settings, task, part.log)
