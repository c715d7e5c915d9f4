"""When what was put off is done: the server's timers."""

from __future__ import annotations

import heapq
import time
import traceback

from feedengine.transport.ftps.upstream import UpstreamScheduler, logger

#: Cancelled calls that may wait for their time among the others.
_MANY = 512


class Scheduler(UpstreamScheduler):  # type: ignore[misc]
    """Runs what is due, except for what another call that was due as well has cancelled meanwhile.

    After a pause (a machine that was stopped) the end of a session and its idle timer are due together. pyftpdlib
    gathers all that is due first and runs into an assertion of its own where one call cancels another of them.
    """

    def poll(self) -> float | None:
        """Run what is due; seconds until the next call is, None if there is none."""
        now = time.monotonic()
        due = []
        while self._tasks and self._tasks[0].timeout <= now:
            due.append(heapq.heappop(self._tasks))
        for call in due:
            if call.cancelled:
                self._cancellations -= 1
            elif call._repush:
                call._repush = False
                heapq.heappush(self._tasks, call)
            else:
                try:
                    call.call()
                except Exception:
                    logger.error(traceback.format_exc())
        if self._cancellations > max(_MANY, len(self._tasks) // 2):
            self.reheapify()
        return max(0.0, self._tasks[0].timeout - now) if self._tasks else None
