"""Settings of the FTPS server."""

from __future__ import annotations

from feedengine.settings.setting import Setting

ROWS: tuple[Setting, ...] = ()
