"""Messages that are to be sent, mails and webhooks: kept until they are sent or given up, each once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from feedengine.ledger.database import Database, now
from feedengine.ledger.figures import Figures

STATUSES = ("waiting", "sent", "dead")


@dataclass(frozen=True)
class Message:
    """A mail or webhook on its way. Times are UTC in ISO 8601; `body` is a JSON object that its kind understands.

    `place` is the webhook's name, empty for a mail. `unique_key` says what the message tells of: a second message of
    the same key is not taken. `not_before` is when to try (again).
    """

    id: int
    kind: str
    place: str
    unique_key: str
    task: int | None
    body: Mapping[str, Any]
    status: str
    attempts: int
    made: str
    not_before: str
    sent: str | None
    error: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_COLUMNS = ", ".join(field.name for field in fields(Message))
_Messages = list[Message]


class Messages:
    """The verbs of the messages' outbox."""

    def __init__(self, database: Database, clock: Callable[[], str] = now) -> None:
        self._database = database
        self._clock = clock

    def enqueue(
        self, kind: str, unique_key: str, body: Mapping[str, Any], *, place: str = "", task: int | None = None
    ) -> bool:
        """Add a message (kind mail or webhook); says False where one of this key was added before."""
        if kind not in ("mail", "webhook"):
            raise ValueError(f"no kind of message: {kind}")
        at = self._clock()
        with self._database.write(lasting=True) as con:
            added = con.execute(
                "INSERT OR IGNORE INTO messages (kind, place, unique_key, task, body, status, attempts, made, "
                "not_before) VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?, ?)",
                [kind, place, unique_key, task, json.dumps(body, default=str), at, at],
            ).rowcount
        return bool(added)

    def once(self, event: str) -> bool:
        """Note that an event was told of; False where it was noted before. Within the transaction that tells of it."""
        with self._database.write() as con:
            return bool(
                con.execute("INSERT OR IGNORE INTO told (event, at) VALUES (?, ?)", [event, self._clock()]).rowcount
            )

    def due(self, limit: int = 50) -> _Messages:
        """Messages that are to be tried now, the longest waiting first."""
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT {_COLUMNS} FROM messages WHERE status = 'waiting' AND not_before <= ? "
                "ORDER BY not_before, id LIMIT ?",
                [self._clock(), limit],
            ).fetchall()
        return [_message(row) for row in rows]

    def next_due(self) -> str | None:
        """When the next message is to be tried; None while none waits."""
        with self._database.read() as con:
            found = con.execute("SELECT min(not_before) FROM messages WHERE status = 'waiting'").fetchone()[0]
        return None if found is None else str(found)

    def sent(self, message: int) -> None:
        """It has arrived."""
        with self._database.write() as con:
            kind = con.execute(
                "UPDATE messages SET status = 'sent', sent = ?, attempts = attempts + 1, error = NULL WHERE id = ? "
                "RETURNING kind",
                [self._clock(), message],
            ).fetchone()[0]
            Figures(self._database).add("messages", kind=kind, result="sent")

    def failed(self, message: int, error: str, not_before: str | None) -> None:
        """An attempt failed; try again at `not_before`, or never (None: it is dead)."""
        with self._database.write() as con:
            kind = con.execute(
                "UPDATE messages SET attempts = attempts + 1, error = ?, status = ?, not_before = ? WHERE id = ? "
                "RETURNING kind",
                [error, "dead" if not_before is None else "waiting", not_before or self._clock(), message],
            ).fetchone()[0]
            Figures(self._database).add("messages", kind=kind, result="dead" if not_before is None else "failed")

    def postpone(self, kind: str, place: str, until: str) -> None:
        """Try nothing at a destination before a time: it is down, whatever else waits for it."""
        with self._database.write() as con:
            con.execute(
                "UPDATE messages SET not_before = ? WHERE status = 'waiting' AND kind = ? AND place = ? "
                "AND not_before < ?",
                [until, kind, place, until],
            )

    def retry(self, message: int | None = None) -> int:
        """Try dead messages again, all or one, and the waiting ones at once; gives how many."""
        which, values = ("id = ?", [message]) if message is not None else ("1", [])
        with self._database.write() as con:
            return con.execute(
                "UPDATE messages SET status = 'waiting', attempts = CASE status WHEN 'dead' THEN 0 ELSE attempts END, "
                f"not_before = ? WHERE status <> 'sent' AND {which}",
                [self._clock(), *values],
            ).rowcount

    def counts(self) -> dict[tuple[str, str], int]:
        """How many there are by (kind, status); those without any are there with 0."""
        found = {(kind, status): 0 for kind in ("mail", "webhook") for status in STATUSES}
        with self._database.read() as con:
            rows = con.execute("SELECT kind, status, count(*) FROM messages GROUP BY kind, status").fetchall()
        return found | {(kind, status): count for kind, status, count in rows}

    def list(self, *, status: str | None = None, limit: int = 100) -> _Messages:
        """Messages, the newest first."""
        where, values = (" WHERE status = ?", [status]) if status else ("", [])
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT {_COLUMNS} FROM messages{where} ORDER BY id DESC LIMIT ?", [*values, limit]
            ).fetchall()
        return [_message(row) for row in rows]

    def prune(self, before: str) -> int:
        """Forget messages that were sent or given up, made before a time; gives how many."""
        with self._database.write() as con:
            con.execute("DELETE FROM told WHERE at < ?", [before])
            return con.execute("DELETE FROM messages WHERE status <> 'waiting' AND made < ?", [before]).rowcount


def _message(row: Iterable[Any]) -> Message:
    values = dict(zip((field.name for field in fields(Message)), row, strict=True))
    values["body"] = json.loads(values["body"])
    return Message(**values)
