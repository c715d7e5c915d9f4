"""Alarms about what did not happen: records that wait too long to be sent, files of entities that did not come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from feedengine.errors import FeedEngineError
from feedengine.ledger.exports import Exports
from feedengine.ledger.incidents import Incidents
from feedengine.ledger.outbox import Outbox
from feedengine.ledger.passes import Passes
from feedengine.service import intake
from feedengine.service.outgoing import Outgoing, outgoing
from feedengine.service.part import Log
from feedengine.settings import Settings
from feedengine.store import Store

# A file that is expected every half hour may come now and then after three quarters.
_PATIENCE = 1.5


def look(store: Store, settings: Settings, log: Log, now: datetime | None = None) -> None:
    """Open and close incidents of exports and entities. What the settings have wrong is logged, not raised."""
    at = now or datetime.now(UTC)
    for out in outgoing(store, settings, lambda name, error: log("late.settings", level="error", error=error.message)):
        _export(store, out, at)
    try:
        for catalog in intake.catalogs(settings):
            for entity, seconds, by_profile in _expected(catalog):
                _entity(store, catalog.name, entity, seconds, by_profile, at)
    except FeedEngineError as error:
        log("late.settings", level="error", error=error.message)


def lag(store: Store, out: Outgoing, at: datetime) -> float:
    """Seconds that the longest waiting record of an export has waited; 0 where none does."""
    since = Exports(Outbox(store.ledger)).progress(out.name, out.catalog).oldest
    return max(0.0, (at - datetime.fromisoformat(since)).total_seconds()) if since else 0.0


def _export(store: Store, out: Outgoing, at: datetime) -> None:
    incidents = Incidents(store.ledger)
    seconds = lag(store, out, at)
    if not out.late_after or seconds <= out.late_after:
        incidents.close("export_late", out.name)
    elif not incidents.seen("export_late", out.name):
        progress = Exports(Outbox(store.ledger)).progress(out.name, out.catalog)
        about = {
            "message": f"records of {out.catalog} have waited since {progress.oldest}",
            "target": out.target,
            "waiting": progress.waiting,
            "incomplete": progress.awaited,
        }
        incidents.open("export_late", out.name, about)


def _expected(catalog: intake.Catalog) -> Iterator[tuple[str, float, bool]]:
    """Entities of which files are expected, how often at least, and whether only the profile says so."""
    own = dict(catalog.keys["stale_after"])
    for each in catalog.profile.entities:
        taken = each.enabled and each.name in (catalog.keys["entities"] or [each.name])
        if taken and each.name in own:
            yield each.name, float(own[each.name]), False
        elif taken and each.cadence:
            yield each.name, each.cadence * _PATIENCE, True


def _entity(store: Store, catalog: str, entity: str, seconds: float, by_profile: bool, at: datetime) -> None:
    incidents, key = Incidents(store.ledger), f"{catalog} {entity}"
    known = Passes(store.ledger).state(catalog, entity)
    if by_profile and known.file is None:
        # Not every partner sends every entity that its profile knows.
        return
    since = datetime.fromisoformat(known.file or known.made)
    if at - since <= timedelta(seconds=seconds):
        incidents.close("feed_missing", key)
    elif not incidents.seen("feed_missing", key):
        about = {
            "message": f"no file of {entity} for {catalog} since {known.file or 'ever'}",
            "expected_every": f"{seconds:g} s",
        }
        incidents.open("feed_missing", key, about)
