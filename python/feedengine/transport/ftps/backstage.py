"""Work beside the event loop: threads for disk and passwords, whose results come back into the loop."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from feedengine.transport.ftps.member import Member

T = TypeVar("T")
#: Told what came of a piece of work: its result, or the exception. Called in the loop.
Then = Callable[[T | None, Exception | None], None]

_DISK_THREADS = 8
_NICE = 10


class Backstage:
    """Two crews: `disk` (syncing, hashing, the ledger) and `doors` (passwords, at lower priority)."""

    def __init__(self, loop: Any, checkers: int) -> None:
        # A thread that comes back from the disk waits for the interpreter at most this long while transfers run.
        sys.setswitchinterval(0.001)
        self._inbox = _Inbox(loop)
        self._disk = _Crew("disk", _DISK_THREADS, self._inbox)
        self._doors = _Crew("doors", checkers, self._inbox, nice=True)
        self.doors_waiting = 0

    def disk(self, work: Callable[[], T], then: Then[T]) -> None:
        """Run `work` on a thread, then `then` in the loop."""
        self._disk.give(work, then)

    def doors(self, work: Callable[[], T], then: Then[T]) -> None:
        """The same for passwords, which cost much and must not slow transfers down."""
        self.doors_waiting += 1

        def counted(result: T | None, error: Exception | None) -> None:
            self.doors_waiting -= 1
            then(result, error)

        self._doors.give(work, counted)

    def close(self) -> None:
        """Wait for what the disk was given; what came of it is still told."""
        self._disk.end()
        self._doors.drop()
        self._inbox.deliver()
        self._inbox.close()


class _Crew:
    """Threads that take work in order. Plainer than the standard library's pool, and half as dear for each piece."""

    def __init__(self, name: str, threads: int, inbox: _Inbox, *, nice: bool = False) -> None:
        self._work: SimpleQueue[tuple[Callable[[], Any], Then[Any]] | None] = SimpleQueue()
        self._inbox = inbox
        self._nice = nice
        self._threads = [
            threading.Thread(target=self._take, name=f"{name}{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def give(self, work: Callable[[], T], then: Then[T]) -> None:
        self._work.put((work, then))

    def end(self) -> None:
        """Finish what was given, then stop."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def drop(self) -> None:
        """Stop; what has not begun is forgotten, and what runs is not waited for."""
        with suppress(Empty):
            while True:
                self._work.get_nowait()
        for _ in self._threads:
            self._work.put(None)

    def _take(self) -> None:
        if self._nice:
            with suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while (piece := self._work.get()) is not None:
            work, then = piece
            try:
                result, error = work(), None
            except Exception as caught:
                result, error = None, caught
            self._inbox.post(partial(then, result, error))
            # Nothing of one client's is kept while the thread waits for the next.
            del piece, work, then, result, error


class _Inbox(Member):
    """Calls that threads want made in the loop."""

    def __init__(self, loop: Any) -> None:
        self._woken = False
        self._lock = threading.Lock()
        self._calls: deque[Callable[[], None]] = deque()
        super().__init__()
        self.join(loop, os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))

    def post(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        # A password may be checked when the server has stopped: its number is that of another file by then, or none.
        with self._lock:
            if not self._woken and self._fileno >= 0:
                self._woken = True
                os.eventfd_write(self._fileno, 1)

    def deliver(self) -> None:
        while self._calls:
            self._calls.popleft()()

    def handle_read_event(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._fileno)
        # Before looking: what is posted from here on wakes again.
        self._woken = False
        self.deliver()

    def handle_error(self) -> None:
        # One call's mistake must not keep the others from being made.
        super().handle_error()
        self.post(lambda: None)

    def close(self) -> None:
        with self._lock:
            fileno = self._fileno
            if self.leave():
                os.close(fileno)
