"""The outbox: files that are to be sent, in order per destination, each until it has arrived or was given up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import takewhile
from sqlite3 import Connection
from typing import Any

from feedengine.errors import NotFound, UsageError
from feedengine.ledger.database import Database

STATUSES = ("WAITING", "SENDING", "SENT", "DEAD", "DROPPED")
_OPEN = "status IN ('WAITING', 'SENDING')"


@dataclass(frozen=True)
class Delivery:
    """A file on its way. Times are UTC in ISO 8601; `about` is a JSON object for people and programs.

    `target` is a name of the settings or a URL; `name` what the file is called there, `path` where that is below the
    target's folder. `file` is our copy, relative to the store. `placed` says that the renaming to its final name was
    begun: from then on it may have arrived. `not_before` is when to try (again), `verified` how its arrival was
    checked (hash, size, listing, taken, none). `publication` numbers the publication that it is a part of.
    """

    id: int
    target: str
    name: str
    path: str
    file: str
    bytes: int
    sha256: str
    about: Mapping[str, Any]
    publication: int | None
    status: str
    placed: bool
    attempts: int
    not_before: str
    worker: str | None
    created: str
    sent: str | None
    verified: str | None
    error: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class NewDelivery:
    """What is needed to put a file into the outbox; see `Delivery`."""

    target: str
    name: str
    path: str
    file: str
    bytes: int
    sha256: str
    about: Mapping[str, Any]


_NAMES = tuple(field.name for field in fields(Delivery))
_COLUMNS = ", ".join(_NAMES)
#: The method `list` hides the type of that name inside the class.
_Deliveries = list[Delivery]


def clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def stamp(when: datetime) -> str:
    """A time as the ledger writes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Outbox:
    """The verbs. Deliveries of one target are sent in the order of their numbers; targets don't wait for each other."""

    def __init__(self, database: Database, now: Callable[[], datetime] = clock) -> None:
        self.database = database
        self._now = now

    def now(self) -> str:
        """The time as the ledger writes it."""
        return stamp(self._now())

    def add(self, new: Iterable[NewDelivery], publication: int | None = None) -> list[int]:
        """Put files into the outbox, all or none, in this order; gives their numbers."""
        at, numbers = self.now(), []
        with self.database.write(lasting=True) as con:
            for each in new:
                cursor = con.execute(
                    "INSERT INTO deliveries (target, name, path, file, bytes, sha256, about, publication, status, "
                    "not_before, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'WAITING', ?, ?)",
                    [each.target, each.name, each.path, each.file, each.bytes, each.sha256,
                     json.dumps(each.about, default=str), publication, at, at],
                )  # fmt: skip
                numbers.append(int(cursor.lastrowid or 0))
        return numbers

    def get(self, delivery: int) -> Delivery:
        """One delivery. Raises `NotFound`."""
        with self.database.read() as con:
            row = con.execute(f"SELECT {_COLUMNS} FROM deliveries WHERE id = ?", [delivery]).fetchone()
        if row is None:
            hints = [{"text": "See what there is", "argv": ["feedengine", "outbox", "list"]}]
            raise NotFound(f"There is no delivery {delivery}.", hints=hints)
        return _delivery(row)

    def list(
        self, *, status: Sequence[str] = (), target: str | None = None, limit: int = 1000, oldest: bool = False
    ) -> _Deliveries:
        """Deliveries, the newest first unless `oldest`."""
        terms, values = ["1"], list(status)
        if status:
            terms.append(f"status IN ({', '.join('?' * len(status))})")
        if target is not None:
            terms.append("target = ?")
            values.append(target)
        order = "ASC" if oldest else "DESC"
        with self.database.read() as con:
            rows = con.execute(
                f"SELECT {_COLUMNS} FROM deliveries WHERE {' AND '.join(terms)} ORDER BY id {order} LIMIT ?",
                [*values, limit],
            ).fetchall()
        return [_delivery(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many there are by status; those without any are there with 0."""
        with self.database.read() as con:
            found = con.execute("SELECT status, count(*) FROM deliveries GROUP BY status").fetchall()
        return dict.fromkeys(STATUSES, 0) | dict(found)

    def head(self, target: str) -> Delivery | None:
        """The delivery of a target that is next, due or not: the oldest that has not ended."""
        with self.database.read() as con:
            row = con.execute(
                f"SELECT {_COLUMNS} FROM deliveries WHERE target = ? AND {_OPEN} ORDER BY id LIMIT 1", [target]
            ).fetchone()
        return None if row is None else _delivery(row)

    def due(self, target: str, limit: int) -> _Deliveries:
        """The deliveries of a target that can be sent now, in order: from its head to the first that has to wait."""
        with self.database.read() as con:
            rows = con.execute(
                f"SELECT {_COLUMNS} FROM deliveries WHERE target = ? AND {_OPEN} ORDER BY id LIMIT ?", [target, limit]
            ).fetchall()
        now = self.now()
        return list(takewhile(lambda each: each.not_before <= now, map(_delivery, rows)))

    def waiting(self) -> dict[str, str]:
        """The targets that have something to send, and when their next delivery is due."""
        with self.database.read() as con:
            rows = con.execute(
                f"SELECT target, not_before FROM deliveries WHERE id IN (SELECT min(id) FROM deliveries WHERE {_OPEN} "
                "GROUP BY target) ORDER BY not_before, id"
            ).fetchall()
        return dict(rows)

    def oldest_waiting(self) -> str | None:
        """When the longest waiting delivery was put into the outbox; None while none waits."""
        with self.database.read() as con:
            found = con.execute(f"SELECT min(created) FROM deliveries WHERE {_OPEN}").fetchone()[0]
        return None if found is None else str(found)

    def begin(self, delivery: int, worker: str) -> Delivery:
        """An attempt begins; the caller holds the target's lock, so whoever began before is gone."""
        with self.database.write() as con:
            con.execute(
                f"UPDATE deliveries SET status = 'SENDING', worker = ?, attempts = attempts + 1 "
                f"WHERE id = ? AND {_OPEN}",
                [worker, delivery],
            )
            return self.get(delivery)

    def placing(self, *deliveries: int) -> None:
        """From now on the files may be there under their final names."""
        with self.database.write(lasting=True) as con:
            con.executemany("UPDATE deliveries SET placed = 1 WHERE id = ?", [[each] for each in deliveries])

    def sent(self, delivery: int, verified: str, *, lasting: bool = True) -> None:
        """It has arrived. The publication that it completes is sent as well.

        Need not be `lasting` where the part file tells the same after a power failure.
        """
        with self.database.write(lasting=lasting) as con:
            con.execute(
                "UPDATE deliveries SET status = 'SENT', sent = ?, verified = ?, error = NULL, worker = NULL "
                "WHERE id = ?",
                [self.now(), verified, delivery],
            )
            con.execute(
                "UPDATE publications SET status = 'SENT', ended = ? "
                "WHERE id = (SELECT publication FROM deliveries WHERE id = ?) AND status = 'SENDING' AND NOT EXISTS "
                "(SELECT 1 FROM deliveries AS d WHERE d.publication = publications.id AND d.status <> 'SENT')",
                [self.now(), delivery],
            )

    def failed(self, delivery: int, error: str, not_before: datetime) -> None:
        """An attempt failed; the next one is not before that time."""
        with self.database.write() as con:
            con.execute(
                "UPDATE deliveries SET status = 'WAITING', error = ?, not_before = ?, worker = NULL WHERE id = ?",
                [error, stamp(not_before), delivery],
            )

    def postponed(self, delivery: int, not_before: datetime, why: str | None) -> None:
        """Nothing was tried, or what was begun is put off: it doesn't count as an attempt."""
        with self.database.write() as con:
            con.execute(
                "UPDATE deliveries SET status = 'WAITING', not_before = ?, worker = NULL, error = coalesce(?, error), "
                "attempts = attempts - (status = 'SENDING') WHERE id = ?",
                [stamp(not_before), why, delivery],
            )

    def died(self, delivery: int, error: str) -> None:
        """It is given up, and with it what its publication would have sent after it."""
        self._end(delivery, "DEAD", error)

    def drop(self, delivery: int, actor: str) -> Delivery:
        """Take a delivery back that has not been sent. Raises `NotFound`, `UsageError`."""
        found = self.get(delivery)
        if found.status not in ("WAITING", "DEAD"):
            now = "on its way right now" if found.status == "SENDING" else found.status
            raise UsageError(f"Delivery {delivery} is {now}: it can't be dropped.", state="Nothing was changed.")
        self._end(delivery, "DROPPED", f"dropped by {actor}" + (f"; before: {found.error}" if found.error else ""))
        return self.get(delivery)

    def _end(self, delivery: int, status: str, error: str) -> None:
        with self.database.write(lasting=True) as con:
            con.execute(
                "UPDATE deliveries SET status = ?, error = ?, worker = NULL WHERE id = ?", [status, error, delivery]
            )
            publication = con.execute("SELECT publication FROM deliveries WHERE id = ?", [delivery]).fetchone()[0]
            if publication is None:
                return
            con.execute(
                "UPDATE deliveries SET status = 'DROPPED', error = ? WHERE publication = ? AND status = 'WAITING'",
                [_AFTER.format(delivery), publication],
            )
            con.execute(
                "UPDATE publications SET status = 'BROKEN', ended = ? WHERE id = ? AND status <> 'SENT'",
                [self.now(), publication],
            )

    def retry(self, delivery: int) -> _Deliveries:
        """Try a delivery at once, again from the first attempt if it was given up; gives what is sent again.

        With a dead one of a publication goes what was left out after it, unless a newer publication took its place.
        """
        found = self.get(delivery)
        if found.status in ("SENT", "SENDING"):
            raise UsageError(f"Delivery {delivery} is {found.status}: there is nothing to retry.")
        with self.database.write(lasting=True) as con:
            if found.publication is not None and found.status != "WAITING":
                self._reopen(con, found)
            con.execute(
                "UPDATE deliveries SET status = 'WAITING', attempts = 0, not_before = ?, error = NULL WHERE id = ?",
                [self.now(), delivery],
            )
            rows = con.execute(
                f"SELECT {_COLUMNS} FROM deliveries WHERE status = 'WAITING' AND (id = ? OR publication = ?) "
                "ORDER BY id",
                [delivery, found.publication],
            ).fetchall()
        return [_delivery(row) for row in rows]

    def _reopen(self, con: Connection, found: Delivery) -> None:
        newer = con.execute(
            "SELECT min(n.id) FROM publications AS n JOIN publications AS p ON n.target = p.target "
            "AND n.catalog = p.catalog AND n.id > p.id WHERE p.id = ?",
            [found.publication],
        ).fetchone()[0]
        if newer is not None:
            raise UsageError(
                f"Delivery {found.id} belongs to publication {found.publication}; publication {newer} took its place.",
                state="Nothing was changed.",
            )
        con.execute(
            "UPDATE deliveries SET status = 'WAITING', attempts = 0, not_before = ?, error = NULL "
            "WHERE publication = ? AND status IN ('DROPPED', 'DEAD')",
            [self.now(), found.publication],
        )
        con.execute("UPDATE publications SET status = 'SENDING', ended = NULL WHERE id = ?", [found.publication])

    def files(self) -> set[str]:
        """The files that deliveries stand for, as `Delivery.file` has them."""
        with self.database.read() as con:
            return {row[0] for row in con.execute("SELECT file FROM deliveries WHERE file <> ''").fetchall()}

    def forget_files(self, before: datetime) -> _Deliveries:
        """Deliveries that ended before a time and whose files need not be kept; their entries stay."""
        with self.database.write() as con:
            rows = con.execute(
                f"SELECT {_COLUMNS} FROM deliveries WHERE file <> '' AND status IN ('SENT', 'DROPPED') "
                "AND coalesce(sent, created) < ?",
                [stamp(before)],
            ).fetchall()
            con.execute(
                "UPDATE deliveries SET file = '' WHERE file <> '' AND status IN ('SENT', 'DROPPED') "
                "AND coalesce(sent, created) < ?",
                [stamp(before)],
            )
        return [_delivery(row) for row in rows]


_AFTER = "delivery {}, which goes before it, was not delivered"


def _delivery(row: Sequence[Any]) -> Delivery:
    values = dict(zip(_NAMES, row, strict=True))
    return Delivery(**{**values, "about": json.loads(values["about"]), "placed": bool(values["placed"])})
