"""Rows that waited for nothing: they become rejected ones, and their sender is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.ledger.parked import Parked, ParkedRow
from feedengine.remedy import feeds
from feedengine.remedy.aftermath import Aftermath, case
from feedengine.remedy.parking import Begin, grouped, origin_of, senders, written
from feedengine.remedy.terms import terms

if TYPE_CHECKING:
    from feedengine.settings import Settings
    from feedengine.store import Store

#: The type of a task that nobody sent: it tells of rows that waited for nothing.
EXPIRY = "parked-expired"

_NONE = ("before", "after", "added", "changed", "unchanged", "removed", "parked", "ignored", "listed", "lost")


def expire(store: Store, settings: Settings, begin: Begin) -> list[int]:
    """Turn waiting rows whose time is over into rejected ones, each sender's into a task that has ended with them."""
    parked = Parked(store.ledger)
    rows = parked.expired()
    if not rows:
        return []
    sender = senders(store, rows)
    made = []
    for (key, (section, entity, operation, origin, _)), group in grouped(
        rows, lambda row: (row.key, sender(row))
    ).items():
        catalog = f"{key}/{section}"
        spec = terms(store, settings, catalog).spec(entity)
        feed = written(store, f"expired_{entity}", spec, group)
        report = _report(catalog, operation, entity, str(spec["fields"][0]["name"]), group, feed)
        faults: list[dict[str, Any]] = report["problems"]["list"]
        shown = [case(fault, row.names, None) for fault, row in zip(faults, group, strict=True)]
        with store.ledger.write(lasting=True):
            task = begin(feed.path, type=EXPIRY, key=key, section=section, operation=operation,
                         **origin_of(store, origin))  # fmt: skip
            parked.expire([row.id for row in group], task)
            store.ledger.finish(task, "ok_with_errors", report={**report, "task": task}, problems=faults)
            Aftermath(task, key, section, shown=shown, parent=group[0].task).note(store.ledger)
        made.append(task)
    return made


def _report(
    catalog: str, operation: str, entity: str, key: str, rows: list[ParkedRow], feed: feeds.Written
) -> dict[str, Any]:
    """What a plan would report of a file in which each of the rows is rejected."""
    known = {entry["code"]: entry for entry in engine.codes()}
    faults: list[dict[str, Any]] = [
        {
            **{name: known[row.code][name] for name in ("code", "family", "hint")},
            "severity": "row",
            "file": feed.path.name,
            "member": feed.member,
            "record": number,
            "line": feed.head + number,
            "byte": feed.offsets[number - 1],
            "entity": entity,
            "key": row.row.get(key),
            "column": row.waits_field,
            "value": row.waits_value,
            "related": [],
            "owner": row.owner,
            "message": f'no {row.waits_entity} with {row.waits_field} "{row.waits_value}" came since {row.since}',
        }
        for number, row in enumerate(rows, 1)
    ]
    by_code = []
    for code in dict.fromkeys(row.code for row in rows):
        mine = [fault for fault in faults if fault["code"] == code]
        about = {"code": code, "entity": entity, "severity": "row", "count": len(mine), "hint": known[code]["hint"]}
        by_code.append({**about, "fails_file": False, "first": mine[0]})
    counts = {"uploaded": True, "rows": len(rows), "rejected": len(rows), **dict.fromkeys(_NONE, 0), "fields": {}}
    return {
        "schema": "feedengine.task/1",
        "own": True,
        "operation": operation,
        "force": False,
        "catalog": catalog,
        "file": {"name": feed.path.name, "bytes": None, "fingerprint": None, "container": "tar"},
        "entities": {entity: counts},
        "safeguard": {
            "decision": "ok", "entities": {}, "signature": None, "segments": [], "values": [], "must_exist": [],
        },
        "verdict": "no_change",
        "state": "DONE",
        "outcome": "ok_with_errors",
        "new_snapshot": None,
        "problems": {
            "errors": len(faults), "warnings": 0, "listed": len(faults), "by_code": by_code, "list": faults,
        },
    }  # fmt: skip
