"""Rows that wait for a record: kept from the plan that parked them until they are applied, dropped or too old."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from feedengine.errors import NotFound, UsageError
from feedengine.ledger.database import Database, now

#: `planned` rows wait for the end of the task that parks them, `taken` ones for that of the task that applies them.
STATES = ("planned", "waiting", "taken", "applied", "rejected", "replaced", "expired", "dropped")


@dataclass(frozen=True)
class ParkedRow:
    """One row. Times are UTC in ISO 8601. `row` holds its texts by field as they were sent, `identity` its names,
    `sent` a row of JSON as it was sent.

    It waits until `until` for a record of `waits_entity` whose `waits_field` is `waits_value`; without one it would be
    the fault `code`. `looked` is the newest snapshot in which that record was looked for, `retry` the task that applies
    the row as its record number `place`.
    """

    id: int
    key: str
    section: str
    entity: str
    identity: str
    task: int
    operation: str
    member: str | None
    record_number: int | None
    line: int | None
    row: Mapping[str, str]
    sent: str | None
    waits_entity: str
    waits_field: str
    waits_value: str
    code: str
    owner: str | None
    state: str
    since: str
    until: str
    looked: int
    retry: int | None
    place: int | None
    ended: str | None
    why: str | None

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """The identity as pairs of a field and its value."""
        return tuple((str(field), str(value)) for field, value in json.loads(self.identity))

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**found, "identity": [list(pair) for pair in self.names]}


_NAMES = tuple(field.name for field in fields(ParkedRow))
_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)
_GIVEN = (
    *("entity", "identity", "operation", "member", "record_number", "line", "row", "sent", "waits_entity"),
    *("waits_field", "waits_value", "code", "owner", "until"),
)

#: The method `list` hides the type of that name inside the class.
_Rows = list[ParkedRow]


class Parked:
    """The verbs. Part of a transaction that is under way."""

    def __init__(self, database: Database, clock: Callable[[], str] = now) -> None:
        self._database = database
        self._clock = clock

    def plan(self, task: int, key: str, section: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """A plan parks these rows; they wait once its task was applied. Replaces what an earlier plan of it parked."""
        at = self._clock()
        names = ", ".join(f'"{name}"' for name in _GIVEN)
        with self._database.write() as con:
            con.execute("DELETE FROM parked WHERE task = ? AND state = 'planned'", [task])
            return con.executemany(
                f"INSERT INTO parked (task, key, section, state, since, {names}) "
                f"VALUES (?, ?, ?, 'planned', ?{', ?' * len(_GIVEN)})",
                ([task, key, section, at, *(_cell(row.get(name)) for name in _GIVEN)] for row in rows),
            ).rowcount

    def applied(self, task: int, replaced: Iterable[int], refused: Iterable[int]) -> None:
        """A task was applied: what it parked waits; what it applied of others is done.

        `replaced` are waiting rows whose record the task's own rows name, `refused` the numbers of records it rejected.
        """
        at = self._clock()
        with self._database.write() as con:
            con.executemany(
                "UPDATE parked SET state = 'replaced', ended = ?, why = ? WHERE id = ? AND state = 'waiting'",
                ([at, f"task {task} brought a newer row", number] for number in replaced),
            )
            # A row that is parked once more waits no longer for that.
            con.execute(
                "UPDATE parked AS p SET since = o.since, until = o.until FROM parked AS o WHERE p.task = ? "
                "AND p.state = 'planned' AND o.retry = p.task AND o.state = 'taken' AND o.place = p.record_number",
                [task],
            )
            con.execute(
                "UPDATE parked SET state = 'replaced', ended = ?, why = 'parked again' WHERE retry = ? "
                "AND state = 'taken' AND place IN (SELECT record_number FROM parked WHERE task = ? "
                "AND state = 'planned')",
                [at, task, task],
            )
            con.executemany(
                "UPDATE parked SET state = 'rejected', ended = ? WHERE retry = ? AND state = 'taken' AND place = ?",
                ([at, task, number] for number in refused),
            )
            con.execute(
                "UPDATE parked SET state = 'applied', ended = ? WHERE retry = ? AND state = 'taken'", [at, task]
            )
            con.execute("UPDATE parked SET state = 'waiting' WHERE task = ? AND state = 'planned'", [task])

    def settle(self) -> None:
        """Bring rows in line with tasks whose end told nobody: a process died, or a person canceled them."""
        ended = "SELECT id FROM tasks WHERE status IN ('FAILED', 'CANCELED')"
        with self._database.read() as con:
            odd = con.execute("SELECT 1 FROM parked WHERE state IN ('planned', 'taken') LIMIT 1").fetchone()
        if odd is None:
            return
        with self._database.write() as con:
            con.execute(f"DELETE FROM parked WHERE state = 'planned' AND task IN ({ended})")
            con.execute(
                "UPDATE parked SET state = 'waiting', retry = NULL, place = NULL, "
                "why = 'task ' || retry || ' did not apply it' "
                f"WHERE state = 'taken' AND (retry IN ({ended}) OR retry NOT IN (SELECT id FROM tasks))"
            )
            for row in con.execute(
                "SELECT DISTINCT t.id FROM parked AS p JOIN tasks AS t ON t.status = 'DONE' AND "
                "((p.state = 'planned' AND p.task = t.id) OR (p.state = 'taken' AND p.retry = t.id))"
            ).fetchall():
                self.applied(int(row[0]), (), ())

    def due(self, key: str) -> _Rows:
        """Waiting rows of a key that were not looked for since its newest snapshot, the oldest first."""
        newest = "SELECT max(new_snapshot) FROM tasks WHERE key = ? AND new_snapshot IS NOT NULL"
        return self._select(f"state = 'waiting' AND key = ? AND looked < ({newest}) ORDER BY id", [key, key])

    def waiting_keys(self) -> list[str]:
        """Keys for which rows wait."""
        with self._database.read() as con:
            rows = con.execute("SELECT DISTINCT key FROM parked WHERE state = 'waiting' ORDER BY key").fetchall()
        return [str(key) for (key,) in rows]

    def looked(self, numbers: Iterable[int], snapshot: int) -> None:
        """What these rows wait for is not in this snapshot."""
        with self._database.write() as con:
            con.executemany("UPDATE parked SET looked = ? WHERE id = ?", ([snapshot, each] for each in numbers))

    def take(self, numbers: Iterable[int], task: int) -> int:
        """A task applies these waiting rows, in this order; gives how many there are. All of them or a `UsageError`."""
        with self._database.write() as con:
            count = 0
            for place, number in enumerate(numbers, 1):
                done = con.execute(
                    "UPDATE parked SET state = 'taken', retry = ?, place = ? WHERE id = ? AND state = 'waiting'",
                    [task, place, number],
                ).rowcount
                if not done:
                    raise UsageError(f"parked row {number} does not wait any more", state="Nothing was changed.")
                count += 1
        return count

    def expired(self) -> _Rows:
        """Waiting rows whose time is over."""
        return self._select("state = 'waiting' AND until <= ? ORDER BY id", [self._clock()])

    def expire(self, numbers: Iterable[int], task: int) -> None:
        """These rows waited for nothing; `task` tells their sender. All of them or a `UsageError`."""
        with self._database.write() as con:
            self.take(numbers, task)
            con.execute("UPDATE parked SET state = 'expired', ended = ? WHERE retry = ?", [self._clock(), task])

    def drop(self, numbers: Iterable[int], *, actor: str) -> int:
        """A person says that these rows are not to be applied; gives how many waited."""
        done = 0
        with self._database.write(lasting=True) as con:
            for number in numbers:
                done += con.execute(
                    "UPDATE parked SET state = 'dropped', ended = ?, why = ? WHERE id = ? AND state = 'waiting'",
                    [self._clock(), f"dropped by {actor}", number],
                ).rowcount
        return done

    def again(self, numbers: Iterable[int] = ()) -> int:
        """Have waiting rows looked for anew, all of them without numbers; gives how many."""
        with self._database.write() as con:
            if not (wanted := list(numbers)):
                return con.execute("UPDATE parked SET looked = 0 WHERE state = 'waiting'").rowcount
            return sum(
                con.execute("UPDATE parked SET looked = 0 WHERE state = 'waiting' AND id = ?", [each]).rowcount
                for each in wanted
            )

    def waiting(self, key: str, section: str, entities: Iterable[str]) -> _Rows:
        """Waiting rows of some entities of a catalog."""
        among = list(entities)
        marks = ", ".join("?" * len(among))
        return self._select(
            f"state = 'waiting' AND key = ? AND section = ? AND entity IN ({marks}) ORDER BY id", [key, section, *among]
        )

    def get(self, number: int) -> ParkedRow:
        """One row. Raises `NotFound`."""
        found = self._select("id = ?", [number])
        if not found:
            hints = [{"text": "See those there are", "argv": ["feedengine", "parked", "list"]}]
            raise NotFound(f"no parked row {number}", hints=hints)
        return found[0]

    def list(
        self,
        *,
        states: Iterable[str] = ("waiting", "taken"),
        catalog: tuple[str, str] | None = None,
        entity: str | None = None,
        limit: int = 1_000_000,
    ) -> tuple[_Rows, int]:
        """Rows, the oldest first, with how many there are beyond `limit`."""
        among = list(states)
        key, section = catalog or (None, None)
        terms = [f"state IN ({', '.join('?' * len(among))})"]
        values: list[Any] = [*among]
        for name, value in (("key", key), ("section", section), ("entity", entity)):
            if value is not None:
                terms.append(f"{name} = ?")
                values.append(value)
        where = " AND ".join(terms)
        with self._database.read() as con:
            total = int(con.execute(f"SELECT count(*) FROM parked WHERE {where}", values).fetchone()[0])
        return self._select(f"{where} ORDER BY id LIMIT ?", [*values, limit]), total

    def prune(self, before: str) -> int:
        """Forget rows that ended before a time; gives how many."""
        with self._database.write() as con:
            return con.execute("DELETE FROM parked WHERE ended < ?", [before]).rowcount

    def _select(self, where: str, values: Iterable[Any]) -> _Rows:
        with self._database.read() as con:
            rows = con.execute(f"SELECT {_COLUMNS} FROM parked WHERE {where}", [*values]).fetchall()
        return [_row(row) for row in rows]


def _row(row: Iterable[Any]) -> ParkedRow:
    values = dict(zip(_NAMES, row, strict=True))
    return ParkedRow(**{**values, "row": json.loads(values["row"])})


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else value
