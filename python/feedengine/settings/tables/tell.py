"""Settings of mail, metrics and logs, and what `[webhooks.NAME]` may say."""

from __future__ import annotations

from feedengine.settings.setting import Key, Setting

ROWS: tuple[Setting, ...] = ()

#: Keys of `[webhooks.NAME]`.
KEYS: tuple[Key, ...] = ()
