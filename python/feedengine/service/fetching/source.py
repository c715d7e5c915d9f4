"""A source as the settings describe it, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import translate
from pathlib import Path
from typing import Any

from feedengine import names
from feedengine.errors import ConfigError, Hint, NotFound
from feedengine.settings import Settings
from feedengine.transport.connecting import place_of
from feedengine.transport.remote import Entry, Place

_EXTENSIONS = sorted((*names.PUBLISHED_EXTENSIONS, *names.OTHER_EXTENSIONS), key=len, reverse=True)


@dataclass(frozen=True)
class Source:
    """One `[sources.NAME]`. Durations in seconds; `move_to` is a folder there, empty where loaded files don't move."""

    name: str
    table: Mapping[str, Any]
    beside: Path | None
    enabled: bool
    schedule: str
    time_zone: str
    wanted: re.Pattern[str]
    key: str
    section: str
    operation: str
    stability: str
    settle: float
    min_age: float
    marker: str
    order: str
    after: str
    move_to: str
    expected_by: str
    stale_after: float
    retries: int
    backoff: float
    pause_after: int

    @property
    def actor(self) -> str:
        """Who its tasks are made by."""
        return f"source:{self.name}"

    def place(self, env: Mapping[str, str] | None = None) -> Place:
        """Where it is; reads the password. Raises `ConfigError`."""
        return place_of(self.table, name=f"sources.{self.name}", beside=self.beside, env=env)

    def feed_name(self, entry: Entry, now: datetime) -> str:
        """What the file is called in the queue: its own name, or one made of catalog, operation and its time."""
        if not self.key:
            return entry.name
        low = entry.name.lower()
        extension = next((each for each in _EXTENSIONS if low.endswith("." + each)), None)
        if extension is None:
            # Refused by the queue, with the extensions that it takes.
            return entry.name
        return names.build(self.key, self.section, self.operation, entry.modified or now, ext=extension)

    @classmethod
    def read(cls, name: str, table: Mapping[str, Any], beside: Path | None) -> Source:
        """From the table's keys. Raises `ConfigError` where they contradict each other."""
        where = f"sources.{name}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
            raise ConfigError(f"[{where}]: a source's name is made of letters, digits, _ . and -.")
        key, _, section = table["catalog"].partition("/")
        if bool(key) != bool(table["operation"]):
            given, missing = ("catalog", "operation") if key else ("operation", "catalog")
            raise ConfigError(f"{where}: {given} needs {missing} as well; together they make the feed's name.")
        if table["stability"] == "done" and not table["marker"]:
            raise ConfigError(f'{where}.marker: stability = "done" needs the ending of the marker\'s name.')
        pattern = table["pattern"]
        wanted = pattern.removeprefix("regex:") if pattern.startswith("regex:") else translate(pattern)
        after, _, folder = table["after"].partition(" ")
        return cls(
            name, table, beside, table["enabled"], table["schedule"], table["time_zone"], re.compile(wanted),
            key, section, table["operation"], table["stability"], table["settle"], table["min_age"], table["marker"],
            table["order"], after, folder, table["expected_by"], table["stale_after"], table["retries"],
            table["backoff"], table["pause_after"],
        )  # fmt: skip


def sources(settings: Settings) -> dict[str, Source]:
    """Every source of the settings, by name. Raises `ConfigError`."""
    beside = settings.file.parent if settings.file else None
    return {name: Source.read(name, table, beside) for name, table in settings.named["sources"].items()}


def source(settings: Settings, name: str) -> Source:
    """One source. Raises `NotFound`, `ConfigError`."""
    known = sources(settings)
    if name not in known:
        listed = ", ".join(known) or "none are set"
        raise NotFound(
            f"There is no source {name}; known: {listed}.",
            state="Nothing was started.",
            hints=[Hint("List them", ("feedengine", "source", "list"))],
        )
    return known[name]


def written(when: datetime | None) -> str | None:
    """A listing's time as the ledger keeps it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if when else None
