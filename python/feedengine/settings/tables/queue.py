"""Settings of the queue: workers, limits, retries, retention."""

from __future__ import annotations

from feedengine.settings.setting import Setting

ROWS: tuple[Setting, ...] = ()
