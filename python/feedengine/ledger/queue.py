"""The service's queue in the ledger: landed files in order of arrival per key, claimed by lease, put back, settled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from feedengine.errors import UsageError
from feedengine.faults import point
from feedengine.ledger import process
from feedengine.ledger.database import moment, now
from feedengine.ledger.ledger import Ledger
from feedengine.ledger.task import COLUMNS, Task, from_row

_ALL = ", ".join(COLUMNS)
_FAR = 3600.0
_OPEN = "queued AND status IN ('QUEUED', 'IN_PROGRESS')"

# What is open and due, with its number among its entity's files, the minute since when the entity waits, and how often
# it had its turn since the file is due. Files without an entity are all of one kind.
_OTHERS = "FROM tasks AS o WHERE o.key = tasks.key AND o.section = tasks.section AND o.entity = tasks.entity"
_DUE = "coalesce(due, submission_time)"
_LINE = (
    "SELECT id, key, place, status, not_before, submission_time, sent, rank, "
    "CASE WHEN entity IS NULL THEN 1 ELSE row_number() OVER "
    "(PARTITION BY key, section, entity, status ORDER BY {order}) END AS nth, "
    f"CASE WHEN entity IS NOT NULL THEN substr(max({_DUE}, coalesce((SELECT max(start_time) {_OTHERS}), '')), 1, 16) "
    "END AS since, "
    f"CASE WHEN entity IS NOT NULL THEN (SELECT count(*) {_OTHERS} "
    "AND o.start_time >= coalesce(tasks.due, tasks.submission_time) AND o.id <> tasks.id) END AS served "
    f"FROM tasks WHERE {_OPEN} AND (due IS NULL OR due <= ? OR status = 'IN_PROGRESS')"
)


class Queue:
    """Verbs of the queue. Every one is a single transaction; those that lead to a promise are on the disk."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def add(self, **values: Any) -> int:
        """Put a landed file into the queue as its key's last; gives the task's number. On the disk when it returns.

        `values` are columns of the task.
        """
        known = {name: values.pop(name) for name in _CREATED if name in values}
        with self.ledger.write(lasting=True) as con:
            task = self.ledger.create(**known)
            more = {**values, "queued": 1, "place": task}
            changes = ", ".join(f"{name} = ?" for name in more)
            con.execute(f"UPDATE tasks SET {changes} WHERE id = ?", [*more.values(), task])
        return task

    def add_first(self, **values: Any) -> int:
        """Put a feed of the engine's own before all that wait for its key: what they hold is newer."""
        with self.ledger.write(lasting=True) as con:
            task = self.add(**values)
            con.execute(
                "UPDATE tasks SET place = (SELECT min(place) - 1 FROM tasks AS o WHERE o.key = tasks.key "
                "AND o.queued AND o.status IN ('QUEUED', 'IN_PROGRESS')) WHERE id = ?",
                [task],
            )
        return task

    def add_rejected(self, *, error: Mapping[str, Any], **values: Any) -> int:
        """Note a landed file whose name can't be used: a FAILED task that nobody works on."""
        with self.ledger.write(lasting=True):
            task = self.add(**values)
            self.ledger.fail(task, "rejected_name", error=error)
        return task

    def claim(self, lease: float, window: float = 0.0) -> Task | None:
        """Take the next task, for `lease` seconds: the first in its key's line, where nobody works on the key.

        Keys take turns by the age of what waits. A task that waits to be tried again holds its key's line up, so that
        order is kept. `window`: hold tasks back so many seconds and put a key's line in order of the files' times.

        Files of a profile's entities stand in the line from the time they are due, the first of each entity. An entity
        waits since then, or since its last turn; those that wait since the same minute take turns in order of rank. So
        what others refer to comes first, and an entity with many files holds no other up.
        """
        if not self._select("queued AND status = 'QUEUED' LIMIT 1"):
            return None
        # Nothing waits so long: a time that far ahead was written before the clock was set back.
        at, far = moment(), moment(_FAR)
        order = "coalesce(sent, submission_time), place, id" if window else "place, id"
        # Lasting: what the store says was applied must not be waiting in the ledger after a power failure.
        with self.ledger.write(lasting=True) as con:
            # Only the rows of the partial index are looked at, however many tasks the ledger keeps.
            row = con.execute(
                "UPDATE tasks SET status = 'IN_PROGRESS', worker = ?, lease_until = ?, attempts = attempts + 1, "
                "start_time = ?, last_update = ?, not_before = NULL WHERE id = ("
                "SELECT id FROM (SELECT id, place, status, not_before, submission_time, row_number() OVER "
                f"(PARTITION BY key ORDER BY status = 'QUEUED', nth, since, served, rank, {order}) AS turn "
                f"FROM ({_LINE.format(order=order)})) "
                "WHERE turn = 1 AND status = 'QUEUED' AND (coalesce(not_before, '') <= ? OR not_before > ?) "
                "AND (submission_time <= ? OR submission_time > ?) "
                f"ORDER BY place, id LIMIT 1) AND status = 'QUEUED' RETURNING {_ALL}",
                [
                    *(process.myself(), moment(lease), now(), now(), at, at, far),
                    *(moment(-window) if window else "9", far),
                ],
            ).fetchone()
        point("serve.claimed")
        return from_row(row) if row else None

    def renew(self, task: int, lease: float) -> bool:
        """Keep the task for `lease` seconds more; False when it is no longer this process's."""
        with self.ledger.write() as con:
            changed = con.execute(
                "UPDATE tasks SET lease_until = ? WHERE id = ? AND status = 'IN_PROGRESS' AND worker = ?",
                [moment(lease), task, process.myself()],
            ).rowcount
        return bool(changed)

    def note_plan(self, task: int, report: Mapping[str, Any]) -> None:
        """Keep the plan's report before it is carried out: after a crash it is the task's report."""
        with self.ledger.write() as con:
            con.execute("UPDATE tasks SET report = ? WHERE id = ?", [json.dumps(report), task])

    def put_back(self, task: int, *, wait: float = 0.0, error: Mapping[str, Any] | None = None) -> bool:
        """Put a task that this process works on back to its place, to be tried again after `wait` seconds.

        False when it was no longer this process's.
        """
        with self.ledger.write(lasting=True) as con:
            changed = con.execute(
                "UPDATE tasks SET status = 'QUEUED', worker = NULL, lease_until = NULL, retries = retries + 1, "
                "not_before = ?, error = ?, report = NULL, last_update = ? "
                "WHERE id = ? AND status = 'IN_PROGRESS' AND worker = ?",
                [moment(wait) if wait else None, json.dumps(error) if error else None, now(), task, process.myself()],
            ).rowcount
        return bool(changed)

    def release(self, task: int) -> bool:
        """Put a task that was hardly begun back, without counting it: the service stops."""
        with self.ledger.write(lasting=True) as con:
            changed = con.execute(
                "UPDATE tasks SET status = 'QUEUED', worker = NULL, lease_until = NULL, attempts = attempts - 1 "
                "WHERE id = ? AND status = 'IN_PROGRESS' AND worker = ?",
                [task, process.myself()],
            ).rowcount
        return bool(changed)

    def abandoned(self) -> list[Task]:
        """Tasks of the queue whose worker is gone, or did not renew its lease."""
        at = moment()
        return [
            task
            for task in self._select("queued AND status = 'IN_PROGRESS' ORDER BY id")
            if process.gone(task.worker) or (task.lease_until or "") < at
        ]

    def adopt(self, task: Task, lease: float) -> bool:
        """Take an abandoned task over from its worker; False when somebody else was quicker."""
        with self.ledger.write(lasting=True) as con:
            changed = con.execute(
                "UPDATE tasks SET worker = ?, lease_until = ? "
                "WHERE id = ? AND status = 'IN_PROGRESS' AND worker IS ? AND lease_until IS ?",
                [process.myself(), moment(lease), task.id, task.worker, task.lease_until],
            ).rowcount
        return bool(changed)

    def requeue(self, task: int) -> None:
        """Put an adopted task back to its place: nothing was applied. The worker it had stays on record."""
        with self.ledger.write(lasting=True) as con:
            con.execute(
                "UPDATE tasks SET status = 'QUEUED', lease_until = NULL, report = NULL, last_update = ? "
                "WHERE id = ? AND status = 'IN_PROGRESS' AND worker = ?",
                [now(), task, process.myself()],
            )

    def count_crash(self, worker: str) -> None:
        """A worker died by itself: its task caused that, as far as anybody can know."""
        with self.ledger.write(lasting=True) as con:
            con.execute(
                "UPDATE tasks SET crashes = crashes + 1 WHERE queued AND status = 'IN_PROGRESS' AND worker = ?",
                [worker],
            )

    def again(self, task: int) -> Task:
        """Put a task that failed or was canceled behind all that wait. Raises `UsageError`, `TaskNotFound`."""
        with self.ledger.write(lasting=True) as con:
            changed = con.execute(
                "UPDATE tasks SET status = 'QUEUED', outcome = NULL, error = NULL, report = NULL, worker = NULL, "
                "lease_until = NULL, not_before = NULL, retries = 0, crashes = 0, attempts = 0, decision = NULL, "
                "decided_by = NULL, decided_time = NULL, decided_reason = NULL, start_time = NULL, reported = NULL, "
                "followed = NULL, last_update = ?, place = (SELECT max(id) + 1 FROM tasks) "
                "WHERE id = ? AND queued AND status IN ('FAILED', 'CANCELED') AND decision IS NOT 'approved'",
                [now(), task],
            ).rowcount
            found = self.ledger.get(task)
            if not changed:
                why = "did not come through the queue" if not found.queued else f"is {found.status}"
                raise UsageError(f"task {task} {why}", state="Nothing was changed.")
            con.execute("DELETE FROM problems WHERE task = ?", [task])
        return found

    def waiting(self, key: str) -> int:
        """How many tasks of a key wait."""
        with self.ledger.read() as con:
            sql = f"SELECT count(*) FROM tasks WHERE {_OPEN} AND status = 'QUEUED' AND key = ?"
            return int(con.execute(sql, [key]).fetchone()[0])

    def positions(self) -> dict[int, int]:
        """The position in its key's line of every waiting task; 1 is next."""
        with self.ledger.read() as con:
            rows = con.execute(
                f"SELECT id, row_number() OVER (PARTITION BY key ORDER BY place, id) FROM tasks "
                f"WHERE {_OPEN} AND status = 'QUEUED'"
            ).fetchall()
        return {int(task): int(turn) for task, turn in rows}

    def same_content(self, task: Task) -> Task | None:
        """An earlier task with the same bytes for the same catalog and operation, that was done or is to be done."""
        found = self._select(
            "sha256 = ? AND key = ? AND section = ? AND operation = ? AND id < ? AND status IN ('DONE', 'QUEUED') "
            "ORDER BY id DESC LIMIT 1",
            [task.sha256, task.key, task.section, task.operation, task.id],
        )
        return found[0] if found and task.sha256 else None

    def knows(self, device: int, inode: int, visible: str, size: int) -> bool:
        """Whether a file that a sender sees is a task already; numbers of files that are gone are used again."""
        with self.ledger.read() as con:
            found = con.execute(
                "SELECT 1 FROM tasks WHERE inode = ? AND device = ? AND visible = ? AND bytes = ? LIMIT 1",
                [inode, device, visible, size],
            ).fetchone()
        return found is not None

    def to_follow(self, visible_min: float, limit: int = 1000) -> list[Task]:
        """Tasks that ended and for which something is to be done now, oldest first.

        Those that were reported wait for a person where they need one, and for their file's time to be seen.
        """
        return self._select(
            "queued AND followed IS NULL AND status NOT IN ('QUEUED', 'IN_PROGRESS') AND (reported IS NULL OR ("
            "NOT (coalesce(outcome, '') IN ('refused', 'held') AND decision IS NULL) "
            "AND (visible IS NULL OR submission_time <= ?))) ORDER BY id LIMIT ?",
            [moment(-visible_min), limit],
        )

    def has_path(self, path: str) -> bool:
        """Whether a task's copy of its file is there."""
        with self.ledger.read() as con:
            return con.execute("SELECT 1 FROM tasks WHERE queued AND path = ? LIMIT 1", [path]).fetchone() is not None

    def mark(self, task: int, **values: Any) -> None:
        """Note how far the follow-ups are: `reported`, `followed`, `visible`, `path`."""
        unknown = set(values) - {"reported", "followed", "visible", "path"}
        if unknown:
            raise TypeError(f"not to be marked: {sorted(unknown)}")
        changes = ", ".join(f"{name} = ?" for name in values)
        with self.ledger.write() as con:
            con.execute(f"UPDATE tasks SET {changes} WHERE id = ?", [*values.values(), task])

    def ended_before(self, when: str, statuses: tuple[str, ...], column: str) -> list[Task]:
        """Followed tasks that ended before `when` and still have the file that `column` (path, visible) names."""
        if column not in ("path", "visible"):
            raise TypeError(column)
        marks = ", ".join("?" * len(statuses))
        return self._select(
            f"queued AND followed IS NOT NULL AND {column} IS NOT NULL AND last_update < ? AND status IN ({marks})",
            [when, *statuses],
        )

    def forget(self, before: str) -> int:
        """Delete followed tasks without files that ended before `before`; gives how many. The newest task stays."""
        with self.ledger.write() as con:
            return con.execute(
                "DELETE FROM tasks WHERE last_update < ? AND id < (SELECT max(id) FROM tasks) "
                "AND status NOT IN ('QUEUED', 'IN_PROGRESS') AND (NOT queued OR followed IS NOT NULL) "
                "AND NOT (coalesce(outcome, '') IN ('refused', 'held') AND decision IS NULL)",
                [before],
            ).rowcount

    def _select(self, where: str, values: list[Any] | None = None) -> list[Task]:
        with self.ledger.read() as con:
            rows = con.execute(f"SELECT {_ALL} FROM tasks WHERE {where}", values or []).fetchall()
        return [from_row(row) for row in rows]


#: What `Ledger.create` takes itself.
_CREATED = (
    *("key", "section", "operation", "force", "filename", "path", "fingerprint", "bytes", "protocol", "actor"),
    *("reason", "type"),
)
