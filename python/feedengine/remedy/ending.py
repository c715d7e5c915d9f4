"""The end of a task, as the flow knows it: what it means for cases and for rows that wait."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.remedy.aftermath import Aftermath, aftermath, of_error
from feedengine.remedy.terms import terms

if TYPE_CHECKING:
    from feedengine.settings import Settings
    from feedengine.store import Store


def applied(store: Store, settings: Settings, task: int, path: Path, report: dict[str, Any]) -> Aftermath:
    """Of a task that was applied, or had nothing to change."""
    found = terms(store, settings, str(report["catalog"]), report["entities"])
    return aftermath(store, store.ledger.get(task), path, report, found, done=True)


def failed(
    store: Store, settings: Settings, task: int, path: Path, report: dict[str, Any] | None, error: dict[str, Any]
) -> Aftermath | None:
    """Of a task whose file was refused; None where nobody knows which catalog it was for."""
    found = store.ledger.get(task)
    if report is not None:
        known = terms(store, settings, str(report["catalog"]), report["entities"])
        return aftermath(store, found, path, report, known, done=False)
    if found.key is None or found.section is None:
        return None
    shown = of_error(error, str(found.operation), found.filename)
    return Aftermath(task, found.key, found.section, shown=[shown])
