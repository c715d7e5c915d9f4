"""Publications: which snapshot of a catalog a target has, and what is on its way there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from feedengine.errors import Conflict
from feedengine.ledger.outbox import NewDelivery, Outbox


@dataclass(frozen=True)
class Published:
    """A set of deliveries that leads a target from one snapshot to another. Times are UTC in ISO 8601.

    `status` is SENDING, SENT (the target has `to_snapshot`), or BROKEN: a delivery was given up or dropped, and the
    target has any of what lies between. `last_stamp` is the time in the last file's name.
    """

    id: int
    target: str
    catalog: str
    from_snapshot: int | None
    to_snapshot: int
    status: str
    last_stamp: str
    about: Mapping[str, Any]
    created: str
    ended: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_COLUMNS = ", ".join(field.name for field in fields(Published))


class Publications:
    """The verbs; the outbox ends publications, since only it knows when the last delivery has."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._database = outbox.database

    def begin(
        self,
        target: str,
        catalog: str,
        from_snapshot: int | None,
        to_snapshot: int,
        last_stamp: str,
        about: Mapping[str, Any],
        deliveries: Iterable[NewDelivery],
    ) -> tuple[int, list[int]]:
        """Put a publication and its deliveries into the outbox, all or nothing; gives their numbers.

        Raises `Conflict` while another one is on its way.
        """
        with self._database.write(lasting=True) as con:
            self.check_free(target, catalog)
            cursor = con.execute(
                "INSERT INTO publications (target, catalog, from_snapshot, to_snapshot, status, last_stamp, about, "
                "created) VALUES (?, ?, ?, ?, 'SENDING', ?, ?, ?)",
                [target, catalog, from_snapshot, to_snapshot, last_stamp, json.dumps(about, default=str),
                 self._outbox.now()],
            )  # fmt: skip
            number = int(cursor.lastrowid or 0)
            return number, self._outbox.add(deliveries, number)

    def last_sent(self, target: str, catalog: str) -> Published | None:
        """The newest publication that arrived as a whole."""
        return self._one("status = 'SENT'", target, catalog)

    def newest(self, target: str, catalog: str) -> Published | None:
        """The newest one, whatever became of it."""
        return self._one("1", target, catalog)

    def sending(self, target: str, catalog: str) -> Published | None:
        """One that is on its way."""
        return self._one("status = 'SENDING'", target, catalog)

    def check_free(self, target: str, catalog: str) -> None:
        """Raise `Conflict` while a publication is on its way: what the next one must hold depends on its end."""
        found = self.sending(target, catalog)
        if found is not None:
            raise Conflict(
                f"Publication {found.id} of {catalog} is still on its way to {target}.",
                state="Nothing was sent.",
                hints=[{"text": "See its files", "argv": ["feedengine", "outbox", "list", "--target", target]}],
            )

    def reached_in_part(self, target: str, catalog: str) -> list[Published]:
        """Broken ones since the last that arrived, of which files may have reached the target."""
        last = self.last_sent(target, catalog)
        with self._database.read() as con:
            rows = con.execute(
                f"SELECT {_COLUMNS} FROM publications AS p WHERE target = ? AND catalog = ? AND id > ? "
                "AND status = 'BROKEN' AND EXISTS (SELECT 1 FROM deliveries AS d WHERE d.publication = p.id "
                "AND (d.placed OR d.status = 'SENT')) ORDER BY id",
                [target, catalog, last.id if last else 0],
            ).fetchall()
        return [each for row in rows if (each := _published(row))]

    def _one(self, where: str, target: str, catalog: str) -> Published | None:
        with self._database.read() as con:
            row = con.execute(
                f"SELECT {_COLUMNS} FROM publications WHERE target = ? AND catalog = ? AND {where} "
                "ORDER BY id DESC LIMIT 1",
                [target, catalog],
            ).fetchone()
        return _published(row)


def _published(row: Any) -> Published | None:
    if row is None:
        return None
    values = dict(zip((field.name for field in fields(Published)), row, strict=True))
    return Published(**{**values, "about": json.loads(values["about"])})
