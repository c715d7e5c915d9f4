"""Settings of sending, and what `[targets.NAME]` may say."""

from __future__ import annotations

from feedengine.settings.setting import Key, Setting

ROWS: tuple[Setting, ...] = ()

#: Keys of `[targets.NAME]`.
KEYS: tuple[Key, ...] = ()
