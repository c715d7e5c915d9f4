"""What is written in a mail or webhook about a task or an incident; plain text that fits a narrow window."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feedengine import names
from feedengine.ingest import permit
from feedengine.ledger import Task
from feedengine.ledger.incidents import KINDS, Incident
from feedengine.service.outside import OURS, error_for_sender

FIRST_PROBLEMS = 20
_LONGEST_VALUE = 120
_TOLD = ("rows", "added", "changed", "removed", "rejected", "parked")
#: The sender's three kinds of faults, and the way out of each.
_FAMILIES = {
    "duplicate_keys": (
        "duplicate keys",
        "Correct the pair of ids, or send the system id of the record that is meant.",
    ),
    "unknown_references": (
        "unknown references",
        "Send the records that are named first, then these rows again.",
    ),
    "format": ("format errors", "Correct the columns and values as the template has them."),
}

#: Why a feed was stopped, where that was not for its removals alone.
_STOPPED = {
    "UNCLEAN_EOF": "because it may be cut",
    permit.NOT_FROM: "because its sender may not use force",
    permit.NOT_HELD: "because of its force: it was not stopped without it before",
}


def word(task: Task) -> str:
    """How a task ended, as the subject says it."""
    if task.status == "FAILED":
        return "FAILED"
    if task.outcome == "held":
        return "HELD"
    if task.outcome == "ok_with_errors":
        return "DONE WITH ERRORS"
    return task.status


def subject(task: Task) -> str:
    """`[feedengine] FAILED sync key_7AeG/Products task 62`."""
    what = " ".join(each for each in (_operation(task), catalog(task) or task.filename) if each)
    return f"[feedengine] {word(task)} {what} task {task.id}"


def catalog(task: Task) -> str:
    """`key/section`; empty where the name could not be read."""
    return f"{task.key}/{task.section}" if task.key and task.section else ""


def task_text(
    task: Task,
    problems: Sequence[Mapping[str, Any]],
    total: int,
    *,
    operator: bool,
    reports: str | None,
    attached: bool,
) -> str:
    """The mail about a task. `problems` are the first of `total`; `operator` may type commands, others send again."""
    report = task.report or {}
    parts = [
        [_sentence(task)],
        _facts(task),
        _error(task, operator),
        _safeguard(report),
        _counts(report),
        _families(report),
        _problems(problems, total),
        _files(task, total, reports, attached),
        _next(task, total) if operator else _for_sender(task),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _sentence(task: Task) -> str:
    name = clean(task.filename)
    if task.outcome == "refused":
        return f"The feed {name} was {stopped(task)}. Nothing was changed."
    if task.outcome == "held":
        return f"The feed {name} was applied but for its removals, which wait for approval."
    if task.status == "FAILED":
        return f"The feed {name} failed. Nothing of it was applied."
    if task.outcome == "ok_with_errors":
        return f"The feed {name} was applied; some of its rows were rejected."
    if task.new_snapshot is None:
        return f"The feed {name} changed nothing ({(task.outcome or task.status).replace('_', ' ')})."
    return f"The feed {name} was applied."


def stopped(task: Task) -> str:
    """`stopped by the removal safeguard`, or why else a person is to look at a refused feed."""
    return "stopped " + _STOPPED.get(str((task.error or {}).get("code")), "by the removal safeguard")


def _facts(task: Task) -> list[str]:
    size = f"{task.bytes:,} bytes" if task.bytes is not None else ""
    sender = f"account {clean(task.account)}" if task.account else clean(task.actor)
    rows = [
        ("Task", str(task.id)),
        ("File", ", ".join(each for each in (clean(task.filename), size) if each)),
        ("Catalog", clean(catalog(task))),
        ("Operation", _operation(task)),
        ("From", ", ".join(each for each in (sender, clean(task.protocol), clean(task.peer)) if each)),
        ("Received", _moment(task.submission_time)),
        ("Started", _moment(task.start_time)),
        ("Ended", _moment(task.last_update)),
        ("Snapshot", _snapshot(task)),
    ]
    return [f"{name:<10}{value}" for name, value in rows if value]


def _snapshot(task: Task) -> str:
    if task.new_snapshot:
        return f"{task.new_snapshot} is current"
    return f"{task.base_snapshot} is still current" if task.base_snapshot else ""


def _error(task: Task, operator: bool) -> list[str]:
    error = (task.error or {}) if operator else error_for_sender(task)
    if not error.get("message"):
        return []
    return [f"Error     {clean(error['message'], 500)} [{clean(error.get('code'))}]"]


def _safeguard(report: Mapping[str, Any]) -> list[str]:
    guard = report.get("safeguard") or {}
    lines: list[str] = []
    for name, each in (guard.get("entities") or {}).items():
        share = float(each.get("share") or 0) * 100
        lines.append(
            f"{_entity(name)}: {int(each['lost']):,} of {int(each['base']):,} would go ({share:.1f} %), "
            f"limit {each['limit']}: {each['decision']}"
        )
    for each in guard.get("must_exist") or ():
        # What a list refuses may be let through by force, or but for the removals.
        decision = guard.get("decision") if each["decision"] == "blocked" else each["decision"]
        lines.append(
            f"{clean(each['file'])}: {int(each['lost']):,} of {int(each['base']):,} {_entity(each['entity'])} lost "
            f"({float(each['share']) * 100:.1f} %), limit {each['limit']}: {decision}"
        )
    return [f"{'' if number else 'Safeguard':<10}{line}" for number, line in enumerate(lines)]


def _counts(report: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, each in (report.get("entities") or {}).items():
        found = {what: int(each.get(what) or 0) for what in _TOLD}
        if any(found.values()):
            left = f"{found['rejected']:,} rejected"
            if found["parked"]:
                left += f", {found['parked']:,} wait for other records"
            lines.append(
                f"{'Rows' if not lines else '':<10}{_entity(name)}: {found['rows']:,} rows, "
                f"+{found['added']:,} ~{found['changed']:,} -{found['removed']:,}, {left}"
            )
    return lines


def _families(report: Mapping[str, Any]) -> list[str]:
    """How many faults of each family there are, and what to do about it in one line each."""
    counts: Counter[str] = Counter()
    for entry in (report.get("problems") or {}).get("by_code") or ():
        if entry.get("severity") != "warning":
            counts[(entry.get("first") or {}).get("family") or "format"] += int(entry["count"])
    return [
        f"{'Faults' if at == 0 else '':<10}{_FAMILIES[family][0]}: {counts[family]:,}. {_FAMILIES[family][1]}"
        for at, family in enumerate(each for each in _FAMILIES if counts[each])
    ]


def _entity(name: str) -> str:
    return name.replace("_", " ")


def _problems(problems: Sequence[Mapping[str, Any]], total: int) -> list[str]:
    if not problems:
        return []
    head = f"The first {len(problems)} of {total:,} problems:" if total > len(problems) else "Problems:"
    return [head, *(f"  {_problem(each)}" for each in problems)]


def _problem(problem: Mapping[str, Any]) -> str:
    where = clean(problem.get("member") or problem.get("file"))
    place = f"{where}:{problem['line']}" if problem.get("line") else where
    value = f'="{clean(problem["value"])}"' if problem.get("value") is not None else ""
    column = f"{clean(problem['column'])}{value}" if problem.get("column") else ""
    facts = " ".join(each for each in (clean(problem.get("code")), clean(problem.get("key")), column) if each)
    return f"{place}  {facts}: {clean(problem.get('message'), 300)}"


def _files(task: Task, total: int, reports: str | None, attached: bool) -> list[str]:
    lines = ["errors.csv, with every listed problem, is attached."] if attached else []
    if reports:
        lines.append(f"The reports are in {clean(reports)} of the account that sent the file.")
    elif total and not attached:
        lines.append(f"Every problem: feedengine task errors {task.id} --csv errors.csv")
    return lines


def _next(task: Task, total: int) -> list[str]:
    steps = [(f"feedengine task show {task.id}", "everything about it")]
    if total:
        steps.append((f"feedengine task errors {task.id} --csv errors.csv", "every problem, with its line"))
    if task.waiting:
        steps.append((f"feedengine task reject {task.id}", "it was sent by mistake"))
        if task.outcome != "held" and task.operation != names.MERGE:
            steps.append((f"feedengine task approve {task.id} --hold-removals", "keep the rest, hold the removals"))
        count = _removals(task)
        steps.append((f'feedengine task approve {task.id} --remove {count} --reason "..."', "really remove them"))
        override = forced_name(task.filename)
        if override:
            steps.append((f"send it again as {override}", _forcing(task.report or {})))
    elif task.status == "FAILED" and task.queued:
        steps.append((f"feedengine task retry {task.id}", "once its cause is gone"))
    for hint in (task.error or {}).get("hints") or ():
        argv = hint.get("argv") or ()
        if argv:
            steps.append((shlex.join(argv), str(hint.get("text", ""))))
    return ["Next:", *(f"  {command}\n      {clean(why)}" for command, why in dict(steps).items())]


def _forcing(report: Mapping[str, Any]) -> str:
    """What the forced name does, and whose it may be."""
    allowed = ((report.get("safeguard") or {}).get("force") or {}).get("from")
    return "without the safeguard" + (f"; from {', '.join(allowed)} alone" if allowed else "")


def _for_sender(task: Task) -> list[str]:
    if task.outcome in OURS:
        return ["You need not do anything: it is looked at."]
    if task.waiting and (task.report or {}).get("force_refused"):
        return ["Send it again without force in its name; or wait: somebody will approve or reject it."]
    if task.waiting:
        return ["Somebody will approve or reject it. Was it sent by mistake, tell us; then send the right file."]
    if task.outcome == "ok_with_errors":
        return ["Correct the rejected rows and send them alone, or the whole file again: both come to the same."]
    if task.status == "FAILED":
        return ["Correct the file and send it again in the same way."]
    return []


def _removals(task: Task) -> int:
    report = task.report or {}
    if task.outcome == "held":
        return sum(int(each) for each in ((report.get("safeguard") or {}).get("held") or {}).values())
    entities = (report.get("entities") or {}).values()
    return sum(int(each.get("removed") or 0) for each in entities)


def forced_name(filename: str | None) -> str | None:
    """The name under which a feed passes the safeguard; None for one that has it, or that is no feed's name."""
    parsed = names.parse(filename or "")
    if isinstance(parsed, names.BadName) or parsed.force:
        return None
    tail = f"_{parsed.operation}_{parsed.timestamp}.{parsed.extension}"
    return parsed.filename.removesuffix(tail) + f"_force{tail[1:]}"


