"""The heartbeat of a task: keeps its lease while the block works, however long that takes."""

from __future__ import annotations

import threading

from feedengine.errors import FeedEngineError
from feedengine.ledger import Queue


class Lease:
    """Renews the lease of a task three times in its length. `lost` says that somebody else has the task now."""

    def __init__(self, queue: Queue, task: int, seconds: float) -> None:
        self.lost = False
        self._queue, self._task, self._seconds = queue, task, seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds / 3):
            try:
                self.lost = not self._queue.renew(self._task, self._seconds)
            except FeedEngineError:
                continue  # A locked ledger, a full disk: there is time for two more tries.
            if self.lost:
                return

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
