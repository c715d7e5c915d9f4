"""Cases: what is wrong with one column of one record, from the file that first showed it to the one that mended it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from feedengine.errors import NotFound, UsageError
from feedengine.ledger.database import Database, now

STATES = ("open", "reopened", "fixed", "dismissed")

#: Codes that a person may settle by naming the record that is meant.
CONFLICTS = ("KEY_CONFLICT", "AMBIGUOUS_MATCH")


@dataclass(frozen=True)
class Case:
    """One problem with a life. Times are UTC in ISO 8601.

    `identity` is the record as its rows name it: JSON, `[[field, value], ...]`, one of `row` and a digest where a row
    names nothing, or of `file` and an operation for what is wrong with a whole file. `row` holds the row's values for
    conflicts, `sent` the same as a line of JSON where that is what was sent, `related` the keys of the stored records
    that it might mean. `times` is how often it was shown, in as many tasks; `reopened` how often it came back after it
    was fixed.
    """

    id: int
    key: str
    section: str
    entity: str
    identity: str
    column: str
    code: str
    family: str | None
    owner: str | None
    state: str
    first_seen: str
    opened: str
    seen: str
    closed: str | None
    first_task: int
    last_task: int
    closed_task: int | None
    times: int
    reopened: int
    record: str | None
    value: str | None
    message: str | None
    hint: str | None
    file: str | None
    member: str | None
    record_number: int | None
    line: int | None
    related: tuple[str, ...]
    row: Mapping[str, str] | None
    sent: str | None
    decided_by: str | None
    decided_reason: str | None

    @property
    def catalog(self) -> str:
        """`key/section`."""
        return f"{self.key}/{self.section}"

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """The identity as pairs of a field and its value."""
        return tuple((str(field), str(value)) for field, value in json.loads(self.identity))

    @property
    def word(self) -> str:
        """The state; an open case that was fixed before is `reopened`."""
        return "reopened" if self.state == "open" and self.reopened else self.state

    def age(self, at: str) -> int:
        """Whole days since it was opened, till `at` or till it was closed."""
        until = datetime.fromisoformat(self.closed or at)
        return max(0, (until - datetime.fromisoformat(self.opened)).days)

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**found, "state": self.word, "identity": [list(pair) for pair in self.names], "age": self.age(now())}


_NAMES = tuple(field.name for field in fields(Case))
_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)
#: What a fault says anew each time it is shown.
_SAID = (
    *("identity", "family", "owner", "record", "value", "message", "hint", "file", "member", "record_number", "line"),
    *("related", "row", "sent"),
)

#: The method `list` hides the type of that name inside the class.
_Cases = list[Case]


class Cases:
    """The verbs. Part of a transaction that is under way, so that a task ends together with what it means."""

    def __init__(self, database: Database, clock: Callable[[], str] = now) -> None:
        self._database = database
        self._clock = clock

    def open(self, key: str, section: str, entity: str | None = None) -> _Cases:
        """Open cases of a catalog, the oldest first."""
        where, values = "key = ? AND section = ? AND state = 'open'", [key, section]
        if entity is not None:
            where, values = where + " AND entity = ?", [*values, entity]
        return self._select(f"{where} ORDER BY id", values)

    def show(self, task: int, key: str, section: str, faults: Iterable[Mapping[str, Any]]) -> Counter[str]:
        """A task shows faults: each opens a case, keeps one open, or opens one again. Gives how many of which.

        A fault has entity, identity, column, code and what else a case says; with `case`, the number of an open case
        that it is known to be although its record has another name now.
        """
        counts: Counter[str] = Counter()
        at = self._clock()
        with self._database.write() as con:
            for fault in faults:
                said = {name: _cell(fault.get(name)) for name in _SAID}
                identity = (key, section, fault["entity"], said["identity"], fault["column"], fault["code"])
                known = con.execute(
                    "SELECT id, state, last_task FROM cases WHERE key = ? AND section = ? AND entity = ? "
                    'AND identity = ? AND "column" = ? AND code = ?',
                    identity,
                ).fetchone()
                if known is None and fault.get("case"):
                    known = (fault["case"], "open", 0)
                if known is None:
                    con.execute(
                        'INSERT INTO cases (key, section, entity, "column", code, state, first_seen, opened, seen, '
                        f"first_task, last_task, {_quoted(_SAID)}) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?"
                        f"{', ?' * len(_SAID)})",
                        [
                            *(key, section, fault["entity"], fault["column"], fault["code"], at, at, at, task, task),
                            *said.values(),
                        ],
                    )
                    counts["opened"] += 1
                    continue
                number, state, last = known
                again = state == "fixed"
                # The same task may end twice: one that was tried again shows what it showed before.
                more = int(last != task)
                sets = ", ".join(f'"{name}" = ?' for name in _SAID)
                con.execute(
                    f"UPDATE cases SET seen = ?, last_task = ?, times = times + {more}"
                    + (", state = 'open', reopened = reopened + 1, opened = ?, closed = NULL, closed_task = NULL"
                       if again else "")
                    + f", {sets} WHERE id = ?",
                    [at, task, *([at] if again else []), *said.values(), number],
                )  # fmt: skip
                counts["reopened" if again else "repeated"] += 1
        return counts

    def fix(self, task: int, numbers: Iterable[int]) -> int:
        """A task brought these right; gives how many were open."""
        at = self._clock()
        done = 0
        with self._database.write() as con:
            for number in numbers:
                done += con.execute(
                    "UPDATE cases SET state = 'fixed', closed = ?, closed_task = ? WHERE id = ? AND state = 'open'",
                    [at, task, number],
                ).rowcount
        return done

    def dismiss(self, number: int, *, actor: str, reason: str) -> Case:
        """A person says that nothing is to be done. Raises `NotFound`, `UsageError` for one that is not open."""
        with self._database.write(lasting=True) as con:
            done = con.execute(
                "UPDATE cases SET state = 'dismissed', closed = ?, decided_by = ?, decided_reason = ? "
                "WHERE id = ? AND state = 'open'",
                [self._clock(), actor, reason, number],
            ).rowcount
            found = self.get(number)
            if not done:
                raise UsageError(f"problem {number} is {found.word}", state="Nothing was changed.")
        return found

    def get(self, number: int) -> Case:
        """One case. Raises `NotFound`."""
        found = self._select("id = ?", [number])
        if not found:
            raise NotFound(
                f"no problem {number}", hints=[{"text": "See those there are", "argv": ["feedengine", "problems"]}]
            )
        return found[0]

    def list(
        self,
        *,
        states: Iterable[str] = ("open",),
        catalog: tuple[str, str] | None = None,
        owner: str | None = None,
        entity: str | None = None,
        codes: Iterable[str] = (),
        task: int | None = None,
        limit: int = 1_000_000,
    ) -> tuple[_Cases, int]:
        """Cases by owner, then the oldest first; with how many there are beyond `limit`. `task`: shown last by it."""
        terms: list[str] = []
        values: list[Any] = []
        wanted = sorted(set(states))
        if wanted:
            # A case that came back is open; the word is for people.
            word = "CASE WHEN state = 'open' AND reopened > 0 THEN 'reopened' ELSE state END"
            both = [*wanted, "reopened"] if "open" in wanted else wanted
            terms.append(f"{word} IN ({', '.join('?' * len(both))})")
            values += both
        codes = list(codes)
        if codes:
            terms.append(f"code IN ({', '.join('?' * len(codes))})")
            values += codes
        key, section = catalog or (None, None)
        pairs = (("key", key), ("section", section), ("owner", owner), ("entity", entity), ("last_task", task))
        for name, value in pairs:
            if value is not None:
                terms.append(f"{name} = ?")
                values.append(value)
        where = " AND ".join(terms) or "1"
        with self._database.read() as con:
            total = int(con.execute(f"SELECT count(*) FROM cases WHERE {where}", values).fetchone()[0])
        return self._select(f"{where} ORDER BY owner IS NULL, owner, id LIMIT ?", [*values, limit]), total

    def counts(self) -> dict[str, int]:
        """How many there are of each state."""
        with self._database.read() as con:
            rows = con.execute("SELECT state, count(*) FROM cases GROUP BY state").fetchall()
        return {str(state): int(count) for state, count in rows}

    def prune(self, before: str) -> int:
        """Forget cases that were closed before a time; gives how many."""
        with self._database.write() as con:
            return con.execute("DELETE FROM cases WHERE state <> 'open' AND closed < ?", [before]).rowcount

    def _select(self, where: str, values: Iterable[Any]) -> _Cases:
        with self._database.read() as con:
            rows = con.execute(f"SELECT {_COLUMNS} FROM cases WHERE {where}", [*values]).fetchall()
        return [_case(row) for row in rows]


def _case(row: Iterable[Any]) -> Case:
    values = dict(zip(_NAMES, row, strict=True))
    values["related"] = tuple(json.loads(values["related"] or "[]"))
    values["row"] = json.loads(values["row"]) if values["row"] else None
    return Case(**values)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple | dict) else value


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
