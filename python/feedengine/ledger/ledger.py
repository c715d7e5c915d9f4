"""The ledger's verbs: create, start, finish, fail, decide, list, recover."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from feedengine.errors import StoreDamaged, TaskNotFound, UsageError
from feedengine.faults import point
from feedengine.ledger import process
from feedengine.ledger.database import Database, mapped, now
from feedengine.ledger.task import COLUMNS, FAULT_NAMES, PROBLEM_COLUMNS, Task, TaskPage, from_row

_LARGEST_ID = 2**31 - 1

#: The method `list` hides the type of that name inside the class.
Tasks = list[Task]


class Ledger(Database):
    """Tasks and their problems."""

    def create(
        self,
        *,
        key: str | None,
        section: str | None,
        operation: str | None,
        force: bool = False,
        filename: str | None = None,
        path: str | None = None,
        fingerprint: str | None = None,
        bytes: int | None = None,
        protocol: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        type: str = "ingestion",
    ) -> int:
        """Add a QUEUED task; gives its number."""
        with self.write(lasting=True) as con:
            task = con.execute(
                "SELECT 1 + coalesce(max(number), 0) FROM (SELECT max(id) AS number FROM tasks UNION ALL "
                "SELECT max(after) FROM numbers)"
            ).fetchone()[0]
            if task > _LARGEST_ID:
                raise StoreDamaged("the ledger has no task numbers left")
            values = {
                "id": task,
                "type": type,
                "status": "QUEUED",
                "key": key,
                "section": section,
                "operation": operation,
                "force": int(force),
                "filename": filename,
                "path": path,
                "fingerprint": fingerprint,
                "bytes": bytes,
                "protocol": protocol,
                "actor": actor,
                "reason": reason,
                "submission_time": now(),
            }
            marks = ", ".join("?" * len(values))
            con.execute(f"INSERT INTO tasks ({', '.join(values)}) VALUES ({marks})", list(values.values()))
        with mapped():
            point("ledger.after_create")
        return int(task)

    def number_after(self, task: int) -> None:
        """Give no number up to `task` to a new task."""
        with self.write(lasting=True) as con:
            con.execute("INSERT INTO numbers VALUES (?)", [task])

    def begin(self, **what: Any) -> int:
        """`create` and `start` at once, for a task that nobody waits for but the process that works on it.

        Should the machine lose power right now, nothing is lost: the store's applied mark says what was done.
        """
        with self.write():
            # The inner transactions are part of this one, and as lasting.
            base_snapshot = what.pop("base_snapshot", None)
            task = self.create(**what)
            self.start(task, base_snapshot=base_snapshot)
        return task

    def start(self, task: int, *, base_snapshot: int | None = None) -> None:
        """Mark the task IN_PROGRESS, worked on by this process."""
        self._update(
            task, ("QUEUED",), status="IN_PROGRESS", start_time=now(), worker=process.myself(),
            base_snapshot=base_snapshot, count=True,
        )  # fmt: skip
        with mapped():
            point("ledger.after_start")

    def note(self, task: int, **values: Any) -> None:
        """Fill in what was learnt: fingerprint, bytes, key, section, operation, path, base_snapshot, parent."""
        unknown = set(values) - {
            *("fingerprint", "bytes", "key", "section", "operation", "path", "base_snapshot", "parent")
        }
        if unknown:
            raise TypeError(f"not to be noted: {sorted(unknown)}")
        self._update(task, None, **values)

    def finish(
        self,
        task: int,
        outcome: str,
        *,
        new_snapshot: int | None = None,
        report: Mapping[str, Any] | None = None,
        problems: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """End the task as DONE."""
        with mapped():
            point("ledger.before_finish")
        self._end(task, "DONE", outcome, report, None, problems, new_snapshot)

    def fail(
        self,
        task: int,
        outcome: str,
        *,
        error: Mapping[str, Any] | None = None,
        report: Mapping[str, Any] | None = None,
        problems: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """End the task as FAILED: outcome refused, rejected_file, interrupted, failed..."""
        self._end(task, "FAILED", outcome, report, error, problems, None)

    def hold(
        self,
        task: int,
        *,
        path: str,
        new_snapshot: int | None,
        report: Mapping[str, Any] | None = None,
        problems: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """End the task as DONE with its removals held for approval; `path` is where the feed is kept till then."""
        self._end(task, "DONE", "held", report, None, problems, new_snapshot, path=path)

    def cancel(self, task: int) -> None:
        """Cancel a QUEUED task. Raises `UsageError` for any other."""
        self._update(task, ("QUEUED",), status="CANCELED", outcome="canceled", last_update=now())

    def approve(self, task: int, *, actor: str, reason: str | None) -> Task:
        """Record that a refused or held task may go ahead. Raises `UsageError` unless it waits for that."""
        return self._decide(task, "approved", actor, reason)

    def reject(self, task: int, *, actor: str, reason: str | None) -> Task:
        """Record that a refused or held task won't go ahead. Raises `UsageError` unless it waits for that."""
        return self._decide(task, "rejected", actor, reason)

    def reopen(self, task: int) -> None:
        """Take an approval back, for instance when applying it failed: the task waits again."""
        with self.write() as con:
            con.execute(
                "UPDATE tasks SET decision = NULL, decided_by = NULL, decided_time = NULL, decided_reason = NULL "
                "WHERE id = ?",
                [task],
            )

    def get(self, task: int) -> Task:
        """One task. Raises `TaskNotFound`."""
        with self.read() as con:
            row = con.execute(f"SELECT {', '.join(COLUMNS)} FROM tasks WHERE id = ?", [task]).fetchone()
            last = con.execute("SELECT max(id) FROM tasks").fetchone()[0] if row is None else None
        if row is None:
            known = f"the last one is {last}" if last else "there are none yet"
            raise TaskNotFound(f"no task {task}; {known}", hints=[_LIST])
        return from_row(row)

    def list(
        self,
        *,
        status: Iterable[str] = (),
        outcome: Iterable[str] = (),
        key: str | None = None,
        section: str | None = None,
        fingerprint: str | None = None,
        waiting: bool | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> TaskPage:
        """Tasks, newest first. `since` and `until` (inclusive) are dates or times in ISO 8601, of submission."""
        terms: list[str] = []
        values: list[Any] = []

        def among(column: str, allowed: Iterable[str]) -> None:
            allowed = list(allowed)
            if allowed:
                terms.append(f"{column} IN ({', '.join('?' * len(allowed))})")
                values.extend(allowed)

        among("outcome", outcome)
        for column, value in (("key", key), ("section", section), ("fingerprint", fingerprint)):
            if value is not None:
                among(column, [value])
        if waiting is not None:
            terms.append(
                f"{'' if waiting else 'NOT '}(coalesce(outcome, '') IN ('refused', 'held') AND decision IS NULL)"
            )
        if since:
            terms.append("submission_time >= ?")
            values.append(since)
        if until:
            # A date takes in its whole day: every time on it starts with it.
            terms.append("substr(submission_time, 1, ?) <= ?")
            values += [len(until), until]
        every = f" WHERE {' AND '.join(terms)}" if terms else ""
        all_values = list(values)
        among("status", status)
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        with self.read() as con:
            counts = dict(
                con.execute(f"SELECT status, count(*) FROM tasks{every} GROUP BY status", all_values).fetchall()
            )
            total = con.execute(f"SELECT count(*) FROM tasks{where}", values).fetchone()[0]
            rows = con.execute(
                f"SELECT {', '.join(COLUMNS)} FROM tasks{where} ORDER BY id DESC LIMIT ? OFFSET ?",
                [*values, limit, offset],
            ).fetchall()
        return TaskPage([from_row(row) for row in rows], total, counts)

    def problems(
        self, task: int, *, code: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Iterator[dict[str, Any]]:
        """The task's listed problems in order, as dicts of `PROBLEM_COLUMNS`. Raises `TaskNotFound`."""
        self.get(task)
        names = ", ".join(f'"{name}"' for name in PROBLEM_COLUMNS)
        wanted = " AND code = ?" if code else ""
        values = [task, *([code] if code else []), -1 if limit is None else limit, offset]
        with self.read() as con:
            rows = con.execute(
                f"SELECT {names} FROM problems WHERE task = ?{wanted} ORDER BY seq LIMIT ? OFFSET ?", values
            ).fetchall()
        for row in rows:
            yield dict(zip(PROBLEM_COLUMNS, row, strict=True))

    def recover(self, applied: Callable[[Task], int | None]) -> Tasks:
        """Settle tasks whose process is gone: DONE if `applied` knows the snapshot they made, else FAILED.

        `applied(task)` looks up the applied mark in the task's catalog and gives a snapshot number or None. Gives the
        tasks that were settled.
        """
        settled = []
        with self.read() as con:
            # What the service's queue holds is put back by the service instead: nothing was asked of a person there.
            rows = con.execute(
                f"SELECT {', '.join(COLUMNS)} FROM tasks WHERE status = 'IN_PROGRESS' AND NOT queued"
            ).fetchall()
        for task in map(from_row, rows):
            if not process.gone(task.worker):
                continue
            snapshot = applied(task)
            with self.write() as con:
                done = con.execute(
                    "UPDATE tasks SET status = ?, outcome = ?, new_snapshot = ?, error = ?, last_update = ? "
                    "WHERE id = ? AND status = 'IN_PROGRESS' AND worker IS ?",
                    [
                        "FAILED" if snapshot is None else "DONE",
                        "interrupted" if snapshot is None else "ok",
                        snapshot,
                        json.dumps(_INTERRUPTED) if snapshot is None else None,
                        now(),
                        task.id,
                        task.worker,
                    ],
                ).rowcount
            if done:
                settled.append(self.get(task.id))
        return settled

    def _end(
        self,
        task: int,
        status: str,
        outcome: str,
        report: Mapping[str, Any] | None,
        error: Mapping[str, Any] | None,
        problems: Iterable[Mapping[str, Any]],
        new_snapshot: int | None,
        **more: Any,
    ) -> None:
        names = ", ".join(f'"{name}"' for name in PROBLEM_COLUMNS)
        marks = ", ".join("?" * (len(PROBLEM_COLUMNS) + 2))
        with self.write(lasting=True) as con:
            con.executemany(
                f"INSERT OR REPLACE INTO problems (task, seq, {names}) VALUES ({marks})",
                ([task, seq, *_problem(fault)] for seq, fault in enumerate(problems, 1)),
            )
            self._update(
                task,
                ("QUEUED", "IN_PROGRESS"),
                mine=True,
                status=status,
                outcome=outcome,
                report=None if report is None else json.dumps(report),
                error=None if error is None else json.dumps(error),
                new_snapshot=new_snapshot,
                last_update=now(),
                **more,
            )

    def _decide(self, task: int, decision: str, actor: str, reason: str | None) -> Task:
        with self.write(lasting=True) as con:
            done = con.execute(
                "UPDATE tasks SET decision = ?, decided_by = ?, decided_time = ?, decided_reason = ? "
                "WHERE id = ? AND outcome IN ('refused', 'held') AND decision IS NULL",
                [decision, actor, now(), reason, task],
            ).rowcount
            found = self.get(task)
            if not done:
                was = (
                    f"already {found.decision}"
                    if found.decision
                    else f"{found.status}, {found.outcome or 'no outcome'}"
                )
                raise UsageError(
                    f"task {task} does not wait for approval: it is {was}", state="Nothing was changed.", hints=[_LIST]
                )
        return found

    def _update(
        self, task: int, allowed: tuple[str, ...] | None, *, count: bool = False, mine: bool = False, **values: Any
    ) -> None:
        """Change a task; one that is not `allowed` is an error, as is another process's task with `mine`."""
        changes = ", ".join(f"{name} = ?" for name in values) + (", attempts = attempts + 1" if count else "")
        guard = f" AND status IN ({', '.join('?' * len(allowed))})" if allowed else ""
        guarded = [task, *(allowed or ())]
        if mine:
            guard += " AND (worker IS NULL OR worker = ?)"
            guarded.append(process.myself())
        with self.write() as con:
            done = con.execute(f"UPDATE tasks SET {changes} WHERE id = ?{guard}", [*values.values(), *guarded]).rowcount
            if not done:
                raise UsageError(f"task {task} is {self.get(task).status}", state="Nothing was changed.")


def _problem(fault: Mapping[str, Any]) -> list[Any]:
    return [_cell(fault.get(name, fault.get(FAULT_NAMES.get(name, name)))) for name in PROBLEM_COLUMNS]


def _cell(value: Any) -> Any:
    """Keys of related records in one cell, as a list in a feed."""
    return "|".join(map(str, value)) or None if isinstance(value, list | tuple) else value


_LIST = {"text": "See the tasks", "argv": ["feedengine", "task", "list"]}
_INTERRUPTED = {
    "code": "INTERRUPTED",
    "message": "the process that worked on the task ended before it was applied; nothing was changed",
}
