"""Kinds of settings about time: schedules, time zones, times of day."""

from __future__ import annotations

import re
from typing import Any

from feedengine.settings.kinds import duration, shown

_SECONDS = duration(1)
_CRON = "a cron line of five fields (minute hour day month weekday)"


def schedule(raw: Any) -> str:
    """When to do something: an interval (`15m`) or a cron line (`30 2 * * mon-fri`)."""
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError(f"must be an interval such as 15m, or {_CRON}; not {shown(raw)}")
    text = " ".join(raw.split())
    if interval(text) is not None:
        return text
    if len(text.split()) != 5:
        raise ValueError(f"must be an interval of 1s or more such as 15m, or {_CRON}; not {shown(raw)}")
    # Loaded here: most commands never read a schedule.
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(text, datetime.now(UTC)))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ").strip()
        raise ValueError(f"must be an interval such as 15m, or {_CRON}; the {field} of {shown(raw)} is wrong") from None
    except StopIteration:
        raise ValueError(f"names a time that never comes: {shown(raw)}") from None
    return text


def interval(text: str) -> float | None:
    """The seconds of a schedule that is an interval; None for a cron line."""
    try:
        return float(_SECONDS(text))
    except ValueError:
        return None


def time_zone(raw: Any) -> str:
    """A time zone's name, as `Europe/Vienna`."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if isinstance(raw, str) and raw:
            ZoneInfo(raw)
            return raw
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(f"must be a time zone such as Europe/Vienna or UTC; not {shown(raw)}")


def clock(raw: Any) -> str:
    """A time of day, as `03:00`; empty for none."""
    if raw == "":
        return ""
    match = re.fullmatch(r"(\d{1,2}):(\d\d)", raw, re.ASCII) if isinstance(raw, str) else None
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f"must be a time of day such as 03:00; not {shown(raw)}")
    return f"{int(match[1]):02}:{match[2]}"
