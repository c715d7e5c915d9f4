"""Settings of fetching, and what `[sources.NAME]` may say."""

from __future__ import annotations

from feedengine.settings.setting import Key, Setting
from feedengine.settings.tables.connection import CONNECTION

ROWS: tuple[Setting, ...] = ()

#: Keys of `[sources.NAME]`.
KEYS: tuple[Key, ...] = (*CONNECTION,)
