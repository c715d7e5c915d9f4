"""Settings of logins: bans, limits, timeouts."""

from __future__ import annotations

from feedengine.settings.setting import Setting

ROWS: tuple[Setting, ...] = ()
