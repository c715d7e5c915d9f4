"""The courier: a part of the service that sends what is in the outboxes; each target in a thread of its own."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from feedengine.errors import FeedEngineError
from feedengine.ledger.outbox import Outbox, clock
from feedengine.service import exporting
from feedengine.service.bell import Bell
from feedengine.service.keeping import tidy
from feedengine.service.part import Part
from feedengine.service.posting import send_due
from feedengine.service.sending import Sender
from feedengine.service.targets import is_ours, target_of

# How long a missed bell, or a delivery that becomes due, can go unnoticed.
_POLL_SECONDS = 1.0
_TIDY_SECONDS = 3600.0
_TROUBLE_SECONDS = 60.0


def run(part: Part) -> None:
    """Send until `part.stopping` is set; what is on its way then gets a few seconds to end."""
    courier = Courier(part)
    polls = 0
    teller = threading.Thread(target=_tell, args=[part], name="tell")
    teller.start()
    with Bell(part.store, "courier") as bell:
        while not part.stopping.is_set():
            if part.reloading.is_set():
                part.reloading.clear()
                courier.reload()
            if polls % int(_TIDY_SECONDS / _POLL_SECONDS) == 0:
                tidy(part.store, courier.outbox, int(part.settings.get("outbox.keep_days")))
            courier.export()
            courier.look()
            if not bell.wait(_POLL_SECONDS):
                polls += 1
    courier.join()
    teller.join()


def _tell(part: Part) -> None:
    """Send mails and webhooks, which wait for no delivery and no delivery for them."""
    while not part.stopping.wait(_POLL_SECONDS):
        try:
            send_due(part)
        except (FeedEngineError, OSError) as error:
            part.log("tell.trouble", level="error", error=str(error))


class Courier:
    """Starts a thread for each target that has something due. A target that is down keeps its own thread only."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._running: dict[str, threading.Thread] = {}
        self._exporting: threading.Thread | None = None
        self._told: dict[str, float] = {}
        self.outbox = Outbox(part.store.ledger)

    def reload(self) -> None:
        """Read the settings anew; a file that is wrong changes nothing."""
        try:
            self._part.settings = self._part.read()
        except FeedEngineError as error:
            self._part.log("send.settings", level="error", error=error.message)

    def export(self) -> None:
        """Put out records of snapshots that no worker of the service made, or that one left behind when it died."""
        part = self._part
        if part.settings.named["exports"] and not (self._exporting and self._exporting.is_alive()):
            self._exporting = threading.Thread(
                target=exporting.look, args=[part.store, part.settings, None, self._seldom], name="export"
            )
            self._exporting.start()

    def _seldom(self, event: str, *, level: str = "info", **facts: Any) -> None:
        """Log, but the same trouble once a minute: it is met every second."""
        if level == "error":
            now, what = time.monotonic(), str(facts)
            self._told = {each: at for each, at in self._told.items() if now - at < _TROUBLE_SECONDS}
            if what in self._told:
                return
            self._told[what] = now
        self._part.log(event, level=level, **facts)

    def look(self) -> None:
        """Start what is due."""
        self._running = {name: thread for name, thread in self._running.items() if thread.is_alive()}
        now = self.outbox.now()
        most = int(self._part.settings.get("outbox.at_once"))
        for name, due in self.outbox.waiting().items():
            if due > now or name in self._running or not is_ours(self._part.settings, name):
                continue
            if len(self._running) >= most:
                break
            thread = threading.Thread(target=self._send, args=[name], name=f"send {name}")
            self._running[name] = thread
            thread.start()

    def join(self) -> None:
        """Wait for what was begun."""
        for thread in [*self._running.values(), *([self._exporting] if self._exporting else [])]:
            thread.join()

    def _send(self, name: str) -> None:
        part = self._part
        try:
            target = target_of(part.settings, name)
            Sender(part.store, target, part.log, stopping=part.stopping.is_set).drain()
        except FeedEngineError as error:
            # The target's settings are wrong: nothing was tried, and trying again every second helps nobody.
            self._put_off(name, error)
        except Exception as error:
            self._put_off(name, FeedEngineError(f"{type(error).__name__}: {error}"))

    def _put_off(self, name: str, error: FeedEngineError) -> None:
        self._part.log("send.failed", level="error", target=name, code=error.code, error=error.message)
        with suppress(FeedEngineError):
            head = self.outbox.head(name)
            if head is not None:
                self.outbox.postponed(head.id, clock() + timedelta(minutes=1), error.message)
