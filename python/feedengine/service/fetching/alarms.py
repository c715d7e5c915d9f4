"""Alarms about files that did not come: "expected by 03:00, not seen", and sources that went quiet."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from feedengine.ledger.incidents import Incidents
from feedengine.ledger.sources import SourceState
from feedengine.service.fetching.schedule import deadline
from feedengine.service.fetching.source import Source


def missing(source: Source, state: SourceState, now: datetime) -> str | None:
    """What is missing, in a sentence; None where all came in time."""
    made = datetime.fromisoformat(state.made)
    newest = datetime.fromisoformat(state.file) if state.file else None
    if source.expected_by:
        due, before = deadline(source.expected_by, source.time_zone, now)
        if made < due and (newest is None or newest <= before):
            there = due.astimezone(ZoneInfo(source.time_zone))
            return f"expected by {there:%Y-%m-%d %H:%M} {source.time_zone}, not seen"
    if source.stale_after and now - (newest or made) > timedelta(seconds=source.stale_after):
        since = newest or made
        return f"no new file for {_spoken(now - since)}; the last one came at {state.file or 'no time'}"
    return None


def sound(source: Source, state: SourceState, incidents: Incidents, now: datetime) -> str | None:
    """Open an incident where something is missing, close it where it came. Gives what was not known before."""
    what = missing(source, state, now)
    if what is None:
        incidents.close("source_missing", source.name)
        return None
    if incidents.seen("source_missing", source.name):
        return None
    about = {
        "source": source.name,
        "message": what,
        "last_file": state.file,
        "last_good_look": state.good,
        "error": state.error,
        "next": f"feedengine source check {source.name}",
    }
    incidents.open("source_missing", source.name, about)
    return what


def _spoken(length: timedelta) -> str:
    hours = int(length.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 72 else f"{hours} hours" if hours else "less than an hour"
