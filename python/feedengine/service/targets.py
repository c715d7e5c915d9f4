"""Where files go: a target of the settings or a URL, with all that sending there needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from feedengine.errors import ConfigError, Hint, UsageError
from feedengine.settings import Settings
from feedengine.settings.table import NAMED
from feedengine.transport.connecting import parse_url, place_of
from feedengine.transport.remote import Place


@dataclass(frozen=True)
class SendTarget:
    """A destination: its name (or URL), where it is, and its keys as `settings.tables.send.KEYS` explains them."""

    name: str
    place: Place
    keys: Mapping[str, Any]

    def temporary(self, path: str) -> str:
        """What `path` is called while it is sent; itself where no temporary name is wanted."""
        folder, slash, name = path.rpartition("/")
        return folder + slash + self.keys["temporary"].replace("{name}", name) if self.keys["temporary"] else path

    def wait(self, attempts: int, random: float) -> float:
        """Seconds before the next attempt after so many; `random` in 0..1 spreads what failed together."""
        longest = float(self.keys["longest_wait"])
        # 2**60 s is beyond every limit; larger powers need not be computed.
        return min(longest, float(self.keys["first_wait"]) * 2.0 ** min(attempts - 1, 60)) * (0.5 + random / 2)

    def quiet_until(self, now: datetime) -> datetime | None:
        """The end of the blackout that `now` is in; None outside of it."""
        window = self.keys["blackout"]
        if not window:
            return None
        from zoneinfo import ZoneInfo

        here = now.astimezone(ZoneInfo(self.keys["time_zone"]))
        begin, end = ((int(part[:2]), int(part[3:])) for part in window.split("-"))
        # It may have begun yesterday.
        for days in (-1, 0):
            day = here.date() + timedelta(days=days)
            first = datetime(day.year, day.month, day.day, *begin, tzinfo=here.tzinfo)
            last_day = day if end > begin else day + timedelta(days=1)
            last = datetime(last_day.year, last_day.month, last_day.day, *end, tzinfo=here.tzinfo)
            if first <= here < last:
                return last
        return None


def target_of(settings: Settings, name: str) -> SendTarget:
    """The target of that name in the settings, else the URL or path. Raises `UsageError`, `ConfigError`."""
    tables = settings.named["targets"]
    if name in tables:
        beside = settings.file.parent if settings.file else None
        return SendTarget(name, place_of(tables[name], name=f"targets.{name}", beside=beside), tables[name])
    if "/" not in name:
        known = ", ".join(sorted(tables)) or "none"
        raise UsageError(
            f'There is no target "{name}"; known are: {known}.',
            state="Nothing was sent.",
            hints=[Hint("Add [targets.NAME] to the settings, or give a URL such as ftps://user@host/folder")],
        )
    defaults = {key.name: key.default for key in NAMED["targets"]}
    return SendTarget(name, parse_url(name), {**defaults, "url": name})


def is_ours(settings: Settings, name: str) -> bool:
    """Whether the courier can send there by itself: a password of a URL is known only to the command that named it."""
    if name in settings.named["targets"]:
        return True
    try:
        return parse_url(name).scheme == "local" if "/" in name else False
    except (UsageError, ConfigError):
        return False
