"""Figures of the ledger: counters that outlive the tasks they count, and cheap sums of what there is now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from feedengine.ledger.database import Database
from feedengine.ledger.task import COLUMNS, Task, from_row

#: Upper bounds of the durations' classes, in seconds; the ledger's times are whole seconds.
BOUNDS = (1, 2, 5, 10, 30, 60, 300, 1800, 7200)

_NEXT_SECTION = (
    "SELECT key, section FROM tasks WHERE status = 'DONE' AND key = ? AND section > ? ORDER BY section LIMIT 1"
)
_NEXT_KEY = "SELECT key, section FROM tasks WHERE status = 'DONE' AND key > ? ORDER BY key, section LIMIT 1"
_OPEN = "queued AND status IN ('QUEUED', 'IN_PROGRESS')"


@dataclass(frozen=True)
class Applied:
    """The last task of a catalog that was done: its end (UTC, ISO 8601) and the snapshot that was current then."""

    key: str
    section: str
    task: int
    ended: str
    snapshot: int | None


class Figures:
    """The verbs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, by: float = 1, **labels: str) -> None:
        """Count. Labels have few values each: never a file's or a person's name."""
        with self._database.write() as con:
            con.execute(
                "INSERT INTO counters (name, labels, value) VALUES (?, ?, ?) "
                "ON CONFLICT (name, labels) DO UPDATE SET value = value + excluded.value",
                [name, json.dumps(labels, sort_keys=True), by],
            )

    def observe(self, name: str, seconds: float) -> None:
        """Count a duration in its class; `counters` gives `<name>` by `le` (each class for itself) and `<name>_sum`."""
        bound = next((str(each) for each in BOUNDS if seconds <= each), "+Inf")
        with self._database.write():
            self.add(name, le=bound)
            self.add(f"{name}_sum", seconds)

    def counters(self) -> list[tuple[str, Mapping[str, str], float]]:
        """Every counter with its labels."""
        with self._database.read() as con:
            rows = con.execute("SELECT name, labels, value FROM counters ORDER BY name, labels").fetchall()
        return [(name, json.loads(labels), value) for name, labels, value in rows]

    def queue(self) -> dict[str, tuple[int, str | None]]:
        """By status QUEUED and IN_PROGRESS: how many tasks, and when the oldest came in."""
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT status, count(*), min(submission_time) FROM tasks WHERE {_OPEN} GROUP BY status"
            ).fetchall()
        return {"QUEUED": (0, None), "IN_PROGRESS": (0, None)} | {row[0]: (row[1], row[2]) for row in rows}

    def running(self) -> list[Task]:
        """Tasks that are worked on, the oldest first; those of commands, too."""
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT {', '.join(COLUMNS)} FROM tasks WHERE status = 'IN_PROGRESS' ORDER BY id"
            ).fetchall()
        return [from_row(row) for row in rows]

    def applied(self, limit: int = 1000) -> list[Applied]:
        """The last task done of each catalog; a seek for each catalog, however many tasks there are."""
        found: list[Applied] = []
        key, section = "", ""
        with self._database.read() as con:
            while len(found) < limit:
                # The next section of this key, else the first of the next: one seek each; SQLite would walk through
                # all tasks of a key for a comparison of pairs.
                row = con.execute(_NEXT_SECTION, [key, section]).fetchone() or con.execute(_NEXT_KEY, [key]).fetchone()
                if row is None:
                    return found
                key, section = row
                last = self.last_applied(key, section)
                if last is not None:
                    found.append(last)
        return found

    def last_applied(self, key: str, section: str) -> Applied | None:
        """The last task done of one catalog."""
        with self._database.read() as con:
            row = con.execute(
                "SELECT id, coalesce(last_update, submission_time), coalesce(new_snapshot, base_snapshot) "
                "FROM tasks WHERE status = 'DONE' AND key = ? AND section = ? ORDER BY id DESC LIMIT 1",
                [key, section],
            ).fetchone()
        return Applied(key, section, *row) if row else None

    def named(self, name: str, limit: int = 20) -> list[Task]:
        """Tasks of files of that name, the newest first."""
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT {', '.join(COLUMNS)} FROM tasks WHERE filename = ? ORDER BY id DESC LIMIT ?", [name, limit]
            ).fetchall()
        return [from_row(row) for row in rows]
