"""Settings of the SFTP server."""

from __future__ import annotations

from feedengine.settings.setting import Setting

ROWS: tuple[Setting, ...] = ()
