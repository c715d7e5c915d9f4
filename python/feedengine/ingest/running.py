"""Whole tasks of the ledger, from their first row to their last, for commands and programs."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.errors import FeedEngineError
from feedengine.ingest.approval import check_approval
from feedengine.ingest.carrying import carry_out, informed
from feedengine.ingest.model import Plan, Result, Watch
from feedengine.remedy import parking
from feedengine.target import FeedRequest

if TYPE_CHECKING:
    from feedengine.ledger import Task
    from feedengine.settings import Settings
    from feedengine.store import Store

_Check = Callable[[Plan], None]


def run(
    store: Store, settings: Settings, request: FeedRequest, watch: Watch | None = None, check: _Check | None = None
) -> Result:
    """Plan, `check` (which may refuse) and apply as one task of the ledger. What `sync` and `apply FILE` do.

    Raises what `plan`, `check` and `apply` raise, after the task was closed accordingly.
    """
    return _task(store, settings, request, watch, check or (lambda made: None))


def run_planned(store: Store, settings: Settings, made: Plan, watch: Watch | None = None) -> Result:
    """Apply a plan that was made before, as one task of the ledger. Raises what `apply` raises."""
    return _task(store, settings, made.request, watch, lambda made: None, made)


def approve(
    store: Store,
    settings: Settings,
    task: int,
    *,
    remove: int | None,
    reason: str | None,
    actor: str | None = None,
    watch: Watch | None = None,
) -> Result:
    """Let a refused or held task go ahead: with `remove`, the exact number of records it would remove; without, all
    but the removals.

    Bound to the snapshot that the person saw: raises BaseMoved if another one is current, FileChanged if the feed is
    another one, UsageError if the count differs or there is no reason. A new task carries it out.
    """
    recover(store)
    waiting = store.ledger.get(task)
    actor = actor or getpass.getuser()
    check = check_approval(waiting, remove, reason)
    store.ledger.approve(task, actor=actor, reason=reason)
    request = FeedRequest(
        path=Path(str(waiting.path)), catalog=f"{waiting.key}/{waiting.section}", operation=waiting.operation,
        force=remove is not None, reason=reason, hold_removals=remove is None, actor=actor, entity=waiting.entity,
        own=bool((waiting.report or {}).get("own")), approves=task,
    )  # fmt: skip
    try:
        result = _task(store, settings, request, watch, check)
    except BaseException:
        store.ledger.reopen(task)
        raise
    return result


def _task(
    store: Store,
    settings: Settings,
    request: FeedRequest,
    watch: Watch | None,
    check: Callable[[Plan], None],
    planned: Plan | None = None,
) -> Result:
    """One task from its first row in the ledger to its last; `check` may refuse the plan."""
    recover(store)
    request = replace(request, actor=request.actor or getpass.getuser())
    task = store.ledger.begin(
        key=None, section=None, operation=request.operation, force=request.force, filename=request.path.name,
        path=str(request.path.absolute()), protocol=request.protocol, actor=request.actor, reason=request.reason,
    )  # fmt: skip
    result = carry_out(store, settings, task, request, check, watch=watch, planned=planned)
    if result.snapshot is not None:
        key = str(result.report["catalog"]).partition("/")[0]
        if released := release(store, informed(settings, result.report), key, request.actor):
            result.report["released"] = released
    return result


def release(store: Store, settings: Settings, key: str, actor: str | None) -> list[int]:
    """Apply the rows of a key that waited for records which are there now; gives their tasks."""
    done: list[int] = []

    def begin(path: Path, **values: Any) -> int:
        known = {name: values[name] for name in ("type", "key", "section", "operation", "reason")}
        return store.ledger.begin(path=str(path), filename=path.name, actor=actor, **known)

    # What one brings others may wait for.
    while tasks := parking.release(store, settings, key, begin):
        for number in tasks:
            # One that fails is closed as such, and its rows wait on.
            with suppress(FeedEngineError):
                carry_out(store, settings, number, own_request(store.ledger.get(number)), lambda made: None)
        done += tasks
    return done


def own_request(task: Task) -> FeedRequest:
    """The request of a task whose feed the engine wrote itself: its name says nothing."""
    return FeedRequest(
        path=Path(str(task.path)), catalog=f"{task.key}/{task.section}", operation=task.operation, reason=task.reason,
        actor=task.actor, own=True,
    )  # fmt: skip


def recover(store: Store) -> None:
    """Settle tasks of commands whose process died: the applied mark in the store says what became of them.

    Those of the service's queue are left to the service, which tries them again.
    """
    store.ledger.recover(lambda task: applied(store, task))


def applied(store: Store, task: Task) -> int | None:
    """The snapshot that a task made, if it made one."""
    if task.key is None or task.key not in store.keys():  # noqa: SIM118 - not a dict
        return None
    with store.catalog(task.key) as catalog:
        snapshot = catalog.applied(task.id, task.fingerprint)
    return snapshot.number if snapshot else None
