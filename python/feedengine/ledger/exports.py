"""Exports in the ledger: up to which snapshot a catalog was looked at, and every record that was ever put out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from feedengine.ledger.outbox import NewDelivery, Outbox


@dataclass(frozen=True)
class Exported:
    """A record that was put into the outbox, from a snapshot, by a delivery: the last one, where it was replayed."""

    export: str
    record: str
    snapshot: int
    delivery: int
    replays: int
    at: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Progress:
    """How far an export is. `snapshot` is the last one that was looked at, None before the first look; `records` were
    put out, `waiting` of them have not arrived, the oldest `since`; `dead` were given up. `awaited` records are not put
    out before there are rows of another entity for them, the oldest `awaited_since`. `behind_since` is when the first
    snapshot was made that was not looked at."""

    name: str
    snapshot: int | None
    records: int
    waiting: int
    since: str | None
    dead: int
    awaited: int
    awaited_since: str | None
    behind_since: str | None

    @property
    def oldest(self) -> str | None:
        """Since when the longest waiting record waits, whatever for."""
        return min((each for each in (self.since, self.awaited_since, self.behind_since) if each), default=None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_COLUMNS = ", ".join(field.name for field in fields(Exported))


class Exports:
    """The verbs. A record and its delivery are put down in one transaction: both, or neither."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._database = outbox.database

    def reached(self, name: str, catalog: str) -> int | None:
        """The snapshot up to which the export looked at the catalog; None before its first look."""
        with self._database.read() as con:
            row = con.execute("SELECT snapshot FROM exports WHERE name = ? AND catalog = ?", [name, catalog]).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    def awaited(self, name: str) -> set[str]:
        """Records that are not complete yet."""
        with self._database.read() as con:
            return {row[0] for row in con.execute("SELECT record FROM awaited WHERE export = ?", [name]).fetchall()}

    def reach(self, name: str, catalog: str, snapshot: int, awaited: Iterable[str]) -> None:
        """Everything up to a snapshot was put out, but for records that are not complete."""
        at = self._outbox.now()
        with self._database.write(lasting=True) as con:
            wanted = set(awaited)
            known = self.awaited(name)
            for record in known - wanted:
                con.execute("DELETE FROM awaited WHERE export = ? AND record = ?", [name, record])
            for record in wanted - known:
                con.execute("INSERT INTO awaited (export, record, since) VALUES (?, ?, ?)", [name, record, at])
            con.execute(
                "INSERT INTO exports (name, catalog, snapshot, looked) VALUES (?, ?, ?, ?) ON CONFLICT (name) "
                "DO UPDATE SET catalog = excluded.catalog, snapshot = excluded.snapshot, looked = excluded.looked",
                [name, catalog, snapshot, at],
            )

    def newest(self, catalog: str) -> int:
        """The newest snapshot that a task made in the catalog; 0 where none did."""
        key, _, section = catalog.partition("/")
        with self._database.read() as con:
            sql = "SELECT max(new_snapshot) FROM tasks WHERE status = 'DONE' AND key = ? AND section = ?"
            return int(con.execute(sql, [key, section]).fetchone()[0] or 0)

    def known(self, name: str, records: Sequence[str]) -> set[str]:
        """Those of the records that were put out before."""
        found: set[str] = set()
        with self._database.read() as con:
            for at in range(0, len(records), 500):
                some = records[at : at + 500]
                marks = ", ".join("?" * len(some))
                sql = f"SELECT record FROM exported WHERE export = ? AND record IN ({marks})"
                found.update(row[0] for row in con.execute(sql, [name, *some]).fetchall())
        return found

    def put(self, name: str, new: Iterable[tuple[str, int, Sequence[NewDelivery]]]) -> list[int]:
        """Put records out: key, snapshot, deliveries of each. One that was put out before is passed over."""
        numbers: list[int] = []
        count, at = 0, self._outbox.now()
        with self._database.write(lasting=True) as con:
            for record, snapshot, deliveries in new:
                if con.execute("SELECT 1 FROM exported WHERE export = ? AND record = ?", [name, record]).fetchone():
                    continue
                made = self._outbox.add(deliveries)
                con.execute(
                    f"INSERT INTO exported ({_COLUMNS}) VALUES (?, ?, ?, ?, 0, ?)",
                    [name, record, snapshot, made[-1] if made else 0, at],
                )
                numbers += made
                count += 1
            if count:
                # Counted here: to count them when somebody asks would take longer and longer.
                con.execute(
                    "INSERT INTO exports (name, catalog, looked, records) VALUES (?, '', ?, ?) ON CONFLICT (name) "
                    "DO UPDATE SET records = records + excluded.records",
                    [name, at, count],
                )
        return numbers

    def skip(self, name: str, records: Iterable[str], snapshot: int) -> None:
        """Records that are never to be put out, as if they had been."""
        self.put(name, ((record, snapshot, ()) for record in records))

    def replay(self, found: Exported, snapshot: int, deliveries: Sequence[NewDelivery]) -> list[int]:
        """Put a record out once more."""
        with self._database.write(lasting=True) as con:
            made = self._outbox.add(deliveries)
            con.execute(
                "UPDATE exported SET snapshot = ?, delivery = ?, replays = replays + 1, at = ? "
                "WHERE export = ? AND record = ?",
                [snapshot, made[-1], self._outbox.now(), found.export, found.record],
            )
        return made

    def forget(self, before: str) -> int:
        """Forget deliveries of records that ended and were made before a time; gives how many.

        That the records were put out is never forgotten.
        """
        with self._database.write() as con:
            return con.execute(
                "DELETE FROM deliveries WHERE status IN ('SENT', 'DROPPED') AND created < ? AND publication IS NULL "
                "AND json_extract(about, '$.export') IS NOT NULL",
                [before],
            ).rowcount

    def find(self, record: str) -> list[Exported]:
        """Where a record was put out."""
        with self._database.read() as con:
            sql = f"SELECT {_COLUMNS} FROM exported WHERE record = ? ORDER BY export"
            return [Exported(*row) for row in con.execute(sql, [record]).fetchall()]

    def list(self, name: str | None = None, *, limit: int = 20) -> list[tuple[Exported, str]]:
        """Records that were put out, the newest first, each with its delivery's status (SKIPPED without one)."""
        where, values = ("WHERE e.export = ?", [name]) if name else ("", [])
        columns = ", ".join(f"e.{field.name}" for field in fields(Exported))
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT {columns}, coalesce(d.status, CASE e.delivery WHEN 0 THEN 'SKIPPED' ELSE 'SENT' END) "
                f"FROM exported AS e LEFT JOIN deliveries AS d ON d.id = e.delivery {where} "
                "ORDER BY e.delivery DESC, e.record LIMIT ?",
                [*values, limit],
            ).fetchall()
        return [(Exported(*row[:-1]), str(row[-1])) for row in rows]

    def progress(self, name: str, catalog: str) -> Progress:
        """How far an export is."""
        with self._database.read() as con:
            row = con.execute("SELECT records FROM exports WHERE name = ?", [name]).fetchone()
            records = int(row[0]) if row else 0
            ours = "EXISTS (SELECT 1 FROM exported AS e WHERE e.delivery = d.id AND e.export = ?)"
            waiting, since = con.execute(
                f"SELECT count(*), min(created) FROM deliveries AS d WHERE status IN ('WAITING', 'SENDING') AND {ours}",
                [name],
            ).fetchone()
            dead = con.execute(
                f"SELECT count(*) FROM deliveries AS d WHERE status = 'DEAD' AND {ours}", [name]
            ).fetchone()[0]
            awaited, awaited_since = con.execute(
                "SELECT count(*), min(since) FROM awaited WHERE export = ?", [name]
            ).fetchone()
            reached = self.reached(name, catalog)
            key, _, section = catalog.partition("/")
            behind = con.execute(
                "SELECT min(last_update) FROM tasks WHERE status = 'DONE' AND key = ? AND section = ? "
                "AND new_snapshot > ?",
                [key, section, reached or 0],
            ).fetchone()[0]
        return Progress(name, reached, records, waiting, since, dead, awaited, awaited_since, behind)
