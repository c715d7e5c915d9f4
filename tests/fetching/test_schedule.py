"""Times: intervals, cron lines in their own zone, days with 23 and 25 hours, deadlines."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from feedengine.service.fetching.schedule import after, deadline, upcoming

VIENNA = "Europe/Vienna"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(schedule: str, zone: str, when: str, count: int) -> list[str]:
    first = after(schedule, zone, at(when))
    return [each.strftime("%m-%d %H:%M") for each in islice(upcoming(schedule, zone, first), count)]


@pytest.mark.feature("P4", "L2")
def test_a_cron_line_is_in_its_own_zone_the_year_round() -> None:
    # 02:30 in Vienna is 01:30 UTC in winter and 00:30 UTC in summer.
    assert times("30 2 * * *", VIENNA, "2026-11-21T12:00", 2) == ["11-22 01:30", "11-23 01:30"]
    assert times("30 2 * * *", VIENNA, "2026-07-01T12:00", 1) == ["07-02 00:30"]
    assert times("0 9 * * mon-fri", "America/New_York", "2026-11-20T20:00", 2) == ["11-23 14:00", "11-24 14:00"]


@pytest.mark.feature("P4")
def test_the_day_that_lacks_an_hour_has_its_run_all_the_same() -> None:
    # On 2026-03-29 there is no 02:30 in Vienna: it comes right after the gap, at 03:00 summer time = 01:00 UTC.
    assert times("30 2 * * *", VIENNA, "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:30"]


@pytest.mark.feature("P4")
def test_the_day_that_has_an_hour_twice_has_one_run() -> None:
    # On 2026-10-25 02:30 in Vienna comes twice, 00:30 and 01:30 UTC.
    found = times("30 2 * * *", VIENNA, "2026-10-24T12:00", 2)
    assert found == ["10-25 00:30", "10-26 01:30"]
    # Every quarter of an hour goes on through both.
    assert times("*/15 * * * *", VIENNA, "2026-10-25T00:50", 5) == [
        "10-25 01:00", "10-25 01:15", "10-25 01:30", "10-25 01:45", "10-25 02:00",
    ]  # fmt: skip


def test_an_interval_goes_on_from_the_planned_time() -> None:
    assert times("15m", "UTC", "2026-11-21T12:00", 3) == ["11-21 12:15", "11-21 12:30", "11-21 12:45"]


@pytest.mark.feature("L6")
@pytest.mark.parametrize(
    ("now", "last", "before"),
    [
        ("2026-11-21T01:59", "2026-11-20T02:00", "2026-11-19T02:00"),
        ("2026-11-21T02:00", "2026-11-21T02:00", "2026-11-20T02:00"),
        ("2026-03-29T10:00", "2026-03-29T01:00", "2026-03-28T02:00"),  # 23 hours
        ("2026-10-25T10:00", "2026-10-25T02:00", "2026-10-24T01:00"),  # 25 hours
    ],
)
def test_a_deadline_is_a_time_of_day_there(now: str, last: str, before: str) -> None:
    assert deadline("03:00", VIENNA, at(now)) == (at(last), at(before))
