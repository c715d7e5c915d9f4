"""Incidents: what is wrong and still open, each told once however often it is seen again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from feedengine.errors import NotFound
from feedengine.ledger.database import Database, now

#: What can be wrong, and what it means in one sentence.
KINDS: dict[str, str] = {
    "task_failed": "the newest feed of a catalog failed; nothing of it was applied",
    "task_held": "a feed waits for somebody to approve or reject it",
    "source_missing": "a source's file was expected and has not been seen",
    "source_failing": "a source failed so often that it is paused",
    "source_refused": "a source holds a file that is no feed; it was left there",
    "feed_missing": "a file of a catalog's entity was expected and has not come",
    "export_late": "records that are to be sent have waited too long",
    "delivery_dead": "a delivery was given up after its last attempt",
    "message_dead": "a mail or webhook was given up after its last attempt",
    "disk_low": "the store's disk is nearly full",
    "certificate_expiring": "the server's certificate ends soon",
    "worker_quarantined": "a feed killed its worker twice and was put aside",
    "part_crashing": "a part of the service ends again and again",
}


@dataclass(frozen=True)
class Incident:
    """A problem from its opening to its closing. Times are UTC in ISO 8601; `about` is a JSON object.

    `key` says whose problem it is: a catalog, a source, a part. `count` is how often it was seen, `notified` when
    somebody was told last, `acknowledged` when somebody said that they know: no reminder after that.
    """

    id: int
    kind: str
    key: str
    about: Mapping[str, Any]
    opened: str
    seen: str
    closed: str | None
    count: int
    notified: str | None
    acknowledged: str | None
    acknowledged_by: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_COLUMNS = ", ".join(field.name for field in fields(Incident))

#: The method `list` hides the type of that name inside the class.
_Incidents = list[Incident]


class Incidents:
    """The verbs. At most one incident of a kind and key is open at a time; closed ones stay as history."""

    def __init__(self, database: Database, clock: Callable[[], str] = now) -> None:
        self._database = database
        self._clock = clock

    def open(self, kind: str, key: str, about: Mapping[str, Any]) -> Incident:
        """Something is wrong, perhaps still: opens an incident, or counts the open one again. `about` replaces."""
        if kind not in KINDS:
            raise ValueError(f"no kind of incident: {kind}")
        at, facts = self._clock(), json.dumps(about, default=str)
        with self._database.write() as con:
            again = con.execute(
                "UPDATE incidents SET about = ?, seen = ?, count = count + 1 "
                "WHERE kind = ? AND key = ? AND closed IS NULL",
                [facts, at, kind, key],
            ).rowcount
            if not again:
                con.execute(
                    "INSERT INTO incidents (kind, key, about, opened, seen, count) VALUES (?, ?, ?, ?, ?, 1)",
                    [kind, key, facts, at, at],
                )
            return self._open(kind, key)

    def seen(self, kind: str, key: str) -> bool:
        """Whether an incident of this kind and key is open."""
        with self._database.read() as con:
            found = con.execute(
                "SELECT 1 FROM incidents WHERE kind = ? AND key = ? AND closed IS NULL", [kind, key]
            ).fetchone()
        return found is not None

    def close(self, kind: str, key: str) -> bool:
        """It is right again. Says whether there was something to close."""
        if not self.seen(kind, key):
            # Most calls find nothing: no transaction for them.
            return False
        with self._database.write() as con:
            return bool(
                con.execute(
                    "UPDATE incidents SET closed = ? WHERE kind = ? AND key = ? AND closed IS NULL",
                    [self._clock(), kind, key],
                ).rowcount
            )

    def notified(self, incident: int) -> None:
        """Somebody is told of it now."""
        with self._database.write() as con:
            con.execute("UPDATE incidents SET notified = ? WHERE id = ?", [self._clock(), incident])

    def acknowledge(self, incident: int, actor: str) -> Incident:
        """Somebody knows of it: no more reminders. Raises `NotFound`."""
        with self._database.write() as con:
            con.execute(
                "UPDATE incidents SET acknowledged = ?, acknowledged_by = ? WHERE id = ? AND acknowledged IS NULL",
                [self._clock(), actor, incident],
            )
            return self.get(incident)

    def get(self, incident: int) -> Incident:
        """One incident. Raises `NotFound`."""
        with self._database.read() as con:
            row = con.execute(f"SELECT {_COLUMNS} FROM incidents WHERE id = ?", [incident]).fetchone()
        if row is None:
            hints = [{"text": "See the open ones", "argv": ["feedengine", "incident", "list"]}]
            raise NotFound(f"no incident {incident}", hints=hints)
        return _incident(row)

    def list(self, open_only: bool = True, *, limit: int = 1000) -> _Incidents:
        """Incidents, the newest first."""
        where = " WHERE closed IS NULL" if open_only else ""
        with self._database.read() as con:
            rows = con.execute(f"SELECT {_COLUMNS} FROM incidents{where} ORDER BY id DESC LIMIT ?", [limit]).fetchall()
        return [_incident(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many of each kind are open; kinds without any are there with 0."""
        with self._database.read() as con:
            rows = con.execute("SELECT kind, count(*) FROM incidents WHERE closed IS NULL GROUP BY kind").fetchall()
        return dict.fromkeys(KINDS, 0) | dict(rows)

    def to_tell(self, remind_before: str | None) -> _Incidents:
        """Open ones that nobody was told of, and those last told before `remind_before` and not acknowledged."""
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT {_COLUMNS} FROM incidents WHERE closed IS NULL "
                "AND (notified IS NULL OR (acknowledged IS NULL AND notified < ?)) ORDER BY id",
                [remind_before or ""],
            ).fetchall()
        return [_incident(row) for row in rows]

    def prune(self, before: str) -> int:
        """Forget incidents that were closed before a time; gives how many."""
        with self._database.write() as con:
            return con.execute("DELETE FROM incidents WHERE closed < ?", [before]).rowcount

    def _open(self, kind: str, key: str) -> Incident:
        with self._database.read() as con:
            row = con.execute(
                f"SELECT {_COLUMNS} FROM incidents WHERE kind = ? AND key = ? AND closed IS NULL", [kind, key]
            ).fetchone()
        return _incident(row)


def _incident(row: Iterable[Any]) -> Incident:
    values = dict(zip((field.name for field in fields(Incident)), row, strict=True))
    values["about"] = json.loads(values["about"])
    return Incident(**values)
