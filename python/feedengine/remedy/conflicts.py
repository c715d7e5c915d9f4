"""Conflicts: rows that might mean several records, beside those records; settled by saying which one is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.errors import CatalogNotFound, Hint, UsageError
from feedengine.ledger.cases import CONFLICTS, Case
from feedengine.remedy import feeds
from feedengine.remedy.terms import terms

if TYPE_CHECKING:
    from feedengine.settings import Settings
    from feedengine.store import Store

#: A sync of one row would remove all others.
_OF_ONE_ROW = {"sync": "delta"}


def candidates(store: Store, case: Case) -> list[dict[str, Any]]:
    """The stored records that the row might mean, as they are now; those that are gone are left out."""
    try:
        with store.catalog(case.key) as catalog:
            lookup = catalog.lookup(case.section, case.entity)
            return lookup.records(case.related) if lookup else []
    except CatalogNotFound:
        return []


def side_by_side(case: Case, records: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Field, the row's value, each record's value: the fields of the row, then those that only records have."""
    row = case.row or {}
    names = dict.fromkeys((*row, *(name for record in records for name in record)))
    return [(name, row.get(name, ""), *(_text(record.get(name)) for record in records)) for name in names]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "|".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def feed(store: Store, settings: Settings, case: Case, record: str) -> tuple[Path, str]:
    """Write the row with the system id of the record that is meant; gives the feed and its operation.

    Raises UsageError for a case that is no open conflict, and for a record that is none of the candidates.
    """
    if case.code not in CONFLICTS or case.state != "open":
        raise UsageError(
            f"problem {case.id} is {case.word}, {case.code}: there is nothing to choose",
            state="Nothing was changed.",
            hints=[Hint("See the conflicts", ("feedengine", "conflicts", "list"))],
        )
    if case.row is None:
        raise UsageError(f"the row of problem {case.id} was not kept: send it again with the id of its record",
                         state="Nothing was changed.")  # fmt: skip
    spec = terms(store, settings, case.catalog).spec(case.entity)
    key = str(spec["fields"][0]["name"])
    known = [str(each[key]) for each in candidates(store, case)]
    if record not in known:
        raise UsageError(
            f"the record {record} is none of those that problem {case.id} may mean: "
            f"{', '.join(known) or 'they are gone'}",
            state="Nothing was changed.",
            hints=[Hint("See them side by side", ("feedengine", "conflicts", "show", str(case.id)))],
        )
    written = _written(store, case, spec, record)
    operation = str(store.ledger.get(case.last_task).operation)
    return written.path, _OF_ONE_ROW.get(operation, operation)


def _written(store: Store, case: Case, spec: Mapping[str, Any], record: str) -> feeds.Written:
    """The row as that of the record: as it was sent, where it was sent as JSON, which says what no column can."""
    name, row = f"conflict_{case.id}", case.row or {}
    element = engine.keyed(case.sent, spec, record) if case.sent is not None else None
    if element is not None:
        return feeds.write_elements(store, name, spec, [element])
    if lists := [each for each in row if each.endswith((":add", ":remove"))]:
        # A column of that name would be a facet of that name.
        raise UsageError(
            f"the row of problem {case.id} changes lists ({', '.join(lists)}), and was not kept as it was sent: "
            "send it again with the id of its record",
            state="Nothing was changed.",
        )
    return feeds.write(store, name, spec, [{**row, str(spec["fields"][0]["name"]): record}])
