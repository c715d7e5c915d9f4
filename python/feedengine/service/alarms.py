"""What the keeper looks at now and then: the disk, the certificate; and it forgets what was told long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from feedengine.ledger.cases import Cases
from feedengine.ledger.incidents import Incidents
from feedengine.ledger.messages import Messages
from feedengine.ledger.parked import Parked
from feedengine.service import state
from feedengine.service.telling import settle
from feedengine.settings import Settings
from feedengine.store import Store


def look(store: Store, settings: Settings, now: datetime | None = None) -> None:
    """Open or close the incidents of disk and certificate, close those of tasks that are no problem any more."""
    at = now or datetime.now(UTC)
    incidents = Incidents(store.ledger)
    free, least = state.free(store.root), int(settings.get("alarms.disk_free"))
    if free < least:
        incidents.open("disk_low", "store", {"free": free, "least": least})
    elif free > least * 1.1:
        # A little more than was asked for, or a disk at the limit would be a new problem every minute.
        incidents.close("disk_low", "store")
    end = state.certificate_end(store, settings)
    if end is not None and end - at < timedelta(days=int(settings.get("alarms.certificate_days"))):
        incidents.open("certificate_expiring", "server", {"ends": end.isoformat(), "days": (end - at).days})
    else:
        incidents.close("certificate_expiring", "server")
    settle(store)


def forget(store: Store, settings: Settings, now: datetime | None = None) -> int:
    """Forget closed incidents and problems, sent messages, and rows that wait no more, after `alarms.keep_days`.

    Gives how many.
    """
    before = ((now or datetime.now(UTC)) - timedelta(days=int(settings.get("alarms.keep_days")))).isoformat()
    ledger = store.ledger
    return sum(each(ledger).prune(before) for each in (Incidents, Messages, Cases, Parked))
