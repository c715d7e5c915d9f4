"""Sending what waits for one target: in order, with retries, by one process at a time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from feedengine.errors import FeedEngineError, from_os_error
from feedengine.faults import point
from feedengine.ledger import process
from feedengine.ledger.outbox import Delivery, Outbox, clock, stamp
from feedengine.service.alone import alone
from feedengine.service.delivering import deliver
from feedengine.service.folders import deliver_folders, members
from feedengine.service.part import Log
from feedengine.service.targets import SendTarget
from feedengine.transport.connecting import connect
from feedengine.transport.remote import Place, Remote

if TYPE_CHECKING:
    from feedengine.store import Store

# A wrong password that is tried again and again locks the account; what a server refuses it will refuse again, unless
# somebody is just putting it right.
_LOGIN_PAUSE = timedelta(hours=1)
_REFUSALS, _REFUSAL_PAUSE = 3, timedelta(minutes=1)
# How long a delivery that was begun may go on when the process is to end.
_GRACE = 10.0
# Folders that are built before they are renamed together: for how many seconds at most, and how many.
_BUILDING, _TOGETHER = 0.25, 200


class _Stopped(Exception):
    """The process is to end; what was sent so far stays there as a part."""


class Sender:
    """Sends for one target. The clock, the dice and the connection can be replaced, for tests."""

    def __init__(
        self,
        store: Store,
        target: SendTarget,
        log: Log,
        *,
        stopping: Callable[[], bool] = lambda: False,
        now: Callable[[], datetime] = clock,
        dice: Callable[[], float] = random.random,
        connect: Callable[[Place], Remote] = connect,
    ) -> None:
        self._store = store
        self._target = target
        self._log = log
        self._stopping = stopping
        self._now = now
        self._dice = dice
        self._connect = connect
        self.outbox = Outbox(store.ledger, now)
        # The one that what happens is about.
        self._current: Delivery

    def drain(self) -> int:
        """Send all that is due, in order; gives how many arrived. Does nothing where another one sends there."""
        arrived = 0
        with alone(self._store, "send", self._target.name) as ours:
            if not ours:
                return 0
            remote: Remote | None = None
            try:
                while not self._stopping() and (delivery := self._next()) is not None:
                    self._current = delivery
                    try:
                        remote = remote or self._connect(self._target.place)
                        if members(delivery):
                            arrived += self._folders(remote, delivery)
                        else:
                            arrived += self._one(remote, delivery)
                    except _Stopped:
                        self.outbox.postponed(self._current.id, self._now(), None)
                        break
                    except FeedEngineError as error:
                        self._failed(self._current, error)
                        remote = self._hang_up(remote)
                    except OSError as error:
                        self._failed(self._current, from_os_error(error, f"send {self._current.name}"))
                        remote = self._hang_up(remote)
            finally:
                self._hang_up(remote)
        return arrived

    @staticmethod
    def _hang_up(remote: Remote | None) -> Remote | None:
        if remote is not None:
            remote.close()
        return None

    def _next(self) -> Delivery | None:
        """The next delivery if it is due, marked as begun."""
        delivery = self.outbox.head(self._target.name)
        if delivery is None or delivery.not_before > stamp(self._now()):
            return None
        quiet = self._target.quiet_until(self._now())
        if quiet is not None:
            self.outbox.postponed(delivery.id, quiet, None)
            return None
        return self.outbox.begin(delivery.id, process.myself())

    def _one(self, remote: Remote, delivery: Delivery) -> int:
        file = self._store.root / delivery.file
        if not delivery.file or not file.is_file():
            self._die(delivery, f"our copy {delivery.file} is gone")
            return 0
        begun = time.monotonic()
        point("serve.send.begun")
        verified = deliver(
            remote, self._target, delivery, file, lambda: self.outbox.placing(delivery.id), self._progress()
        )
        point("serve.send.before_sent")
        # With a temporary name `placing` was lasting: after a power failure it is found out again.
        self.outbox.sent(delivery.id, verified, lasting=not self._target.keys["temporary"])
        point("serve.send.sent")
        self._tell_sent(delivery, verified, begun)
        settle_incident(self._store, self._target.name)
        return 1

    def _note_current(self, delivery: Delivery) -> None:
        self._current = delivery

    def _tell_sent(self, delivery: Delivery, verified: str, begun: float) -> None:
        self._log(
            "send.sent", delivery=delivery.id, target=self._target.name, file=delivery.name, bytes=delivery.bytes,
            verified=verified, attempts=delivery.attempts, seconds=round(time.monotonic() - begun, 3),
        )  # fmt: skip

    def _folders(self, remote: Remote, first: Delivery) -> int:
        """Send folders that are due, as many as are built within a moment: together they wait for the disk once.

        Where one fails, the others are as if nobody had tried them.
        """
        begun, taken = time.monotonic(), [first]

        def wanted() -> Iterator[tuple[Delivery, Path]]:
            yield first, self._store.root / first.file
            for each in self.outbox.due(self._target.name, _TOGETHER)[1:]:
                file = self._store.root / each.file
                if time.monotonic() - begun > _BUILDING or not members(each) or not each.file or not file.is_dir():
                    return
                taken.append(self.outbox.begin(each.id, process.myself()))
                yield taken[-1], file

        if not first.file or not (self._store.root / first.file).is_dir():
            self._die(first, f"our copy {first.file} is gone")
            return 0
        point("serve.send.begun")
        try:
            done = deliver_folders(
                remote, self._target, wanted(), lambda numbers: self.outbox.placing(*numbers), self._note_current,
                self._progress(),
            )  # fmt: skip
        except Exception:
            for each in taken:
                if each.id != self._current.id:
                    self.outbox.postponed(each.id, self._now(), None)
            raise
        point("serve.send.before_sent")
        with self.outbox.database.write(lasting=not self._target.keys["temporary"]):
            for delivery, verified in done:
                self.outbox.sent(delivery.id, verified)
        point("serve.send.sent")
        for delivery, verified in done:
            self._tell_sent(delivery, verified, begun)
        settle_incident(self._store, self._target.name)
        return len(done)

    def _progress(self) -> Callable[[int], None]:
        until: list[float] = []

        def progress(done: int) -> None:
            if self._stopping():
                until.extend([time.monotonic() + _GRACE] if not until else [])
                if time.monotonic() > until[0]:
                    raise _Stopped

        return progress

    def _failed(self, delivery: Delivery, error: FeedEngineError) -> None:
        refused, login = error.code == "TRANSPORT_REFUSED", error.code == "TRANSPORT_LOGIN"
        most = int(self._target.keys["attempts"])
        if refused:
            most = min(most, _REFUSALS)
        if delivery.attempts >= most:
            self._die(delivery, error.message)
            return
        wait = timedelta(seconds=self._target.wait(delivery.attempts, self._dice()))
        if refused:
            wait = max(wait, _REFUSAL_PAUSE)
        if login and delivery.attempts > 1:
            wait = max(wait, _LOGIN_PAUSE)
        not_before = self._now() + wait
        self.outbox.failed(delivery.id, error.message, not_before)
        self._log(
            "send.failed", level="warning", delivery=delivery.id, target=self._target.name, file=delivery.name,
            code=error.code, error=error.message, attempts=delivery.attempts, not_before=stamp(not_before),
        )  # fmt: skip

    def _die(self, delivery: Delivery, error: str) -> None:
        self.outbox.died(delivery.id, error)
        self._log(
            "send.dead", level="error", delivery=delivery.id, target=self._target.name, file=delivery.name,
            error=error, attempts=delivery.attempts,
        )  # fmt: skip
        from feedengine.ledger.incidents import Incidents

        about = {"delivery": delivery.id, "file": delivery.name, "error": error, "attempts": delivery.attempts}
        Incidents(self._store.ledger, self.outbox.now).open("delivery_dead", self._target.name, about)


def settle_incident(store: Store, target: str) -> None:
    """Close the incident of a target that has no dead delivery any more."""
    from feedengine.ledger.incidents import Incidents

    incidents = Incidents(store.ledger)
    if incidents.seen("delivery_dead", target) and not Outbox(store.ledger).list(status=["DEAD"], target=target):
        incidents.close("delivery_dead", target)
