"""Passes of entities: when files of each are taken by its schedule, and when the last one came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from feedengine.ledger.database import Database


@dataclass(frozen=True)
class Pass:
    """What is known of an entity of a catalog. Times are UTC in ISO 8601.

    `made` is when it was first heard of, `next` the last pass that a file was put into (in the past once it has
    begun), by `schedule`; `file` is when the last file came.
    """

    catalog: str
    entity: str
    made: str
    schedule: str | None
    next: str | None
    file: str | None


_COLUMNS = ", ".join(field.name for field in fields(Pass))


class Passes:
    """The verbs; each is one transaction."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    def state(self, catalog: str, entity: str) -> Pass:
        """What is known of the entity; one that was never heard of is made."""
        with self._database.read() as con:
            row = con.execute(
                f"SELECT {_COLUMNS} FROM passes WHERE catalog = ? AND entity = ?", [catalog, entity]
            ).fetchone()
        if row is None:
            with self._database.write() as con:
                con.execute(
                    "INSERT OR IGNORE INTO passes (catalog, entity, made) VALUES (?, ?, ?)",
                    [catalog, entity, _text(self._now())],
                )
            return self.state(catalog, entity)
        return Pass(*row)

    def landed(self, catalog: str, entity: str) -> None:
        """A file came."""
        with self._database.write() as con:
            self.state(catalog, entity)
            con.execute(
                "UPDATE passes SET file = ? WHERE catalog = ? AND entity = ?", [_text(self._now()), catalog, entity]
            )

    def board(
        self, catalog: str, entity: str, schedule: str, after: Callable[[datetime], datetime], *, interval: bool
    ) -> str | None:
        """Put a file into a pass: gives the time until which it waits, None where it is taken at once.

        `after` gives the schedule's first time after another. By an `interval` a file is taken at once where no pass
        was for so long; by a calendar it waits for its next time. All files that wait go in the same pass.
        """
        with self._database.write(lasting=True) as con:
            known, now = self.state(catalog, entity), self._now().replace(microsecond=0)
            last = datetime.fromisoformat(known.next) if known.next and known.schedule == schedule else None
            if last is not None and last > now:
                return known.next
            at_once = now if last is None else max(now, after(last))
            due = at_once if interval else after(now - timedelta(seconds=1))
            con.execute(
                "UPDATE passes SET schedule = ?, next = ? WHERE catalog = ? AND entity = ?",
                [schedule, _text(due), catalog, entity],
            )
        return _text(due) if due > now else None


def _text(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
