"""The service's state as text: one screen, and lists of incidents and messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from feedengine.cli.render import text

if TYPE_CHECKING:
    from feedengine.ledger import Task, TaskPage
    from feedengine.ledger.figures import Applied
    from feedengine.ledger.incidents import Incident
    from feedengine.ledger.messages import Message
    from feedengine.service.progress import Standing
    from feedengine.service.state import State

_MOST = 10


def status(
    state: State, running: Sequence[Task], standings: Mapping[int, Standing], waiting: TaskPage, least_free: int
) -> list[str]:
    """Everything on one screen; what is not there is left out."""
    lines = _service(state, least_free)
    count, _ = state.queue["QUEUED"]
    oldest = f", the oldest since {text.seconds(state.oldest_seconds)}" if count else ""
    lines += _block("Queue", [f"{text.number(count)} wait{oldest}; {text.number(state.queue['IN_PROGRESS'][0])} run"])
    lines += _block("Running", [_running(state, task, standings.get(task.id)) for task in running])
    lines += _block("Approvals", [_waiting(task) for task in waiting.tasks], waiting.total)
    lines += _block("Problems", [_incident(each) for each in state.incidents])
    lines += _block("Catalogs", [_catalog(each) for each in state.applied])
    lines += _block("Sources", _sources(state))
    lines += _block("Outbox", _outbox(state))
    days = "" if state.certificate is None else f", the certificate ends {state.certificate:%Y-%m-%d}"
    return [*lines, *_block("Disk", [f"{text.size(state.disk_free)} free{days}"])]


def _service(state: State, least_free: int) -> list[str]:
    if state.pid is None:
        return _block("Stopped", ["the service does not run; feedengine serve starts it"])
    down = [name for name, up in state.parts.items() if not up]
    up = ", ".join(name for name in state.parts if name not in down)
    lines = _block("Serving", [f"process {state.pid}: {up or 'nothing yet'}"])
    troubles = state.troubles(least_free)
    return [*lines, *_block("TROUBLE", troubles)]


def _running(state: State, task: Task, standing: Standing | None) -> str:
    from feedengine.service.state import age

    since = text.seconds(age(task.start_time, state.at)) if task.start_time else "just now"
    where = f"{task.key}/{task.section}" if task.key else ""
    doing = standing_words(task, standing)
    return f"task {task.id}: {task.operation or ''} {text.clean(where)} {text.cut(task.filename)}, {doing}, for {since}"


def standing_words(task: Task, standing: Standing | None) -> str:
    """What is done with a task right now: `reading 31 %, 2,213,000 rows`."""
    from feedengine.service.progress import told

    facts = told(task, standing)
    words = str(facts["phase"])
    if facts.get("percent") is not None:
        words += f" {facts['percent']} %"
    if facts.get("rows"):
        words += f", {text.counted(facts['rows'], 'row')}"
    if facts.get("changes"):
        words += f" {text.counted(facts['changes'], 'change')}"
    return words


def _catalog(last: Applied) -> str:
    name = text.clean(f"{last.key}/{last.section}")
    return f"{name}: snapshot {last.snapshot or 0}, task {last.task} at {_at(last.ended)}"


def _waiting(task: Task) -> str:
    return f"task {task.id} is {task.outcome}: {text.cut(task.filename)}; feedengine task show {task.id}"


def _incident(incident: Incident) -> str:
    error = incident.about.get("error") or incident.about.get("message")
    said = f": {text.cut(error, 100)}" if error else ""
    times = f", {text.counted(incident.count, 'time')}" if incident.count > 1 else ""
    known = ", known" if incident.acknowledged else ""
    return f"#{incident.id} {incident.kind} {text.cut(incident.key)} since {_at(incident.opened)}{times}{known}{said}"


def _sources(state: State) -> list[str]:
    lines = []
    for name, each in state.sources.items():
        then = f"paused since {_at(each.paused)}" if each.paused else f"next {_at(each.next_run)}"
        failures = f", {text.counted(each.failures, 'failure')} in a row" if each.failures else ""
        lines.append(f"{text.clean(name)}: {then}, last good {_at(each.good)}{failures}")
    return lines


def _outbox(state: State) -> list[str]:
    files = [f"{count} {status.lower()}" for status, count in state.deliveries.items() if count]
    told = [f"{count} {kind} {status}" for (kind, status), count in state.messages.items() if count]
    return [*(["files: " + ", ".join(files)] if files else []), *(["messages: " + ", ".join(told)] if told else [])]


def incidents(found: Sequence[Incident]) -> list[str]:
    """One line an incident."""
    if not found:
        return ["no incidents"]
    rows = [("number", "kind", "where", "since", "last seen", "times", "state")]
    for each in found:
        closed = f"closed {_at(each.closed)}" if each.closed else "known" if each.acknowledged else "open"
        rows.append(
            (
                *(str(each.id), each.kind, text.cut(each.key, 40), _at(each.opened), _at(each.seen)),
                *(str(each.count), closed),
            )
        )
    return text.table(rows, right=(0, 5))


def messages(found: Sequence[Message]) -> list[str]:
    """One line a message."""
    if not found:
        return ["no messages"]
    rows = [("number", "kind", "to", "about", "status", "attempts", "made", "error")]
    for each in found:
        to = each.place or str(each.body.get("to", ""))
        about = each.body.get("subject") or each.body.get("event")
        rows.append(
            (
                *(str(each.id), each.kind, text.cut(to, 40), text.cut(about, 60), each.status, str(each.attempts)),
                *(_at(each.made), text.cut(each.error or "", 60)),
            )
        )
    return text.table(rows, right=(0, 5))


def _block(lead: str, parts: Sequence[str], total: int | None = None) -> list[str]:
    """Lines after a leading word; long lists are cut and say so."""
    total = len(parts) if total is None else total
    shown = list(parts[:_MOST])
    if total > len(shown) and shown:
        shown.append(f"and {text.number(total - len(shown))} more")
    return [f"{lead if at == 0 else '':<{text.LEAD}}{part}" for at, part in enumerate(shown)]


def _at(time: str | None) -> str:
    return f"{text.moment(time)} UTC" if time else "never"
