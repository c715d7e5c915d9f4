"""The keeper: what others left undone; crashed tasks, follow-ups, files that nobody told of, retention."""

from __future__ import annotations

from feedengine.errors import FeedEngineError
from feedengine.service.bell import Bell
from feedengine.service.part import Part
from feedengine.service.recovery import recover

_POLL = 1.0


def run(part: Part) -> None:
    """Keep house until the service stops."""
    with Bell(part.store, "keeper") as bell:
        while not part.stopping.is_set():
            if part.reloading.is_set():
                part.reload()
            try:
                recover(part.store, part.settings, part.log)
            except (FeedEngineError, OSError) as error:
                part.log("keeper.trouble", level="error", error=str(error))
            bell.wait(_POLL)
