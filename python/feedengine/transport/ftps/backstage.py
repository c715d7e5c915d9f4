"""Work beside the event loop: threads for disk and passwords, whose results come back into the loop."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
#: Told what came of a piece of work: its result, or the exception. Called in the loop.
Then = Callable[[T | None, Exception | None], None]

_DISK_THREADS = 8
_NICE = 10


class Backstage:
    """Two pools: `disk` (syncing, hashing, the ledger) and `doors` (passwords, at lower priority)."""

    def __init__(self, loop: Any, checkers: int) -> None:
        # A thread that comes back from the disk waits for the interpreter at most this long while transfers run.
        sys.setswitchinterval(0.001)
        self._disk = ThreadPoolExecutor(_DISK_THREADS, "disk")
        self._doors = ThreadPoolExecutor(checkers, "doors", initializer=_be_nice)
        self._inbox = _Inbox(loop)
        self.doors_waiting = 0

    def disk(self, work: Callable[[], T], then: Then[T]) -> None:
        """Run `work` on a thread, then `then` in the loop."""
        self._run(self._disk, work, then)

    def doors(self, work: Callable[[], T], then: Then[T]) -> None:
        """The same for passwords, which cost much and must not slow transfers down."""
        self.doors_waiting += 1

        def counted(result: T | None, error: Exception | None) -> None:
            self.doors_waiting -= 1
            then(result, error)

        self._run(self._doors, work, counted)

    def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T], then: Then[T]) -> None:
        def done(future: Future[T]) -> None:
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            self._inbox.post(lambda: then(None if error else future.result(), error))

        pool.submit(work).add_done_callback(done)

    def close(self) -> None:
        """Wait for what is begun; results that come now are still delivered."""
        self._disk.shutdown(wait=True)
        self._doors.shutdown(wait=False, cancel_futures=True)
        self._inbox.deliver()
        self._inbox.close()


class _Inbox:
    """Calls that threads want made in the loop."""

    def __init__(self, loop: Any) -> None:
        self._woken = False
        self._calls: deque[Callable[[], None]] = deque()
        self._fileno = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._loop = loop
        loop.register(self._fileno, self, loop.READ)

    def post(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        if not self._woken:
            self._woken = True
            with suppress(OSError):
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

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_error(self) -> None:
        # One call's mistake must not keep the others from being made.
        import logging
        import traceback

        logging.getLogger("pyftpdlib").error(traceback.format_exc())
        self.post(lambda: None)

    def close(self) -> None:
        if self._fileno >= 0:
            self._loop.unregister(self._fileno)
            os.close(self._fileno)
            self._fileno = -1


def _be_nice() -> None:
    with suppress(OSError, AttributeError):
        import threading

        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