def incident_subject(incident: Incident) -> str:
    """`[feedengine] PROBLEM disk_low store`; REMINDER when it was told before."""
    lead = "REMINDER" if incident.notified else "PROBLEM"
    return f"[feedengine] {lead} {incident.kind} {incident.key}"


def incident_text(incident: Incident) -> str:
    """The mail about an incident."""
    about = [(clean(name), clean(value, 500)) for name, value in incident.about.items()]
    rows = [
        ("what", incident.kind),
        ("where", clean(incident.key)),
        ("since", _moment(incident.opened)),
        ("last seen", _moment(incident.seen)),
        ("times", str(incident.count)),
        *about,
    ]
    width = max(len(name) for name, _ in rows) + 2
    lines = [
        f"{KINDS[incident.kind].capitalize()}.",
        "",
        *(f"{name:<{width}}{value}" for name, value in rows if value),
        "",
        "Next:",
        *(f"  {command}" for command in _commands(incident)),
        f"  feedengine incident ack {incident.id}\n      no reminders any more",
    ]
    return "\n".join(lines) + "\n"


def _commands(incident: Incident) -> Iterable[str]:
    key = shlex.quote(clean(incident.key))
    task = incident.about.get("task")
    known = {
        "task_failed": f"feedengine task show {task}" if task else "feedengine task list",
        "task_held": f"feedengine task show {incident.key}",
        "source_missing": f"feedengine source check {key}",
        "source_failing": f"feedengine source resume {key}",
        "source_refused": f"feedengine source show {key}",
        "feed_missing": "feedengine task list",
        "export_late": f"feedengine export list {key}",
        "delivery_dead": "feedengine outbox list",
        "message_dead": "feedengine incident messages",
        "disk_low": "feedengine doctor",
        "certificate_expiring": "feedengine doctor",
        "worker_quarantined": f"feedengine task show {key}",
        "part_crashing": "feedengine status",
    }
    yield known[incident.kind]


