"""Carry out a task of the ledger that this process holds: plan, check, apply, and close it whatever came of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.errors import FeedEngineError, FeedRejected, SafeguardRefused, from_os_error
from feedengine.faults import point
from feedengine.ingest import explain, permit, planning, writing
from feedengine.remedy import ending, parking, rejects

if TYPE_CHECKING:
    from feedengine.ingest.model import Plan, Result, Watch
    from feedengine.settings import Settings
    from feedengine.store import Store
    from feedengine.target import FeedRequest

#: The warning of a task that was applied, but whose feed could not be read once more.
NOT_FOLLOWED = "NOT_FOLLOWED"
_FOLLOW = "nothing of the data is lost: send the rows again, or close their problems (feedengine problems list)"


def carry_out(
    store: Store,
    settings: Settings,
    task: int,
    request: FeedRequest,
    check: Callable[[Plan], None],
    *,
    again: Callable[[BaseException], bool] = lambda error: False,
    watch: Watch | None = None,
    planned: Plan | None = None,
) -> Result:
    """Carry out a task that this process has IN_PROGRESS: plan, `check` (which may refuse), apply, close the task.

    What goes wrong is raised after the task was closed accordingly; not closed where `again` says of the error that
    the task will be tried again.
    """
    ledger = store.ledger
    made = planned
    try:
        point("task.started")
        made = made or planning.plan(store, settings, request, watch)
        settings = informed(settings, made.report)
        target, file = made.target, made.report["file"]
        # A file that could not be read to its end tells neither; the queue knows its size from the server.
        told = {name: file[name] for name in ("bytes", "fingerprint") if file[name] is not None}
        ledger.note(
            task, key=target.key, section=target.section, operation=target.operation,
            base_snapshot=made.base.snapshot, **told,
        )  # fmt: skip
        made.report["task"] = task
        if request.own:
            made.report["own"] = True
        check(made)
        if made.planner is not None:
            parking.keep(store, settings, task, made.report, made.planner.parked)
            rejects.keep(store, task, made.report, made.planner.keep_rejected)
        point("task.planned")
        result = writing.apply(store, settings, made, watch, task, request.actor)
        permit.close_seen(store, result.report, request.actor, request.reason)
    except BaseException as error:
        if not again(error):
            _close_failed(store, settings, task, made, error, request.path)
        raise
    close_done(store, settings, task, request.path, result.report, result.snapshot.number if result.snapshot else None)
    return result


def informed(settings: Settings, report: Mapping[str, Any]) -> Settings:
    """The settings with the profile that a feed was read by, which they need not name themselves."""
    told = report.get("profile")
    return settings.having(report["catalog"], "rules.profile", told["source"], "catalog") if told else settings


def close_done(
    store: Store, settings: Settings, task: int, path: Path, report: dict[str, Any], number: int | None
) -> None:
    """Close a task that was carried out: `report` is its plan's, `number` the snapshot it made, `path` its feed."""
    problems = report["problems"]["list"]
    report["schema"] = "feedengine.task/1"
    report["state"] = "DONE"
    report["new_snapshot"] = number
    after = ending.applied(store, settings, task, path, report)
    if after.trouble:
        message = f"which open problems this file mends could not be found out: {after.trouble}"
        explain.add_problem(report, NOT_FOLLOWED, "warning", message, hint=_FOLLOW)
    if report["verdict"] == "held":
        report["outcome"] = "held"
        kept = _keep(store, task, path)
        with store.ledger.write(lasting=True):
            store.ledger.hold(task, path=str(kept), new_snapshot=number, report=report, problems=problems)
            after.note(store.ledger)
        return
    rejected = sum(entry["rejected"] for entry in report["entities"].values())
    if rejected:
        report["outcome"] = "ok_with_errors"
    elif number is None:
        key, _, section = report["catalog"].partition("/")
        same = store.ledger.list(
            status=["DONE"], key=key, section=section, fingerprint=report["file"]["fingerprint"], limit=1
        )
        report["outcome"] = "duplicate" if same.tasks else "no_change"
    else:
        report["outcome"] = "ok"
    with store.ledger.write(lasting=True):
        store.ledger.finish(task, report["outcome"], new_snapshot=number, report=report, problems=problems)
        after.note(store.ledger)


def _close_failed(
    store: Store, settings: Settings, task: int, made: Plan | None, error: BaseException, path: Path
) -> None:
    report = made.report if made else None
    outcome = "failed"
    described: dict[str, Any] = {"code": "BUG", "message": f"{type(error).__name__}: {error}"}
    if isinstance(error, OSError):
        error = from_os_error(error, "working on the feed")
    if isinstance(error, FeedEngineError):
        described = error.as_dict()
        outcome = "rejected_file" if isinstance(error, FeedRejected) else "failed"
        if isinstance(error, SafeguardRefused):
            outcome = "refused"
    elif isinstance(error, KeyboardInterrupt):
        outcome, described = "interrupted", {"code": "INTERRUPTED", "message": "interrupted"}
    if report is not None:
        report.update({"schema": "feedengine.task/1", "state": "FAILED", "outcome": outcome, "new_snapshot": None})
    problems = report["problems"]["list"] if report else ()
    if outcome == "refused" and made:
        store.ledger.note(task, path=str(_keep(store, task, made.request.path)))
    after = ending.failed(store, settings, task, path, report, described) if outcome == "rejected_file" else None
    with store.ledger.write(lasting=True):
        store.ledger.fail(task, outcome, error=described, report=report, problems=problems)
        if after is not None:
            after.note(store.ledger)


def _keep(store: Store, task: int, path: Path) -> Path:
    """Keep a feed that waits for approval: a second name where the file system allows, else a copy."""
    folder = store.held / str(task)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / path.name
    if kept != path and not kept.exists():
        try:
            os.link(path, kept)
        except OSError:
            shutil.copyfile(path, kept)
    return kept
