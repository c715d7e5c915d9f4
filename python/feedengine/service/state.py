"""How the service is: parts, queue, incidents, catalogs, disk, certificate, what waits; for health, metrics, status."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedengine.errors import FeedEngineError
from feedengine.ledger import Ledger
from feedengine.ledger.exports import Exports, Progress
from feedengine.ledger.figures import Applied, Figures
from feedengine.ledger.incidents import Incident, Incidents
from feedengine.ledger.messages import Messages
from feedengine.ledger.outbox import Outbox
from feedengine.ledger.sources import Sources, SourceState
from feedengine.service import running
from feedengine.settings import Settings
from feedengine.store import Store


@dataclass(frozen=True)
class State:
    """A look at everything. Times are UTC. `queue` has (number, oldest) by status, `parts` whether each is up,
    `servers` the numbers that the servers note every few seconds: sessions, transfers, waits for passive ports,
    `exports` how far each is."""

    at: datetime
    pid: int | None
    parts: Mapping[str, bool]
    queue: Mapping[str, tuple[int, str | None]]
    incidents: list[Incident]
    applied: list[Applied]
    disk_free: int
    certificate: datetime | None
    messages: Mapping[tuple[str, str], int]
    deliveries: Mapping[str, int]
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    servers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    exports: Mapping[str, Progress] = field(default_factory=dict)

    @property
    def oldest_seconds(self) -> float:
        """How long the longest waiting task has waited."""
        since = self.queue["QUEUED"][1]
        return age(since, self.at) if since else 0.0

    def troubles(self, least_free: int) -> list[str]:
        """Why the service is not well; a partner's wrong feed is no trouble of the service."""
        found = [] if self.pid else ["feedengine serve does not run"]
        found += [f"{name} is down" for name, up in self.parts.items() if self.pid and not up]
        if self.disk_free < least_free:
            found.append(f"only {self.disk_free:,} bytes are free on the store's disk")
        if self.certificate is not None and self.certificate <= self.at:
            found.append("the server's certificate has ended")
        return found


def look(store: Store, settings: Settings) -> State:
    """Look at everything once; a few milliseconds. Raises what the ledger raises."""
    ledger = store.ledger
    number = running.pid(store)
    parts = running.parts(store) if number else {}
    return State(
        at=datetime.now(UTC),
        pid=number,
        parts=parts,
        queue=Figures(ledger).queue(),
        incidents=Incidents(ledger).list(),
        applied=Figures(ledger).applied(),
        disk_free=free(store.root),
        certificate=certificate_end(store, settings),
        messages=Messages(ledger).counts(),
        deliveries=Outbox(ledger).counts(),
        servers={name: _noted(store, name) for name in ("ftps", "sftp") if parts.get(name)},
        exports=_exports(ledger, settings),
        sources={name: Sources(ledger).state(name) for name in settings.named.get("sources", {})},
    )


def document(state: State, least_free: int) -> dict[str, Any]:
    """What `/health` answers."""
    troubles = state.troubles(least_free)
    return {
        "schema": "feedengine.health/1",
        "ok": not troubles,
        "troubles": troubles,
        "time": state.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "pid": state.pid,
        "parts": dict(state.parts),
        "queue": {
            "waiting": state.queue["QUEUED"][0],
            "running": state.queue["IN_PROGRESS"][0],
            "oldest_seconds": round(state.oldest_seconds),
        },
        "catalogs": [
            {"catalog": f"{each.key}/{each.section}", "last_success": each.ended, "snapshot": each.snapshot}
            for each in state.applied
        ],
        "servers": {name: dict(numbers) for name, numbers in state.servers.items()},
        "disk_free": state.disk_free,
        "certificate_days": days_left(state),
        "incidents": [{"kind": each.kind, "key": each.key, "since": each.opened} for each in state.incidents],
        "messages": {f"{kind}_{status}": count for (kind, status), count in state.messages.items()},
        "deliveries": dict(state.deliveries),
        "exports": {name: each.as_dict() for name, each in state.exports.items()},
    }


def days_left(state: State) -> int | None:
    """Whole days that the certificate is valid still; None where there is none."""
    return None if state.certificate is None else (state.certificate - state.at).days


def _exports(ledger: Ledger, settings: Settings) -> dict[str, Progress]:
    """How far each export is."""
    exports = Exports(Outbox(ledger))
    return {name: exports.progress(name, keys["catalog"]) for name, keys in settings.named.get("exports", {}).items()}


def _noted(store: Store, server: str) -> dict[str, float]:
    """The numbers that a server noted last; what is no number is left out."""
    with suppress(OSError, ValueError):
        found = json.loads((store.root / "run" / f"{server}.json").read_bytes())
        lengths = {name: len(value) if isinstance(value, list) else value for name, value in found.items()}
        return {name: value for name, value in lengths.items() if isinstance(value, int | float)}
    return {}


def free(path: Path) -> int:
    """Bytes that may still be written on the disk of a folder."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def certificate_end(store: Store, settings: Settings) -> datetime | None:
    """When the server's certificate ends; None where there is none yet."""
    from feedengine.transport.certificate import Certificate

    named = settings.values["ftps.certificate"].value if "ftps.certificate" in settings.values else ""
    path = Path(named) if named else store.root / "tls" / "server.crt"
    with suppress(FeedEngineError, OSError):
        return Certificate(path, path).expires()
    return None


def age(since: str, at: datetime) -> float:
    """Seconds since a time of the ledger, never below 0: clocks are set back now and then."""
    return max(0.0, (at - datetime.fromisoformat(since)).total_seconds())
