"""Which files of a listing are taken, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feedengine.service.fetching.choosing import Choice, choose, facts
from feedengine.transport.remote import Entry
from fetching.rig import feed, source

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def entry(name: str, ago: float = 3600, size: int | None = 10) -> Entry:
    return Entry(name, size, NOW - timedelta(seconds=ago))


def pick(listed: list[Entry], *, young: tuple[str, ...] = (), settled: tuple[Entry, ...] = (), **given: Any) -> Choice:
    """Choose; files in `young` were seen first just now, the others long ago."""
    since = {each.name: "2026-11-21T12:00:00Z" if each.name in young else "2026-11-21T00:00:00Z" for each in listed}
    return choose(source("/x", settle=10.0, **given), listed, since, {facts(each) for each in settled}, NOW)


def names(entries: list[Entry]) -> list[str]:
    return [each.name for each in entries]


def test_only_what_matches_and_is_no_part() -> None:
    listed = [
        entry(each) for each in ("a.csv", ".a.csv", "~a.csv", "a.csv.part", "a.csv.filepart", "b.txt", "in.a.csv")
    ]
    assert names(pick(listed, pattern="*.csv*").ready) == ["a.csv"]
    assert names(pick(listed, pattern=r"regex:[ab]\.(csv|txt)").ready) == ["a.csv", "b.txt"]
    assert names(pick([entry("A.CSV")], pattern="*.csv").ready) == []


def test_a_name_that_leads_out_of_the_folder_is_not_wanted() -> None:
    listed = [entry(each) for each in ("../a.csv", "/etc/a.csv", "b/a.csv", "a\0.csv", "..")]
    assert names(pick(listed, pattern="*").ready) == []


@pytest.mark.feature("P3")
def test_order() -> None:
    # The time in the name goes before the time of the file.
    listed = [entry(feed(3), 500), entry(feed(1), 10), entry(feed(2), 900)]
    assert names(pick(listed).ready) == [feed(1), feed(2), feed(3)]
    assert names(pick(listed, order="newest").ready) == [feed(3), feed(2), feed(1)]
    latest = pick(listed, order="latest")
    assert names(latest.ready) == [feed(3)]
    assert names(latest.passed) == [feed(1), feed(2)]
    other = [entry("b.csv", 900), entry("a.csv", 100), entry("c.csv", 500)]
    assert names(pick(other).ready) == ["b.csv", "c.csv", "a.csv"]


@pytest.mark.feature("P3")
def test_a_file_that_may_still_grow_is_not_overtaken() -> None:
    listed = [entry(feed(1)), entry(feed(2)), entry(feed(3))]
    found = pick(listed, young=(feed(2),))
    assert names(found.ready) == [feed(1)]
    assert names(found.unsure) == [feed(2)]
    # Whoever wants the newest does not wait for old ones.
    assert names(pick(listed, young=(feed(2),), order="newest").ready) == [feed(3), feed(1)]
    # The latest that is whole; one that is on its way does not pass it over.
    latest = pick(listed, young=(feed(3),), order="latest")
    assert (names(latest.ready), names(latest.passed)) == ([feed(2)], [feed(1)])


def test_when_a_file_is_whole() -> None:
    done = [entry("a.csv"), entry("a.csv.done"), entry("b.csv")]
    assert names(pick(done, stability="done").ready) == ["a.csv"]
    assert names(pick([entry("a.csv"), entry("a.csv.ok")], stability="done", marker=".ok").ready) == ["a.csv"]
    sums = [entry("a.csv"), entry("a.csv.sha256"), entry("b.csv")]
    assert names(pick(sums, stability="sha256").ready) == ["a.csv"]
    aged = [entry("a.csv", 61), entry("b.csv", 59), Entry("c.csv", 1, None)]
    assert names(pick(aged, stability="age", order="newest").ready) == ["a.csv"]
    assert names(pick([entry("a.csv", 0)], young=("a.csv",), stability="none").ready) == ["a.csv"]


@pytest.mark.feature("P3", "L1")
def test_what_is_known_is_not_taken_again_and_what_changed_is() -> None:
    old = entry("a.csv", 3600, 10)
    assert names(pick([old], settled=(old,)).ready) == []
    for changed in (entry("a.csv", 3600, 11), entry("a.csv", 60, 10)):
        assert names(pick([changed], settled=(old,)).ready) == ["a.csv"]
