"""One record by hand: a feed of one row made on the fly, through the very same planner and ledger as any other."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feedengine import ingest
from feedengine.deliver.record_files import cell
from feedengine.errors import FeedRejected, UsageError
from feedengine.names import OPERATIONS
from feedengine.settings import Settings
from feedengine.store.records import records
from feedengine.target import FeedRequest

if TYPE_CHECKING:
    from feedengine.store import Catalog, Store

#: What `put` does by default: changes the record that the values name, or creates it.
OPERATION = "patchdeltacreate"


@dataclass(frozen=True)
class Put:
    """What became of it: the task's report, the record's key where it was created or changed, and how."""

    report: Mapping[str, Any]
    key: str | None
    change: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {
            "task": self.report["task"],
            "snapshot": self.report["new_snapshot"],
            "id": self.key,
            "change": self.change,
            "outcome": self.report["outcome"],
        }


def put(
    store: Store,
    settings: Settings,
    catalog: str,
    entity: str,
    values: Mapping[str, Any],
    *,
    actor: str,
    operation: str = OPERATION,
    reason: str | None = None,
) -> Put:
    """Create or change a record. `values` are by field or column; a list is a list, None leaves the field alone.

    Raises FeedRejected where the row is not accepted, and what `ingest.run` raises.
    """
    if operation not in OPERATIONS:
        raise UsageError(f'"{operation}" is no operation; it must be one of {", ".join(OPERATIONS)}.')
    folder = store.tmp / f"record.{os.urandom(8).hex()}"
    folder.mkdir(mode=0o700, parents=True)
    path = folder / f"{entity}.csv"
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([list(values), [_text(value) for value in values.values()]])
        request = FeedRequest(
            path, catalog=catalog, operation=operation, entity=entity, own=True, create=True, actor=actor,
            reason=reason, protocol="record",
        )  # fmt: skip
        report = ingest.run(store, settings, request).report
    finally:
        path.unlink(missing_ok=True)
        folder.rmdir()
    _must_be_accepted(report)
    if report["new_snapshot"] is None:
        return Put(report, None, "unchanged")
    key, _, section = catalog.partition("/")
    with store.catalog(key) as opened:
        named = opened.entities.key(entity)
        for row in records(opened.changes(section, entity, report["base_snapshot"], report["new_snapshot"])):
            return Put(report, str(row[named]), str(row["_change"]))
    return Put(report, None, "unchanged")


def get(catalog: Catalog, section: str, entity: str, wanted: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Current records whose fields have all these values, by key; what a record lacks is left out. At most 1,000."""
    known = [column.name for column in catalog.columns_at(section, entity)]
    for name, _ in wanted:
        if name not in known:
            raise UsageError(f"{entity} have no field {name}; they have {', '.join(known)}.")
    terms = " AND ".join(f"CAST({_quoted(name)} AS VARCHAR) = {_literal(value)}" for name, value in wanted)
    key = catalog.entities.key(entity)
    query = f"SELECT * FROM {_quoted(entity)} WHERE {terms} ORDER BY {_quoted(key)} LIMIT 1000"
    found = records(catalog.sql(query, section))
    return [{name: value for name, value in row.items() if value is not None} for row in found]


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else cell(value)


def _must_be_accepted(report: Mapping[str, Any]) -> None:
    """A feed whose only row was not taken was no success, whatever the rules say of single rows."""
    taken = ("rejected", "parked", "ignored")
    counts = {name: sum(int(each.get(name) or 0) for each in report["entities"].values()) for name in taken}
    if not any(counts.values()):
        return
    first: Mapping[str, Any] = next(iter(report["problems"]["list"]), {})
    what = next(name for name in taken if counts[name])
    raise FeedRejected(
        str(first.get("message") or f"The record was {what}."),
        code=str(first.get("code") or "FEED_REJECTED"),
        state="It waits for what it names." if what == "parked" else "Nothing was changed.",
        hints=[str(first["hint"])] if first.get("hint") else [],
        report=dict(report),
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
