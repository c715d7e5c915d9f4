"""Who is told of what: turns ended tasks and open incidents into mails and webhooks that wait to be sent."""

from __future__ import annotations

import io
import socket
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from feedengine.accounts import Accounts
from feedengine.deliver.spreadsheet import write_rows
from feedengine.ledger import Task
from feedengine.ledger.figures import Figures
from feedengine.ledger.incidents import Incident, Incidents
from feedengine.ledger.messages import Messages
from feedengine.notify.mail import is_address
from feedengine.service import homes, letters, reports
from feedengine.service.bell import ring
from feedengine.settings import Settings
from feedengine.store import Store


def tell_task(store: Store, settings: Settings, task: int) -> None:
    """A task of the queue ended: notes what is wrong (or right again), and puts mails and webhooks into the outbox.

    May be called again for the same ending: the second call does nothing.
    """
    ledger = store.ledger
    found = ledger.get(task)
    if found.status in ("QUEUED", "IN_PROGRESS"):
        return
    messages = Messages(ledger)
    with ledger.write(lasting=True):
        if not messages.once(_ending(found)):
            return
        _count(Figures(ledger), found)
        incident = _note(Incidents(ledger), found)
        _Teller(store, settings, messages).task(found, incident)
    ring(store, "courier")


def tell_incidents(store: Store, settings: Settings, at: datetime | None = None) -> None:
    """Tell of open incidents that nobody was told of, and remind of those told of long ago."""
    ledger = store.ledger
    hours = int(settings.get("mail.reminder"))
    before = _iso((at or datetime.now(UTC)) - timedelta(hours=hours)) if hours else None
    incidents, messages = Incidents(ledger), Messages(ledger)
    if not incidents.to_tell(before):
        return
    with ledger.write(lasting=True):
        teller = _Teller(store, settings, messages)
        for incident in incidents.to_tell(before):
            if teller.incident(incident):
                incidents.notified(incident.id)


def settle(store: Store) -> None:
    """Close incidents of tasks that are no problem any more: decided, tried again, or followed by one that was done."""
    incidents = Incidents(store.ledger)
    for incident in incidents.list():
        over = {"task_failed": _overtaken, "task_held": _decided, "worker_quarantined": _decided}.get(incident.kind)
        if over is not None and over(store, incident):
            incidents.close(incident.kind, incident.key)


def _ending(task: Task) -> str:
    """What is told once: a task that is tried again may end a second time."""
    return f"task {task.id} {task.status} {task.outcome} {task.last_update}"


def events(task: Task) -> tuple[str, ...]:
    """What a task's ending is, as the settings name it; a stopped feed has failed and waits, too."""
    if task.status == "FAILED":
        return ("failure", "hold") if task.waiting else ("failure",)
    if task.outcome == "held":
        return ("hold",)
    if task.outcome == "ok_with_errors":
        return ("errors",)
    return ("success",) if task.status == "DONE" else ()


def _note(incidents: Incidents, task: Task) -> Incident | None:
    """Open or close what the ending means."""
    about = {"task": task.id, "file": task.filename, "code": (task.error or {}).get("code")}
    about["error"] = (task.error or {}).get("message")
    where = letters.catalog(task) or f"account {task.account}"
    if task.outcome == "quarantined":
        return incidents.open("worker_quarantined", str(task.id), about)
    if task.waiting:
        return incidents.open("task_held", str(task.id), about)
    if task.status == "FAILED":
        return incidents.open("task_failed", where, about)
    if task.status == "DONE":
        incidents.close("task_failed", where)
    return None


_FATES = ("added", "changed", "unchanged", "removed", "rejected", "ignored", "parked")


def _count(figures: Figures, task: Task) -> None:
    """What metrics say of ended tasks: counted here once, because tasks are forgotten after a year."""
    operation = ("force" if task.force else "") + (task.operation or "none")
    figures.add("tasks", status=task.status, outcome=task.outcome or "none", operation=operation)
    figures.add("received_files", protocol=task.protocol or "none")
    figures.add("received_bytes", float(task.bytes or 0))
    for entry in ((task.report or {}).get("entities") or {}).values():
        for fate in _FATES:
            # A feed that failed changed nothing, whatever was planned.
            if entry.get(fate) and (task.status == "DONE" or fate == "rejected"):
                figures.add("rows", float(entry[fate]), fate=fate)
    ended = task.last_update or task.submission_time
    figures.observe("task_start_seconds", _seconds(task.submission_time, task.start_time or ended))
    figures.observe("task_done_seconds", _seconds(task.submission_time, ended))


