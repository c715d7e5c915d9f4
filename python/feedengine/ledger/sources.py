"""Sources in the ledger: when each runs, how it fared, and every file that was ever loaded from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from feedengine.errors import UsageError
from feedengine.ledger.database import Database, moment, now


@dataclass(frozen=True)
class SourceState:
    """What is known of a source. Times are UTC in ISO 8601.

    `next_run` belongs to `schedule`; `asked` is when somebody asked for a run. `good` is the end of the last run that
    went well, `file` when the last new file came. `failures` are runs that failed in a row, `error` the last one's.
    """

    name: str
    made: str
    schedule: str | None
    next_run: str | None
    asked: str | None
    started: str | None
    ended: str | None
    good: str | None
    file: str | None
    failures: int
    error: str | None
    paused: str | None
    paused_by: str | None
    paused_why: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Fetched:
    """A file of a source. `bytes` and `modified` are what the server said of it.

    `state`: loading, loaded (whole and hashed, at `path`), handed (it is `task`), same (equal to the one of that name
    before), refused (no feed), passed (a newer one was wanted). `tidied`: when what was to become of it there was done.
    """

    id: int
    source: str
    name: str
    bytes: int | None
    modified: str | None
    state: str
    feed: str | None
    path: str | None
    sha256: str | None
    task: int | None
    last_task: int | None
    error: str | None
    begun: str
    ended: str | None
    tidied: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        left_out = ("path", "last_task")
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in left_out}


_STATE = ", ".join(field.name for field in fields(SourceState))
_FETCHED = ", ".join(field.name for field in fields(Fetched))
_SETTLED = "('handed', 'same', 'refused', 'passed')"


class Sources:
    """The verbs. What a file's fate depends on is on the disk when a verb returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, name: str) -> SourceState:
        """A source's state; one that was never heard of is made."""
        with self._database.read() as con:
            row = con.execute(f"SELECT {_STATE} FROM sources WHERE name = ?", [name]).fetchone()
        if row is None:
            with self._database.write() as con:
                con.execute("INSERT OR IGNORE INTO sources (name, made, failures) VALUES (?, ?, 0)", [name, now()])
                row = con.execute(f"SELECT {_STATE} FROM sources WHERE name = ?", [name]).fetchone()
        return SourceState(*row)

    def plan(self, name: str, schedule: str, next_run: str) -> None:
        """When the source runs next, by which schedule."""
        self._set(name, schedule=schedule, next_run=next_run)

    def ask(self, name: str) -> None:
        """Somebody wants the source to run now."""
        self._set(name, asked=now())

    def begin(self, name: str) -> None:
        """A run begins; what was asked for till now is this."""
        self._set(name, started=now(), asked=None)

    def succeed(self, name: str) -> None:
        """A run went well."""
        self._set(name, ended=now(), good=now(), failures=0, error=None)

    def fail(self, name: str, error: str) -> int:
        """A run failed; gives how many did in a row."""
        with self._database.write() as con:
            self.state(name)
            con.execute(
                "UPDATE sources SET ended = ?, failures = failures + 1, error = ? WHERE name = ?", [now(), error, name]
            )
        return self.state(name).failures

    def pause(self, name: str, by: str, why: str) -> None:
        """Don't run the source until somebody resumes it."""
        self._set(name, lasting=True, paused=now(), paused_by=by, paused_why=why)

    def resume(self, name: str) -> None:
        """Run it again, beginning to count anew. Raises `UsageError` where it is not paused."""
        if self.state(name).paused is None:
            raise UsageError(f"The source {name} is not paused.", state="Nothing was changed.")
        self._set(name, lasting=True, paused=None, paused_by=None, paused_why=None, failures=0, asked=now())

    def look(self, name: str, seen: Iterable[tuple[str, int | None, str | None]]) -> dict[str, str]:
        """Note what a listing said (name, bytes, modified); gives since when each file has looked like that."""
        at = moment()
        listed = list(seen)
        with self._database.write() as con:
            known = {
                row[0]: row[1:]
                for row in con.execute("SELECT name, bytes, modified, since FROM looks WHERE source = ?", [name])
            }
            since = {
                file: known[file][2] if file in known and known[file][:2] == (size, modified) else at
                for file, size, modified in listed
            }
            con.execute("DELETE FROM looks WHERE source = ?", [name])
            con.executemany(
                "INSERT INTO looks (source, name, bytes, modified, since) VALUES (?, ?, ?, ?, ?)",
                [[name, file, size, modified, since[file]] for file, size, modified in listed],
            )
        return since

    def settled(self, name: str, *, taken_away: bool) -> set[tuple[str, int | None, str | None]]:
        """Files of the source that need not be loaded again: name, bytes, modified.

        Where loaded files are `taken_away`, one that was is not among them: if it is there again it was sent again.
        """
        again = " AND NOT (state IN ('handed', 'same') AND tidied IS NOT NULL)" if taken_away else ""
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT name, bytes, modified FROM fetched WHERE source = ? AND state IN {_SETTLED}{again}", [name]
            ).fetchall()
        return {(str(row[0]), row[1], row[2]) for row in rows}

    def load(self, name: str, file: str, size: int | None, modified: str | None, feed: str) -> Fetched:
        """A file is going to be loaded: the entry of an attempt that was cut, else a new one."""
        with self._database.write(lasting=True) as con:
            row = con.execute(
                f"SELECT {_FETCHED} FROM fetched WHERE source = ? AND name = ? AND state = 'loading' "
                "AND bytes IS ? AND modified IS ?",
                [name, file, size, modified],
            ).fetchone()
            if row is None:
                row = con.execute(
                    "INSERT INTO fetched (source, name, bytes, modified, state, feed, begun) "
                    f"VALUES (?, ?, ?, ?, 'loading', ?, ?) RETURNING {_FETCHED}",
                    [name, file, size, modified, feed, now()],
                ).fetchone()
        return Fetched(*row)

    def loaded(self, fetched: int, path: str, sha256: str) -> Fetched:
        """The file is whole, on our disk. Tasks that are made from now on may be its."""
        with self._database.write(lasting=True) as con:
            row = con.execute(
                "UPDATE fetched SET state = 'loaded', path = ?, sha256 = ?, "
                f"last_task = (SELECT coalesce(max(id), 0) FROM tasks) WHERE id = ? RETURNING {_FETCHED}",
                [path, sha256, fetched],
            ).fetchone()
        return Fetched(*row)

    def task_of(self, fetched: Fetched, actor: str) -> int | None:
        """The task that was made of a loaded file, where the process died before it could be noted."""
        with self._database.read() as con:
            row = con.execute(
                "SELECT min(id) FROM tasks WHERE sha256 = ? AND actor = ? AND filename = ? AND id > ?",
                [fetched.sha256, actor, fetched.feed, fetched.last_task],
            ).fetchone()
        return int(row[0]) if row[0] is not None else None

    def settle(self, fetched: int, state: str, *, task: int | None = None, error: str | None = None) -> None:
        """What came of a file: handed, same, refused."""
        with self._database.write(lasting=True) as con:
            con.execute(
                "UPDATE fetched SET state = ?, task = ?, error = ?, path = NULL, ended = ? WHERE id = ?",
                [state, task, error, now(), fetched],
            )
            if state == "handed":
                con.execute(
                    "UPDATE sources SET file = ? WHERE name = (SELECT source FROM fetched WHERE id = ?)",
                    [now(), fetched],
                )

    def pass_over(self, name: str, file: str, size: int | None, modified: str | None) -> None:
        """A file is not wanted, because a newer one is."""
        with self._database.write() as con:
            con.execute(
                "INSERT INTO fetched (source, name, bytes, modified, state, begun, ended, tidied) "
                "VALUES (?, ?, ?, ?, 'passed', ?, ?, ?)",
                [name, file, size, modified, now(), now(), now()],
            )

    def tidied(self, fetched: int) -> None:
        """What was to become of the file on its server was done."""
        with self._database.write() as con:
            con.execute("UPDATE fetched SET tidied = ? WHERE id = ?", [now(), fetched])

    def drop(self, fetched: int) -> None:
        """Forget an attempt to load a file that is another one by now."""
        with self._database.write() as con:
            con.execute("DELETE FROM fetched WHERE id = ? AND state = 'loading'", [fetched])

    def open(self, name: str) -> list[Fetched]:
        """Files that are not done with, oldest first: loading, loaded, or not tidied."""
        return self._select(
            "source = ? AND (state IN ('loading', 'loaded') OR (state IN ('handed', 'same') AND tidied IS NULL))"
            " ORDER BY id",
            [name],
        )

    def before(self, fetched: Fetched) -> Fetched | None:
        """The file of the same name before this one that was handed over, or was equal to one."""
        found = self._select(
            "source = ? AND name = ? AND id < ? AND state IN ('handed', 'same') ORDER BY id DESC LIMIT 1",
            [fetched.source, fetched.name, fetched.id],
        )
        return found[0] if found else None

    def newest(self, name: str, limit: int) -> list[Fetched]:
        """The files noted last, newest first."""
        return self._select("source = ? ORDER BY id DESC LIMIT ?", [name, limit])

    def forget(self, name: str, listed: Iterable[str], before: str) -> int:
        """Forget files that ended before a time and are not listed any more; gives how many."""
        there = set(listed)
        old = [
            each.id
            for each in self._select(f"source = ? AND state IN {_SETTLED} AND ended < ?", [name, before])
            if each.name not in there and (each.tidied or each.state == "refused")
        ]
        with self._database.write() as con:
            con.executemany("DELETE FROM fetched WHERE id = ?", [[each] for each in old])
        return len(old)

    def _select(self, where: str, values: list[Any]) -> list[Fetched]:
        with self._database.read() as con:
            rows = con.execute(f"SELECT {_FETCHED} FROM fetched WHERE {where}", values).fetchall()
        return [Fetched(*row) for row in rows]

    def _set(self, name: str, *, lasting: bool = False, **values: Any) -> None:
        changes = ", ".join(f"{column} = ?" for column in values)
        with self._database.write(lasting=lasting) as con:
            self.state(name)
            con.execute(f"UPDATE sources SET {changes} WHERE name = ?", [*values.values(), name])
