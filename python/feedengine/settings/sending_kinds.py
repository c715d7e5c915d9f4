"""Kinds of values that only targets have: hours of a day, a time zone, the name of an unfinished file."""

from __future__ import annotations

import re
from typing import Any

from feedengine.settings.kinds import shown


def window(raw: Any) -> str:
    """Hours of every day, `22:00-06:00`; the empty text means none."""
    match = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", raw, re.ASCII) if isinstance(raw, str) else None
    if raw == "":
        return ""
    if (
        not match
        or not all(int(match[at]) < 24 and int(match[at + 1]) < 60 for at in (1, 3))
        or match[0][:5] == raw[6:]
    ):
        raise ValueError(f"must be hours of a day such as 22:00-06:00; not {shown(raw)}")
    return str(raw)


def time_zone(raw: Any) -> str:
    """A time zone by its name, such as Europe/Berlin."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(raw)
    except (ValueError, TypeError, OSError, KeyError):
        raise ValueError(f"must be a time zone such as Europe/Berlin or UTC; not {shown(raw)}") from None
    return str(raw)


def temporary_name(raw: Any) -> str:
    """What an unfinished file is called: `.{name}.part`; the empty text means by its own name."""
    if raw == "":
        return ""
    if not isinstance(raw, str) or raw.count("{name}") != 1 or raw == "{name}" or "/" in raw.replace("{name}", ""):
        raise ValueError(f"must hold {{name}} once and something besides, and no /; not {shown(raw)}")
    return raw
