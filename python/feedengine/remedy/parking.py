"""Rows that wait for a record: kept with the plan, applied by a task of their own once the record is there.

Whatever dies in between, a row waits, or belongs to exactly one task, whose applied mark is in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.errors import CatalogNotFound, TaskNotFound
from feedengine.faults import point
from feedengine.ledger.parked import Parked, ParkedRow
from feedengine.remedy import feeds
from feedengine.remedy.naming import loose, text
from feedengine.remedy.terms import Terms, terms

if TYPE_CHECKING:
    from feedengine.ledger import Task
    from feedengine.settings import Settings
    from feedengine.store import Store
    from feedengine.store.lookup import Lookup

#: The type of a task that applies rows which waited.
RETRY = "parked"

#: A sync says all there is; rows of it that come later say it of themselves.
_LATER = {"sync": "delta"}

#: Makes the task for a feed that was written: takes its path and what is known of it, gives its number.
Begin = Callable[..., int]


def keep(store: Store, settings: Settings, task: int, report: Mapping[str, Any], parked: Callable[[str], Any]) -> None:
    """Note the rows that a plan parks, before it is carried out; `parked(entity)` gives the planner's."""
    names = [name for name, entry in report["entities"].items() if entry.get("parked")]
    if not names:
        return
    catalog = str(report["catalog"])
    found = terms(store, settings, catalog, report["entities"])
    now = datetime.now(UTC)
    rows = [_kept(row, name, report, found, now) for name in names for row in parked(name)]
    key, _, section = catalog.partition("/")
    Parked(store.ledger).plan(task, key, section, rows)


def _kept(
    row: Mapping[str, Any], entity: str, report: Mapping[str, Any], found: Terms, now: datetime
) -> dict[str, Any]:
    spec = found.spec(entity)
    values: Mapping[str, str] = row["values"]
    waits = row["waits_for"]
    return {
        "entity": entity,
        "identity": text(row["identity"]),
        "operation": _LATER.get(str(report["operation"]), str(report["operation"])),
        "member": row.get("member"),
        "record_number": row["record"],
        "line": row.get("line"),
        "row": dict(values),
        "sent": row.get("sent"),
        "waits_entity": waits["entity"],
        "waits_field": waits["field"],
        "waits_value": waits["value"],
        "code": _code(spec, str(waits["entity"])),
        "owner": values.get(found.owners.get(entity, ""), "").strip() or None,
        "until": (now + timedelta(seconds=found.waits(entity))).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _code(spec: Mapping[str, Any], entity: str) -> str:
    """What a row of the entity is told if the record never comes."""
    codes = [each["code"] for each in spec.get("references") or () if each["entity"] == entity]
    return str(codes[0]) if codes else "MISSING_LINK"


def release(store: Store, settings: Settings, key: str, begin: Begin) -> list[int]:
    """Make tasks for the waiting rows of a key whose records have come; gives their numbers.

    `begin` makes a task, within the transaction that gives it its rows.
    """
    parked = Parked(store.ledger)
    parked.settle()
    waiting = parked.due(key)
    if not waiting:
        return []
    try:
        with store.catalog(key) as catalog:
            newest = max((each.number for each in catalog.snapshots()), default=0)
            ready: list[ParkedRow] = []
            absent: list[ParkedRow] = []
            for (section, entity, field), rows in grouped(waiting, _waits_for).items():
                lookup = catalog.lookup(section, entity)
                there = _there(lookup, catalog.entities.spec(entity), field, rows) if lookup else set()
                for row in rows:
                    (ready if row.id in there else absent).append(row)
    except CatalogNotFound:
        return []
    parked.looked([row.id for row in absent], newest)
    made = []
    for (section, entity, operation, origin, _), rows in grouped(ready, senders(store, ready)).items():
        spec = terms(store, settings, f"{key}/{section}").spec(entity)
        path = written(store, f"parked_{entity}", spec, rows).path
        point("serve.parked.written")
        with store.ledger.write(lasting=True):
            task = begin(
                path, type=RETRY, key=key, section=section, operation=operation,
                reason=f"{len(rows)} rows waited for {', '.join(sorted({row.waits_entity for row in rows}))}",
                **origin_of(store, origin),
            )  # fmt: skip
            parked.take([row.id for row in rows], task)
            store.ledger.note(task, parent=rows[0].task)
        point("serve.parked.taken")
        made.append(task)
    return made


def _there(lookup: Lookup, spec: Mapping[str, Any], field: str, rows: Sequence[ParkedRow]) -> set[int]:
    """Those of the rows whose record has come. What they say and what is stored may be written in different ways."""
    said = engine.compared([row.waits_value for row in rows], spec, field)
    wanted = {value for value in said if value is not None}
    if loose(spec, field):
        told = lookup.told(field, lambda values: [
            value if value in wanted else None for value in engine.compared(values, spec, field)
        ])  # fmt: skip
        known = set(told.values())
    else:
        known = lookup.known(field, wanted)
    return {row.id for row, value in zip(rows, said, strict=True) if value in known}


def grouped(rows: Iterable[ParkedRow], by: Callable[[ParkedRow], Any]) -> dict[Any, list[ParkedRow]]:
    """Rows by what they have in common, in their order."""
    found: dict[Any, list[ParkedRow]] = {}
    for row in rows:
        found.setdefault(by(row), []).append(row)
    return found


def _waits_for(row: ParkedRow) -> tuple[str, str, str]:
    return (row.section, row.waits_entity, row.waits_field)


def written(store: Store, name: str, spec: Mapping[str, Any], rows: Sequence[ParkedRow]) -> feeds.Written:
    """Write rows as they were sent, which have in common what `senders` says."""
    elements = [row.sent for row in rows if row.sent is not None]
    if elements:
        return feeds.write_elements(store, name, spec, elements)
    return feeds.write(store, name, spec, [row.row for row in rows])


def senders(store: Store, rows: Iterable[ParkedRow]) -> Callable[[ParkedRow], tuple[str, str, str, int | None, bool]]:
    """What rows of one feed have in common: section, entity, operation, the task whose sender is told, whether JSON."""
    tasks = {row.task for row in rows}
    told = {task: task if (found := _task(store, task)) and found.home else None for task in tasks}
    return lambda row: (row.section, row.entity, row.operation, told[row.task], row.sent is not None)


def _task(store: Store, number: int) -> Task | None:
    try:
        return store.ledger.get(number)
    except TaskNotFound:
        return None


def origin_of(store: Store, number: int | None) -> dict[str, Any]:
    """What a task about rows of an earlier one has of it, so that their sender is told."""
    task = None if number is None else _task(store, number)
    if task is None:
        return {}
    return {"account": task.account, "home": task.home, "virtual": task.virtual, "actor": task.actor}
