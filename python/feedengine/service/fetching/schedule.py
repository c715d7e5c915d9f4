"""When a source runs next, and by when its file should have come: calendar arithmetic, no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from feedengine.settings.times import interval


def after(schedule: str, zone: str, when: datetime) -> datetime:
    """The first time of the schedule after `when`, in UTC.

    A cron line's time that does not exist on the day the clock goes forward comes right after the gap; one that exists
    twice on the day it goes back comes once.
    """
    seconds = interval(schedule)
    if seconds is not None:
        return when.astimezone(UTC) + timedelta(seconds=seconds)
    return next(_cron(schedule, zone, when))


def upcoming(schedule: str, zone: str, first: datetime) -> Iterator[datetime]:
    """The planned time `first` and those after it, in UTC."""
    yield first.astimezone(UTC)
    while True:
        first = after(schedule, zone, first)
        yield first


def deadline(clock: str, zone: str, when: datetime) -> tuple[datetime, datetime]:
    """The last time of day `clock` (03:00) that is over, and the one before it, in UTC: a file is due in between."""
    there = ZoneInfo(zone)
    at = time.fromisoformat(clock)
    day = when.astimezone(there).date()
    last = datetime.combine(day, at, there)
    if last.astimezone(UTC) > when:
        day -= timedelta(days=1)
        last = datetime.combine(day, at, there)
    before = datetime.combine(day - timedelta(days=1), at, there)
    return last.astimezone(UTC), before.astimezone(UTC)


def _cron(schedule: str, zone: str, when: datetime) -> Iterator[datetime]:
    from cronsim import CronSim

    for each in CronSim(schedule, when.astimezone(ZoneInfo(zone))):
        yield each.astimezone(UTC)
