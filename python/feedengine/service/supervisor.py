"""The supervisor: starts the parts, starts again what dies, stops all gently; does no work of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from feedengine.errors import ExitCode, FeedEngineError, InternalError, UsageError
from feedengine.ledger import Queue, process
from feedengine.ledger.incidents import Incidents
from feedengine.service.bell import ring
from feedengine.service.child import Order
from feedengine.service.part import Log
from feedengine.service.parts import KINDS
from feedengine.service.running import Running
from feedengine.service.systemd import Notifier
from feedengine.settings import Settings
from feedengine.store import Store

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 30.0
_HEALTHY = 60.0
#: Seconds that a part may take to come up: a server that makes its keys on a busy machine needs some.
STARTING = 80.0
#: The most times that, for one that did not come up before: a machine may be too busy for any start.
_LONGEST_STARTS = 4
#: A turn that took longer was not ours: the machine or all of us were stopped, and silence meanwhile says nothing.
_LONGEST_TURN = 10.0
#: Deaths in a row, each within a minute of life or before it came up, that are an incident.
_CRASHING = 3

#: Told when everything serves: a part's name and the facts it gave.
Ready = Callable[[dict[str, dict[str, Any]]], None]


@dataclass
class _Child:
    kind: str
    name: str
    server: bool
    pulse: bool
    process: subprocess.Popen[bytes] | None = None
    identity: str = ""
    pipe: int = -1
    started: float = 0.0
    since: float = 0.0
    heard: bool = False
    again: float = 0.0
    failures: int = 0
    code: int = 0
    sound: bool = False
    facts: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    rest: bytes = field(default=b"", repr=False)

    @property
    def up(self) -> bool:
        """Whether it has come up, as far as one of its kind says so."""
        return self.heard or not (self.server or self.pulse)

    @property
    def patience(self) -> float:
        """Seconds that it may take to come up: more where it was not long enough before."""
        return STARTING * min(_LONGEST_STARTS, 1 + self.failures)


class Supervisor:
    """Runs the parts of the service until it is told to stop. For the main thread of a process of its own."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        log: Log,
        *,
        only: Sequence[str] = (),
        flags: dict[str, tuple[str, Any]] | None = None,
    ) -> None:
        """`only` names the parts to run (empty = all). Raises UsageError for one that does not exist."""
        self.store, self.settings, self.log = store, settings, log
        self._flags = flags or {}
        known = KINDS
        wrong = [name for name in only if name not in known]
        if wrong:
            raise UsageError(f'There is no part "{wrong[0]}"; there are {", ".join(known)}.')
        self._children: list[_Child] = []
        for name, kind in known.items():
            count = kind.count(settings) if not only or name in only else 0
            for number in range(1, count + 1):
                called = name if count == 1 else f"{name}.{number}"
                self._children.append(_Child(name, called, kind.server, kind.pulse))
        self._stops = 0
        self._reload = False
        self._turned = 0.0
        self._running: Running | None = None
        self._systemd = Notifier()
        self._wake, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self, ready: Ready) -> int:
        """Serve until SIGTERM or Ctrl-C; gives the exit code. A second signal stops at once.

        Raises Conflict where another supervisor runs, and what kept a server from starting.
        """
        self._running = Running(self.store)
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        waker = signal.set_wakeup_fd(self._woken)
        try:
            for number in _SIGNALS:
                signal.signal(number, self._signaled)
            left = self._running.end_previous(float(self.settings.get("serve.drain")))
            self.log("serve.started", parts=[child.name for child in self._children], left_over=left)
            self._start_all()
            ready({child.name: child.facts or {} for child in self._children if child.server})
            self._systemd.ready(f"{len(self._children)} parts run")
            self._turned = time.monotonic()
            while not self._stops:
                self._turn()
            return int(ExitCode.DONE)
        finally:
            self._systemd.stopping()
            self._stop_all()
            signal.set_wakeup_fd(waker)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._running.close()
            self.log("serve.ended")

    def _signaled(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload = True
        elif number in (signal.SIGTERM, signal.SIGINT):
            self._stops += 1

    def _start_all(self) -> None:
        """Start all parts, servers first: a port that is taken is told before anything else runs."""
        servers = [child for child in self._children if child.server]
        for child in servers:
            self._start(child)
        deadline = time.monotonic() + STARTING
        while any(child.facts is None for child in servers) and not self._stops:
            self._listen(0.2)
            self._reap()
            for child in servers:
                if child.error:
                    raise _Failed(child.name, child.error)
                if child.process is None:
                    self._once_more(child)
            if time.monotonic() > deadline:
                raise InternalError(f"{next(each.name for each in servers if each.facts is None)} does not start")
        for child in self._children:
            if not child.server and not self._stops:
                self._start(child)

    def _once_more(self, child: _Child) -> None:
        """Start a server again that was killed while starting, which says nothing of whether it can serve."""
        if child.code >= 0 or child.failures >= _CRASHING:
            raise InternalError(f"{child.name} ended while starting; its log says why")
        if child.again <= time.monotonic():
            self._start(child)

    def _turn(self) -> None:
        due = [child.again for child in self._children if child.process is None]
        pause = min([1.0, *(max(0.0, each - time.monotonic()) for each in due)])
        self._listen(pause)
        self._reap()
        self._end_silent()
        self._systemd.alive()
        if self._reload:
            self._reload = False
            self._systemd.reloading()
            self._send(signal.SIGHUP)
            self._systemd.ready("the settings are read again")
        for child in self._children:
            if child.process is None and child.again <= time.monotonic() and not self._stops:
                self._start(child)
            elif child.process and child.up and not child.sound and time.monotonic() - child.started > _HEALTHY:
                child.sound, child.failures = True, 0
                with suppress(FeedEngineError):
                    Incidents(self.store.ledger).close("part_crashing", child.name)

    def _end_silent(self) -> None:
        """Kill what does not come up or gives no sign of life any more; it is started again as what died by itself."""
        now, before = time.monotonic(), self._turned
        self._turned = now
        silence = float(self.settings.get("serve.silence"))
        for child in self._children:
            if now - before > _LONGEST_TURN:
                child.since = now
            # A server says when it is up, and nothing from then on.
            most = child.patience if not child.heard else silence if child.pulse else 0.0
            if child.process is None or not (child.server or child.pulse):
                continue
            if most and now - child.since > most:
                self.log("part.silent", level="error", silent=child.name, seconds=round(now - child.since, 1))
                child.process.kill()
                child.since = now

    def _start(self, child: _Child) -> None:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        config = str(self.settings.file.absolute()) if self.settings.file else None
        order = Order(
            child.kind, child.name, str(self.store.root.absolute()), config, self._flags, os.getpid(), writing
        )
        child.process = subprocess.Popen(order.argv(), stdin=subprocess.DEVNULL, pass_fds=(writing,))
        os.close(writing)
        child.pipe, child.rest, child.error, child.facts = reading, b"", None, None
        child.started = child.since = time.monotonic()
        child.sound = child.heard = False
        child.identity = process.identity(child.process.pid)
        self._note()

    def _note(self) -> None:
        if self._running is not None:
            self._running.children({each.name: each.identity if each.process else "" for each in self._children})

    def _listen(self, seconds: float) -> None:
        """Wait for a signal, a child's word or the time."""
        pipes = {child.pipe: child for child in self._children if child.pipe >= 0}
        ready, _, _ = select.select([self._wake, *pipes], [], [], seconds)
        for descriptor in ready:
            if descriptor == self._wake:
                os.read(self._wake, 4096)
            else:
                self._hear(pipes[descriptor])

    def _hear(self, child: _Child) -> None:
        said = os.read(child.pipe, 65536)
        if not said:
            os.close(child.pipe)
            child.pipe = -1
            return
        *lines, child.rest = (child.rest + said).split(b"\n")
        for line in lines:
            document = json.loads(line)
            child.since, child.heard = time.monotonic(), True
            child.facts = document.get("ready", child.facts)
            child.error = document.get("error", child.error)

    def _reap(self) -> None:
        """See who ended. One that died by itself while it worked has its task count that."""
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            code = child.process.returncode
            while child.pipe >= 0:
                self._hear(child)
            child.process, child.code = None, code
            if code and child.kind == "worker":
                Queue(self.store.ledger).count_crash(child.identity)
            if child.kind in ("worker", "keeper"):
                ring(self.store, "worker")
            lived = time.monotonic() - child.started
            child.failures = 0 if lived > _HEALTHY and child.up else child.failures + 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (child.failures - 1)) if child.failures else 0.0
            child.again = time.monotonic() + pause
            message = (child.error or {}).get("message")
            if not self._stops:
                self.log(
                    "part.died", level="error", died=child.name, code=code, lived=round(lived, 1), error=message,
                    pause=round(pause, 1),
                )  # fmt: skip
                self._alarm(child, code, message)
            self._note()

    def _alarm(self, child: _Child, code: int, message: str | None) -> None:
        if child.failures >= _CRASHING:
            with suppress(FeedEngineError):
                about = {"exit": code, "error": message, "times": child.failures}
                Incidents(self.store.ledger).open("part_crashing", child.name, about)

    def _send(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(number)

    def _stop_all(self) -> None:
        """Ask all to end; those that have not after the time for it, or at a second signal, are killed."""
        asked = self._stops
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + float(self.settings.get("serve.drain"))
        while self._alive() and time.monotonic() < deadline and self._stops <= max(asked, 1):
            self._listen(0.05)
        if self._alive():
            self.log("serve.killed", level="warning", parts=[child.name for child in self._alive()])
            self._send(signal.SIGKILL)
        for child in self._children:
            if child.process is not None:
                child.process.wait()
            if child.pipe >= 0:
                os.close(child.pipe)

    def _alive(self) -> list[_Child]:
        return [child for child in self._children if child.process is not None and child.process.poll() is None]


_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class _Failed(FeedEngineError):
    """A part that could not start, with the words it had for it."""

    def __init__(self, name: str, told: dict[str, Any]) -> None:
        super().__init__(
            f"{name}: {told['message']}", state="Nothing was started.", hints=told.get("hints", ()), code=told["code"]
        )
        self.exit = ExitCode(told["exit"])
