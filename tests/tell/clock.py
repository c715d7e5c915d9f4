"""A clock that tests set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: str = "2026-11-21T02:00:00") -> None:
        self.at = datetime.fromisoformat(at).replace(tzinfo=UTC)

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)

    def now(self) -> datetime:
        return self.at

    def iso(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")
