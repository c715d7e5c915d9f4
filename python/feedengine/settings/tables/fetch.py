"""Settings of fetching, and what `[sources.NAME]` may say."""

from __future__ import annotations

import re
from typing import Any

from feedengine.settings import kinds, times
from feedengine.settings.setting import Key, Setting
from feedengine.settings.tables.connection import CONNECTION

ROWS: tuple[Setting, ...] = (
    Setting("fetch", "keep_days", kinds.whole(1, 36500), 400, "days that a file which is gone from a source is known"),
)

# As `names.OPERATIONS`, which is no room below this one.
_OPERATIONS = ("sync", "delta", "patchdelta", "patchdeltacreate", "patchdeltaignore", "delete", "whitelist")


def _pattern(raw: Any) -> str:
    """A glob, or a regular expression after `regex:`."""
    text = kinds.text(raw)
    if not text:
        raise ValueError('must be a glob such as *.csv, or "regex:" and a regular expression')
    if text.startswith("regex:"):
        try:
            re.compile(text.removeprefix("regex:"))
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}; not {kinds.shown(raw)}") from None
    return text


def _after(raw: Any) -> str:
    """leave, delete or `move FOLDER`."""
    text = " ".join(raw.split()) if isinstance(raw, str) else ""
    if text in ("leave", "delete") or (text.startswith("move ") and text != "move"):
        return text
    raise ValueError(f'must be leave, delete or "move FOLDER"; not {kinds.shown(raw)}')


def _catalog(raw: Any) -> str:
    text = kinds.text(raw)
    key, _, section = text.partition("/")
    if text and not (key and section):
        raise ValueError(f"must be key/section; not {kinds.shown(raw)}")
    return text


#: Keys of `[sources.NAME]`.
KEYS: tuple[Key, ...] = (
    *CONNECTION,
    Key("enabled", kinds.flag, True, "false: as if the source were not there"),
    Key("schedule", times.schedule, "15m", 'when to look: every 15m, or a cron line ("30 2 * * mon-fri")'),
    Key("time_zone", times.time_zone, "UTC", "time zone of schedule and expected_by"),
    Key("pattern", _pattern, "*", 'which files: a glob, or "regex:" and a regular expression of the whole name'),
    Key("catalog", _catalog, "", "key/section, where file names are not KEY_SECTION_OPERATION_TIME.EXTENSION"),
    Key("operation", kinds.choice("", *_OPERATIONS), "", "what such files are: sync, delta, patchdelta..."),
    Key(
        "stability",
        kinds.choice("unchanged", "age", "done", "sha256", "none"),
        "unchanged",
        "when a file is whole: looked at twice, old enough, NAME.done or NAME.sha256 beside it, at once",
    ),
    Key("settle", kinds.duration(), 10.0, "stability unchanged: seconds between the two looks"),
    Key("min_age", kinds.duration(), 60.0, "stability age: seconds since the file was changed"),
    Key("marker", kinds.text, ".done", "stability done: what the marker's name ends with"),
    Key("order", kinds.choice("oldest", "newest", "latest"), "oldest", "which first; latest: only the newest at all"),
    Key("after", _after, "leave", 'what becomes of a loaded file: leave, delete or "move FOLDER"'),
    Key("expected_by", times.clock, "", "time of day by which a file must have come, every day (03:00)"),
    Key("stale_after", kinds.duration(), 0.0, "alarm when no file came for so long (26h); 0 = never"),
    Key("retries", kinds.whole(0, 100), 3, "more attempts within a run after a passing fault"),
    Key("backoff", kinds.duration(), 30.0, "seconds before the first of them; each waits twice as long, 5m at most"),
    Key("pause_after", kinds.whole(0, 1000), 5, "runs that fail in a row before the source is paused; 0 = never"),
)
