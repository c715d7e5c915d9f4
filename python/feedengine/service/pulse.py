"""Signs of life: a part that works tells its supervisor so, which replaces one that has fallen silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_EVERY = 1.0


class Pulse:
    """Tells at most once a second that a part lives, by `tell`.

    Its main loop beats at each turn. While it works on something, however long that takes, a thread beats for it:
    nobody can tell long work from none, but a process that is stopped or locked up altogether falls silent then, too.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._last = float("-inf")
        self._working = False
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def beat(self) -> None:
        """The main loop takes a turn."""
        now = time.monotonic()
        if now >= self._last + _EVERY:
            self._last = now
            self._tell()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Work begins that may take any time."""
        self._working = True
        try:
            yield
        finally:
            self._working = False

    def _run(self) -> None:
        while True:
            time.sleep(_EVERY)
            if self._working:
                self.beat()
