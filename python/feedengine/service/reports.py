"""What the sender of a feed finds in its home: summary.json, errors.csv, the rejected rows, a word on what failed."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from feedengine.deliver.spreadsheet import write_rows
from feedengine.ledger import PROBLEM_COLUMNS, Task
from feedengine.remedy import rejects
from feedengine.remedy.terms import Terms, rereading, terms
from feedengine.service import homes, owners, rejected
from feedengine.service.files import put
from feedengine.service.outside import error_for_sender
from feedengine.settings import Settings
from feedengine.store import Store

COLUMNS = ("task_id", *PROBLEM_COLUMNS)
# What a name may have, less what `put` adds while it writes.
_LONGEST_NAME = 255 - 20
_SEVERITIES = {"file": "fatal", "row": "error", "warning": "warning"}


def write(store: Store, settings: Settings, task: Task) -> None:
    """Write the reports of an ended task; those that are there are written again, the same. Raises OSError."""
    if task.home is None:
        return
    folder = homes.inside(task, homes.reports(task))
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    problems = list(_problems(store, task))
    known = summary(task, len(problems))
    if problems:
        stream = io.StringIO(newline="")
        write_rows(stream, COLUMNS, problems)
        put(folder / "errors.csv", stream.getvalue().encode("utf-8", "backslashreplace"))
    if task.status == "DONE" and known["rejected"]:
        found = _terms(store, settings, task)
        rows = rejects.rows(store, task.id) or rejected.listed(store.ledger.problems(task.id))
        again = rejected.Again(rereading(store, found, _one(task)), store.secret, store.tmp, task.fingerprint)
        written = rejected.write(Path(str(task.path)), folder, rows, again, found.formats)
        known["rejected_rows"] = {"written": written.rows, "of": known["rejected"]}
        if written.trouble:
            known["rejected_rows"]["left_out"] = list(written.trouble)
    if any(problem.get("owner") for problem in problems):
        found = _terms(store, settings, task)
        known["owners"] = owners.write(
            folder, COLUMNS, problems, found, known["rejected"],
            lambda entity: rejected.Again(rereading(store, found, entity), store.secret, store.tmp),
        )  # fmt: skip
    # Last: who sees it may read the others.
    content = json.dumps(known, indent=1, ensure_ascii=False).encode() + b"\n"
    put(folder / "summary.json", content)
    by_name = homes.inside(task, homes.answer(task))
    if len(os.fsencode(by_name.name)) <= _LONGEST_NAME:
        put(by_name, content)


def _terms(store: Store, settings: Settings, task: Task) -> Terms:
    """The terms of the task's catalog; a feed that the engine wrote itself is plain, whatever the profile says."""
    report = task.report or {}
    found = terms(store, settings, f"{task.key}/{task.section}", report.get("entities"))
    return replace(found, formats={}, delimiters={}) if report.get("own") else found


def _one(task: Task) -> str | None:
    """The entity that the whole file holds, where its profile says how it is written."""
    report = task.report or {}
    names = [name for name, entry in report["entities"].items() if entry.get("uploaded", True)]
    return names[0] if len(names) == 1 and not report.get("own") else None


def summary(task: Task, listed: int) -> dict[str, Any]:
    """A task as its sender is told of it; nothing of other senders, no path of ours."""
    report = dict(task.report or {})
    entities = {name: entry for name, entry in (report.get("entities") or {}).items() if entry.get("uploaded", True)}
    return {
        "schema": "feedengine.summary/1",
        "task_id": task.id,
        "parent_task_id": task.parent,
        "status": task.status,
        "outcome": task.outcome,
        "file": task.filename,
        "bytes": task.bytes,
        "sha256": task.sha256,
        "fingerprint": task.fingerprint,
        "catalog": f"{task.key}/{task.section}" if task.key else None,
        "operation": task.operation,
        "force": task.force,
        "snapshot": task.new_snapshot,
        "submission_time": task.submission_time,
        "start_time": task.start_time,
        "end_time": task.last_update,
        "seconds": report.get("seconds"),
        "entities": entities,
        "rejected": sum(int(entry.get("rejected") or 0) for entry in entities.values()),
        "safeguard": report.get("safeguard"),
        "problems": {
            **{name: (report.get("problems") or {}).get(name, 0) for name in ("errors", "warnings")},
            "listed": listed,
        },
        "error": _error(task),
        "decision": {"decision": task.decision, "time": task.decided_time} if task.decision else None,
    }


def _error(task: Task) -> dict[str, Any] | None:
    return None if task.status == "DONE" else error_for_sender(task) or None


def _problems(store: Store, task: Task) -> Iterator[dict[str, Any]]:
    found = False
    for problem in store.ledger.problems(task.id):
        found = True
        yield {
            **problem,
            "task_id": task.id,
            "severity": _SEVERITIES.get(str(problem["severity"]), problem["severity"]),
        }
    error = error_for_sender(task)
    if not found and task.status == "FAILED" and error:
        # A fault of the file as a whole is record 0.
        yield {
            "task_id": task.id, "file": task.filename, "record_number": 0, "code": error.get("code"),
            "severity": "fatal", "message": error.get("message"),
        }  # fmt: skip


def sentence(task: Task) -> str:
    """The word beside a file that was not applied."""
    error = error_for_sender(task)
    lines = [f"{task.filename} was not applied.", ""]
    if task.status == "CANCELED":
        lines.append("It was canceled before it was looked at.")
    elif task.decision == "rejected":
        lines.append("Somebody looked at it and decided that it is not to be applied.")
    else:
        lines.append(f"What is wrong: {error.get('message', task.outcome)} [{error.get('code', '')}]")
    if error.get("expected"):
        lines.append(f"A feed is called: {error['expected']}")
    if error.get("did_you_mean"):
        lines.append(f"Did you mean: {error['did_you_mean']}")
    lines += ["", f"Task {task.id}; all there is to say: {homes.reports(task)}/summary.json", ""]
    return "\n".join(lines)