def _seconds(since: str, until: str) -> float:
    return max(0.0, (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())


def _overtaken(store: Store, incident: Incident) -> bool:
    about = incident.about.get("task")
    key, slash, section = incident.key.partition("/")
    if not isinstance(about, int) or not slash:
        return False
    newer = Figures(store.ledger).last_applied(key, section)
    return newer is not None and newer.task > about


def _decided(store: Store, incident: Incident) -> bool:
    from feedengine.errors import TaskNotFound

    try:
        task = store.ledger.get(int(incident.key))
    except (TaskNotFound, ValueError):
        return True
    return not task.waiting if incident.kind == "task_held" else task.outcome != "quarantined"


class _Teller:
    """Puts messages into the outbox, by the settings."""

    def __init__(self, store: Store, settings: Settings, messages: Messages) -> None:
        self._store = store
        self._settings = settings
        self._messages = messages
        self._mails = bool(settings.get("mail.host"))

    def task(self, task: Task, incident: Incident | None) -> None:
        what = events(task)
        if not what:
            return
        problems = list(self._store.ledger.problems(task.id, limit=letters.FIRST_PROBLEMS))
        total = max(len(problems), _total(task))
        told = False
        for address, operator in self._readers(task, what):
            told |= self._mail_task(task, incident, address, operator, problems, total) and operator
        for name, hook in self._hooks(what, letters.catalog(task)):
            event = next(each for each in reversed(what) if each in hook["events"])
            document = letters.task_document(event, task, problems, total)
            told |= self._post(name, f"{_ending(task)} hook {name}", document, task.id)
        if incident is not None and told:
            Incidents(self._store.ledger).notified(incident.id)

    def incident(self, incident: Incident) -> bool:
        """Gives whether there was anybody to tell."""
        told = False
        reminder = incident.notified or "first"
        if "incident" in self._settings.get("mail.on"):
            for address in self._addresses(self._settings.get("mail.to")):
                key = f"incident {incident.id} {reminder} {address}"
                self._mail(key, address, letters.incident_subject(incident), letters.incident_text(incident), None)
                told = True
        for name, _ in self._hooks(("incident",), str(incident.key)):
            key = f"incident {incident.id} {reminder} hook {name}"
            self._post(name, key, letters.incident_document(incident), None)
            told = True
        return told

    def _readers(self, task: Task, what: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """Addresses, each once, and whether it is an operator's."""
        seen = set()
        if set(what) & set(self._settings.get("mail.on")):
            for address in self._addresses(self._settings.get("mail.to")):
                seen.add(address)
                yield address, True
        if task.account and set(what) & set(self._settings.get("mail.on_account")):
            account = Accounts(self._store.root).find(task.account)
            for address in self._addresses(account.mail if account else ()):
                if address not in seen:
                    seen.add(address)
                    yield address, False

    def _addresses(self, given: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(each for each in given if is_address(each))) if self._mails else []

    def _mail_task(
        self,
        task: Task,
        incident: Incident | None,
        address: str,
        operator: bool,
        problems: list[dict[str, Any]],
        total: int,
    ) -> bool:
        limit = int(self._settings.get("mail.attach_limit"))
        attached = bool(problems) and bool(limit) and errors_csv(self._store, task.id, limit) is not None
        folder = homes.reports(task) if task.home else None
        text = letters.task_text(task, problems, total, operator=operator, reports=folder, attached=attached)
        key = f"{_ending(task)} {address}"
        if incident is not None and incident.kind == "task_failed" and not self._settings.get("mail.each"):
            # One mail while the same problem is open: the same catalog fails for the same reason.
            key = f"incident {incident.id} {(task.error or {}).get('code')} {address}"
        return self._mail(key, address, letters.subject(task), text, task.id, attach=attached)

    def _mail(self, key: str, to: str, subject: str, text: str, task: int | None, *, attach: bool = False) -> bool:
        sender = sender_of(self._settings)
        body = {
            "from": sender,
            "to": to,
            "subject": subject,
            "text": text,
            "message_id": f"{uuid.uuid4().hex}@{sender.rpartition('@')[2]}",
            "attach": task if attach else None,
        }
        return self._messages.enqueue("mail", key, body, task=task)

    def _hooks(self, what: Iterable[str], catalog: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, hook in self._settings.named.get("webhooks", {}).items():
            wanted = hook["catalogs"]
            key = catalog.partition("/")[0]
            if set(what) & set(hook["events"]) and (not wanted or catalog in wanted or f"{key}/*" in wanted):
                yield name, hook

    def _post(self, name: str, key: str, document: Mapping[str, Any], task: int | None) -> bool:
        body = {"event": document["event"], "delivery": uuid.uuid4().hex, "document": document}
        return self._messages.enqueue("webhook", key, body, place=name, task=task)


def errors_csv(store: Store, task: int, limit: int) -> bytes | None:
    """Every listed problem as a CSV file; None where it is larger than `limit` bytes."""
    stream = io.StringIO(newline="")
    write_rows(stream, reports.COLUMNS, ({**each, "task_id": task} for each in store.ledger.problems(task)))
    found = stream.getvalue().encode("utf-8", "backslashreplace")
    return found if len(found) <= limit else None


def _total(task: Task) -> int:
    problems = (task.report or {}).get("problems") or {}
    return int(problems.get("errors") or 0) + int(problems.get("warnings") or 0)


def sender_of(settings: Settings) -> str:
    """The address that mails come from."""
    host = socket.gethostname()
    return settings.get("mail.from") or f"feedengine@{host if is_address(f'a@{host}') else 'localhost'}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
