"""What `feedengine source` and `feedengine schedule` find out and do."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from feedengine.cli.session import Session
from feedengine.ledger.incidents import Incidents
from feedengine.ledger.sources import Sources, SourceState
from feedengine.service.fetching import choosing, schedule
from feedengine.service.fetching.perform import perform
from feedengine.service.fetching.run import Stopped
from feedengine.service.fetching.source import Source, source, sources, written
from feedengine.settings.times import interval
from feedengine.transport.connecting import connect, dangers


def overview(session: Session) -> list[dict[str, Any]]:
    """Every source with how it fares."""
    ledger = Sources(session.store.ledger)
    return [_brief(each, ledger.state(each.name)) for each in sources(session.settings).values()]


def details(session: Session, name: str, limit: int) -> dict[str, Any]:
    """One source, with its settings, open alarms and newest files."""
    found, ledger = source(session.settings, name), Sources(session.store.ledger)
    alarms = [each for each in Incidents(session.store.ledger).list() if each.key == name]
    return {
        **_brief(found, ledger.state(name)),
        "settings": {key: value for key, value in found.table.items() if value not in ("", 0, 0.0, False)},
        "alarms": [each.as_dict() for each in alarms if each.kind.startswith("source_")],
        "files": [each.as_dict() for each in ledger.newest(name, limit)],
    }


def check(session: Session, name: str) -> dict[str, Any]:
    """Connect and list, and say of each file what a run would do with it."""
    found, ledger = source(session.settings, name), Sources(session.store.ledger)
    place = found.place()
    with connect(place) as remote:
        listed = remote.list()
    wanted = {entry.name for entry in choosing.matching(found, listed)}
    settled = ledger.settled(name, taken_away=found.after != "leave")
    files = [
        {
            "name": entry.name,
            "bytes": entry.bytes,
            "modified": written(entry.modified),
            "state": "not wanted"
            if entry.name not in wanted
            else "known"
            if choosing.facts(entry) in settled
            else "new",
        }
        for entry in listed
    ]
    return {"name": name, "place": str(place), "warnings": dangers(place), "files": files}


def run(session: Session, name: str) -> dict[str, Any]:
    """Look at the source now. Ctrl-C keeps what was loaded so far."""
    found = source(session.settings, name)

    def log(event: str, *, level: str = "info", **facts: Any) -> None:
        if level in ("warning", "error"):
            session.out.talk([f"{event}: {facts.get('message', '')}"])

    try:
        result = perform(session.store, session.settings, found, log, wait=threading.Event().wait)
    except Stopped:
        raise KeyboardInterrupt from None
    tasks = [{"file": file, "task": task} for file, task in result.handed.items()]
    refused = [{"file": file, "message": message} for file, message in result.refused.items()]
    return {"name": name, "tasks": tasks, "same": result.same, "refused": refused, "unsure": result.unsure}


def schedules(session: Session, name: str | None, count: int) -> list[dict[str, Any]]:
    """The next `count` planned times of every source, or of one."""
    wanted = [source(session.settings, name)] if name else list(sources(session.settings).values())
    ledger = Sources(session.store.ledger)
    found = []
    for each in wanted:
        state = ledger.state(each.name)
        zone = ZoneInfo(each.time_zone)
        idle = "paused" if state.paused else None if each.enabled else "not enabled"
        times = (
            [] if idle else list(islice(schedule.upcoming(each.schedule, each.time_zone, _first(each, state)), count))
        )
        found.append(
            {
                "name": each.name,
                "schedule": each.schedule,
                "time_zone": each.time_zone,
                "idle": idle,
                "next": [{"utc": written(when), "local": when.astimezone(zone).isoformat()} for when in times],
            }
        )
    return found


def _first(found: Source, state: SourceState) -> datetime:
    """The planned run; worked out as the service will where it has not planned one."""
    now = datetime.now(UTC)
    if state.next_run and state.schedule == f"{found.schedule} {found.time_zone}":
        return max(datetime.fromisoformat(state.next_run), now.replace(microsecond=0))
    return (
        now.replace(microsecond=0) if interval(found.schedule) else schedule.after(found.schedule, found.time_zone, now)
    )


def _brief(found: Source, state: SourceState) -> dict[str, Any]:
    word = "off" if not found.enabled else "paused" if state.paused else "failing" if state.failures else "ok"
    facts = state.as_dict()
    facts.pop("schedule")
    return {
        **facts,
        "state": word if state.ended or word != "ok" else "new",
        "place": _where(found),
        "schedule": found.schedule,
        "time_zone": found.time_zone,
        "pattern": found.table["pattern"],
    }


def _where(found: Source) -> str:
    """The place as it is written in the settings: no password is read for it."""
    table = found.table
    return str(table["url"] or f"{table['scheme']}://{table['user']}@{table['host']}/{table['path'].lstrip('/')}")
