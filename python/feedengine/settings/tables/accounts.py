"""Settings of logins: bans, limits, timeouts."""

from __future__ import annotations

from typing import Any

from feedengine.settings import kinds
from feedengine.settings.kinds import Kind
from feedengine.settings.setting import Setting


def _row(name: str, kind: Kind, default: Any, about: str) -> Setting:
    return Setting("accounts", name, kind, default, about)


_DAY = 86400

ROWS: tuple[Setting, ...] = (
    _row("checkers", kinds.whole(1, 64), 2, "passwords checked at a time by each server; each takes 16 MiB"),
    _row("remember", kinds.whole(0, 3600), 300, "seconds for which a password that was right is not hashed again"),
    _row(
        "ban_score",
        kinds.whole(3, 10_000),
        15,
        "score that bans an address: unknown user 2, wrong password 1, broken protocol 3; a right login takes 5 away",
    ),
    _row("ban_window", kinds.whole(60, 7 * _DAY), 1800, "seconds in which a full score melts away"),
    _row("ban_time", kinds.whole(1, _DAY), 1800, "seconds of the first ban; each further one is half as long again"),
    _row("never_ban", kinds.networks, [], "addresses and networks that are never banned, such as a balancer's"),
)
