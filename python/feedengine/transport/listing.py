"""What servers say of the files in a folder: MLSD, and LIST as Unix and Windows servers write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from feedengine.transport.remote import Entry

_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_UNIX = re.compile(
    r"(?P<kind>[-l])[-rwxsStTlL]{9}[+.@]?\s+.*?(?P<bytes>\d+)\s+"
    r"(?:(?P<month>[A-Za-z]{3})\s+(?P<day>\d{1,2})\s+(?:(?P<clock>\d{1,2}:\d\d)|(?P<year>\d{4}))"
    r"|(?P<date>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d)(?::\d\d(?:\.\d+ [+-]\d{4})?)?)"
    r" (?P<name>.+)"
)
_WINDOWS = re.compile(
    r"(?:(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d\d|\d{4})|(?P<date>\d{4}-\d\d-\d\d))\s+"
    r"(?P<hour>\d\d):(?P<minute>\d\d)(?P<half>[AaPp][Mm])?\s+(?P<bytes>\d+) (?P<name>.+)"
)


def mlsd(lines: Iterable[str]) -> Iterator[tuple[Entry, bool]]:
    """Files of an MLSD answer; each with whether it is a link, whose size is not that of the file."""
    for line in lines:
        facts, found, name = line.partition(" ")
        if not found or not name:
            continue
        known = {key.lower(): value for key, _, value in (each.partition("=") for each in facts.split(";") if each)}
        kind = known.get("type", "file").lower()
        link = kind.startswith(("os.unix=slink", "os.unix=symlink"))
        if kind != "file" and not link:
            continue
        size = known.get("size", "")
        # Some servers print the whole path.
        name = name.rpartition("/")[2]
        yield Entry(name, int(size) if size.isdecimal() else None, stamp(known.get("modify", ""))), link


def list_(lines: Iterable[str], now: datetime) -> Iterator[tuple[Entry, bool]]:
    """Files of a LIST answer, as `mlsd`. Times are to the minute, in the server's zone, which it doesn't say."""
    for line in lines:
        if unix := _UNIX.fullmatch(line):
            name = unix["name"].partition(" -> ")[0] if unix["kind"] == "l" else unix["name"]
            yield Entry(name, int(unix["bytes"]), _unix_time(unix, now)), unix["kind"] == "l"
        elif windows := _WINDOWS.fullmatch(line):
            yield Entry(windows["name"], int(windows["bytes"]), _windows_time(windows)), False


def stamp(text: str) -> datetime | None:
    """A time of MLSD and MDTM: YYYYMMDDHHMMSS, in UTC, fractions left out. None where unreadable."""
    match = re.match(r"\d{14}", text, re.ASCII)
    try:
        return datetime.strptime(match[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


def only_files(entries: Iterable[Entry]) -> list[Entry]:
    """By name, each once, without those that name no file of the folder."""
    found = {entry.name: entry for entry in entries if entry.name not in (".", "..") and "/" not in entry.name}
    return [found[name] for name in sorted(found)]


def without_size(entry: Entry) -> Entry:
    """The same file, its size unknown."""
    return replace(entry, bytes=None)


def _unix_time(match: re.Match[str], now: datetime) -> datetime | None:
    try:
        if match["date"]:
            return datetime.fromisoformat(f"{match['date']}T{match['time']}").replace(tzinfo=UTC)
        month, day = _MONTHS.get(match["month"].lower()), int(match["day"])
        if month is None:
            return None
        if match["year"]:
            return datetime(int(match["year"]), month, day, tzinfo=UTC)
        hour, minute = (int(part) for part in match["clock"].split(":"))
        # Without a year it is within the last months; a server whose clock is ahead of ours may be a day on.
        when = datetime(now.year, month, day, hour, minute, tzinfo=UTC)
        return when if when <= now + timedelta(days=1) else when.replace(year=now.year - 1)
    except ValueError:
        return None


def _windows_time(match: re.Match[str]) -> datetime | None:
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    try:
        if match["date"]:
            day = datetime.fromisoformat(match["date"])
        else:
            year = int(match["year"])
            year += 0 if year > 99 else 2000 if year < 70 else 1900
            day = datetime(year, int(match["month"]), int(match["day"]))
        return day.replace(hour=hour, minute=int(match["minute"]), tzinfo=UTC)
    except ValueError:
        return None