def task_document(event: str, task: Task, problems: Sequence[Mapping[str, Any]], total: int) -> dict[str, Any]:
    """The webhook about a task."""
    report = task.report or {}
    counts = ("rows", "before", "after", "added", "changed", "unchanged", "removed", "rejected")
    return {
        "schema": "feedengine.event/1",
        "event": event,
        "task": {
            "id": task.id,
            "status": task.status,
            "outcome": task.outcome,
            "waiting": task.waiting,
            "catalog": catalog(task) or None,
            "operation": task.operation,
            "force": task.force,
            "filename": task.filename,
            "bytes": task.bytes,
            "account": task.account,
            "protocol": task.protocol,
            "submission_time": task.submission_time,
            "start_time": task.start_time,
            "last_update": task.last_update,
            "base_snapshot": task.base_snapshot,
            "new_snapshot": task.new_snapshot,
            "error": {name: (task.error or {}).get(name) for name in ("code", "message")} if task.error else None,
        },
        "entities": {
            name: {what: each.get(what) for what in counts} for name, each in (report.get("entities") or {}).items()
        },
        "safeguard": {
            name: {what: each.get(what) for what in ("lost", "base", "share", "limit", "decision")}
            for name, each in ((report.get("safeguard") or {}).get("entities") or {}).items()
        },
        "must_exist": (report.get("safeguard") or {}).get("must_exist") or [],
        "problems": {"total": total, "shown": len(problems), "first": [_short(each) for each in problems]},
    }


def _short(problem: Mapping[str, Any]) -> dict[str, Any]:
    return {name: clean(value, 300) if isinstance(value, str) else value for name, value in problem.items()}


def incident_document(incident: Incident) -> dict[str, Any]:
    """The webhook about an incident."""
    return {"schema": "feedengine.event/1", "event": "incident", "incident": incident.as_dict()}


def clean(value: Any, most: int = _LONGEST_VALUE) -> str:
    """A value from a feed or a name, on one line and not too long."""
    if value is None:
        return ""
    text = " ".join("".join(char if char.isprintable() else " " for char in str(value)).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _operation(task: Task) -> str:
    return ("force" if task.force else "") + str(task.operation or "")


def _moment(value: str | None) -> str:
    return str(value)[:19].replace("T", " ") + " UTC" if value else ""
