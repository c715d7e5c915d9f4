"""Which files of a listing are wanted, whole and not known yet, and in which order: no network, no clock, no disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from feedengine import names
from feedengine.service.fetching.source import Source, written
from feedengine.transport.remote import Entry

#: Names under which programs upload what is not whole yet.
_UNFINISHED = (
    *(".part", ".partial", ".filepart", ".tmp", ".temp", ".writing", ".uploading", ".crdownload"),
    *(".camellock", ".processing"),
)
_CHECKSUM = ".sha256"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Choice:
    """`ready` files in the order in which they are to be loaded. `unsure` ones may be whole later; `passed` never."""

    ready: list[Entry]
    unsure: list[Entry]
    passed: list[Entry]


def facts(entry: Entry) -> tuple[str, int | None, str | None]:
    """By what a file is recognised: name, bytes, time."""
    return entry.name, entry.bytes, written(entry.modified)


def matching(source: Source, listed: Collection[Entry]) -> list[Entry]:
    """Files of the listing that the source is about."""
    return [entry for entry in listed if source.wanted.fullmatch(entry.name) and not _aside(source, entry.name)]


def choose(
    source: Source,
    listed: Collection[Entry],
    since: Mapping[str, str],
    settled: Collection[tuple[str, int | None, str | None]],
    now: datetime,
) -> Choice:
    """Choose from a listing. `since`: when each file was first seen as it is now; `settled`: what was done with."""
    new = sorted((entry for entry in matching(source, listed) if facts(entry) not in settled), key=_age)
    there = {entry.name for entry in listed}
    whole = {entry.name for entry in new if _whole(source, entry, there, since, now)}
    unsure = [entry for entry in new if entry.name not in whole]
    if source.order == "oldest":
        ready = []
        for entry in new:
            if entry.name in whole:
                ready.append(entry)
            elif source.stability in ("unchanged", "age"):
                # It will be whole soon, and those after it must not overtake it.
                break
        return Choice(ready, unsure, [])
    if source.order == "newest":
        return Choice([entry for entry in reversed(new) if entry.name in whole], unsure, [])
    wanted = [entry for entry in new if entry.name in whole][-1:]
    return Choice(wanted, unsure, [entry for entry in new if wanted and _age(entry) < _age(wanted[0])])


def _age(entry: Entry) -> tuple[datetime, datetime, str]:
    """Sorts files from the oldest on: by the time in the name where there is one, else by the server's."""
    read = names.parse(entry.name)
    named = read.parsed_time if isinstance(read, names.FeedName) else None
    modified = entry.modified or _LONG_AGO
    return named or modified, modified, entry.name


def _aside(source: Source, name: str) -> bool:
    low = name.lower()
    return (
        # A server that names files outside the folder is up to something: names become paths of ours.
        any(mark in name for mark in "/\0")
        or name.startswith((".", "~"))
        or low.startswith("in.")
        or low.endswith((*_UNFINISHED, _CHECKSUM))
        or (source.stability == "done" and name.endswith(source.marker))
    )


def _whole(source: Source, entry: Entry, there: Collection[str], since: Mapping[str, str], now: datetime) -> bool:
    if source.stability == "done":
        return entry.name + source.marker in there
    if source.stability == "sha256":
        return entry.name + _CHECKSUM in there
    if source.stability == "age":
        return entry.modified is not None and now - entry.modified >= timedelta(seconds=source.min_age)
    if source.stability == "unchanged":
        seen = since.get(entry.name)
        return seen is not None and now - datetime.fromisoformat(seen) >= timedelta(seconds=source.settle)
    return True
