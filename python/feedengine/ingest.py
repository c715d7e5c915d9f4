"""The main job, in one direction: read -> identify -> plan -> guard -> commit -> ledger.

`plan` decides and writes nothing; `apply` commits a plan; `run` does both for one ledger task. Dry run and real run are
the same code up to the commit.
"""

from __future__ import annotations

import getpass
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from feedengine import engine, explain
from feedengine.approval import check_approval, plan_again
from feedengine.asking import engine_request, entities_of
from feedengine.errors import (
    BaseMoved,
    CatalogNotFound,
    FeedEngineError,
    FeedRejected,
    InternalError,
    SafeguardRefused,
    from_os_error,
)
from feedengine.faults import point
from feedengine.remedy import ending, parking, rejects
from feedengine.settings import Settings
from feedengine.store import Base, Store
from feedengine.store.model import Column, EntityBase, SnapshotInfo, SnapshotMeta
from feedengine.target import FeedRequest, Target, resolve, stored

if TYPE_CHECKING:
    from feedengine.ledger import Task
    from feedengine.store.catalog import Catalog

__all__ = ["FeedRequest", "Plan", "Result", "Watch", "apply", "plan", "run"]


#: The warning of a task that was applied, but whose feed could not be read once more.
NOT_FOLLOWED = "NOT_FOLLOWED"
_Check = Callable[["Plan"], None]
_FOLLOW = "nothing of the data is lost: send the rows again, or close their problems (feedengine problems list)"


class Watch(Protocol):
    """Who wants to see work going on."""

    def phase(self, name: str, **facts: Any) -> None:
        """A phase begins: reading, comparing, writing, done."""

    def progress(self, **facts: Any) -> None:
        """done_bytes, total_bytes, rows; a few times a second."""


class _Nobody:
    def phase(self, name: str, **facts: Any) -> None:
        pass

    def progress(self, **facts: Any) -> None:
        pass


@dataclass
class Plan:
    """What a feed would do. `report` is the whole of it as JSON; the rest is what carrying it out needs."""

    report: dict[str, Any]
    request: FeedRequest
    target: Target
    base: Base
    planner: engine.Planner | None = field(repr=False)

    @property
    def verdict(self) -> str:
        """apply, no_change, held, refused or invalid."""
        return str(self.report["verdict"])

    def rows(self, entity: str) -> engine.ArrowStream | None:
        """Whole records that would be written, as an Arrow stream."""
        return self.planner.rows(entity) if self.planner else None


@dataclass
class Result:
    """What was done. `report` is the plan's report with task, outcome, new snapshot and hints."""

    report: dict[str, Any]
    snapshot: SnapshotInfo | None


def plan(store: Store, settings: Settings, request: FeedRequest, watch: Watch | None = None) -> Plan:
    """Decide what the feed would do. Nothing is written, whatever the verdict.

    Raises FeedRejected for a name that cannot be placed and CatalogNotFound for an unknown catalog; everything wrong
    within the file is in the report (`verdict` invalid).
    """
    watch = watch or _Nobody()
    target = resolve(store, settings, request)
    if not request.path.is_file():
        what = "is a directory" if request.path.is_dir() else "does not exist"
        raise FeedRejected(f"{request.path} {what}", code="UNREADABLE", state="Nothing was changed.")
    with _catalog(store, target.key) as catalog:
        if catalog is not None:
            target = _known_better(store, settings, request, target, catalog)
            catalog.read_by(entities_of(target.profile))
        attempts = len(target.profile.entities)
        for attempt in range(attempts + 1):
            try:
                return _plan(store, settings, request, target, catalog, watch)
            except engine.Damaged as damage:
                # The index is a cache: what is lost or wrong is made again from the store, then planning starts over.
                if catalog is None or attempt == attempts:
                    raise InternalError(f"the index could not be made again: {damage}") from damage
                watch.phase("rebuilding", why=str(damage.args[1]))
                catalog.rebuild_index(target.section)
    raise InternalError("planning did not end")


def _known_better(store: Store, settings: Settings, request: FeedRequest, target: Target, catalog: Catalog) -> Target:
    """The target by the profile that the catalog was made by, where nobody said another one."""
    own = catalog.stored_profile
    if not target.presumed or own is None or own.source == entities_of(target.profile).source:
        return target
    catalog.close()
    used = stored(store, target.catalog)
    return resolve(store, settings, replace(request, profile=used.source if used else None))


@contextmanager
def _catalog(store: Store, key: str) -> Iterator[Catalog | None]:
    """The catalog, or None while the store has none for the key: planning alone must not make one."""
    try:
        catalog = store.catalog(key)
    except CatalogNotFound:
        yield None
        return
    with catalog:
        yield catalog


def _plan(
    store: Store, settings: Settings, request: FeedRequest, target: Target, catalog: Catalog | None, watch: Watch
) -> Plan:
    started = time.perf_counter()
    if catalog is None:
        base = Base(
            target.key, target.section, 0, {each.name: EntityBase(each.name) for each in target.profile.entities}
        )
    else:
        base = catalog.base(target.section)
    asked = engine_request(store, settings, request, target, base, catalog)
    planner = engine.Planner(asked, store.secret)
    if needed := planner.directories():
        _tell(planner, needed, catalog, target.section)
    watch.phase("reading", file=request.path.name)
    with _progress(planner, watch):
        planner.scan(request.path)
    read = time.perf_counter()
    watch.phase("comparing", base_snapshot=base.snapshot)
    while (want := planner.next_want()) is not None:
        if catalog is None:
            raise InternalError("the engine asks an empty catalog for rows")
        rows = planner.wanted() if want["rows"] == "some" else None
        planner.supply(catalog.rows(target.section, want["entity"], want["columns"], rows))
        # With the file goes what DuckDB has cached of it: a third of our memory, which comparing needs now.
        catalog.close()
    report = planner.decide()
    made = Plan(report, request, target, base, planner)
    explain.complete(made, settings, catalog)
    report["seconds"] = {"read": read - started, "compare": time.perf_counter() - read, "write": 0.0}
    report["peak_rss_bytes"] = explain.peak_rss()
    return made


def _tell(planner: engine.Planner, needed: Sequence[Mapping[str, Any]], catalog: Catalog | None, section: str) -> None:
    """Tell what identifies the stored records that rows may mean."""
    if catalog is None:
        raise InternalError("the engine asks an empty catalog for identifiers")
    for each in needed:
        planner.know(each["entity"], catalog.rows(section, each["entity"], each["columns"], None))
    # The engine holds hashes of it from now on: the memory that DuckDB took is for others.
    catalog.close()


@contextmanager
def _progress(planner: engine.Planner, watch: Watch) -> Iterator[None]:
    """Report progress four times a second from a thread of its own while the block works."""
    if isinstance(watch, _Nobody):
        yield
        return
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(0.25):
            done, total, rows = planner.progress()
            watch.progress(done_bytes=done, total_bytes=total, rows=rows)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def apply(
    store: Store,
    settings: Settings,
    made: Plan,
    watch: Watch | None = None,
    task: int | None = None,
    actor: str | None = None,
) -> Result:
    """Carry out a plan: one transaction over all entities. A plan without changes makes no snapshot.

    Raises FeedRejected (verdict invalid), SafeguardRefused (verdict refused), BaseMoved, CatalogBusy, DiskFull.
    """
    watch = watch or _Nobody()
    report = made.report
    _may(made)
    if made.verdict == "no_change" or not _changes(report):
        report["new_snapshot"] = None
        return Result(report, None)
    started = time.perf_counter()
    watch.phase("writing", changes=_changes(report))
    with store.catalog(made.target.key, create=True, profile=entities_of(made.target.profile)) as catalog:
        try:
            snapshot = _commit(catalog, made, task, actor)
        except BaseMoved as moved:
            moved.hints = [plan_again(made)]
            raise
    report["seconds"]["write"] = time.perf_counter() - started
    report["new_snapshot"] = snapshot.number
    report["peak_rss_bytes"] = explain.peak_rss()
    watch.phase("done", snapshot=snapshot.number)
    return Result(report, snapshot)


def _changes(report: Mapping[str, Any]) -> int:
    return sum(entry["added"] + entry["changed"] + entry["removed"] for entry in report["entities"].values())


def _may(made: Plan) -> None:
    report = made.report
    state = (
        f"Nothing was changed. Snapshot {made.base.snapshot} is still current."
        if made.base.snapshot
        else ("Nothing was changed. The catalog is still empty.")
    )
    if made.verdict == "invalid":
        worst = next((entry for entry in report["problems"]["by_code"] if entry["fails_file"]), None)
        first = (worst or {}).get("first") or {}
        message = first.get("message") or (worst or {}).get("code") or "the feed cannot be applied"
        code = worst["code"] if worst else "FEED_REJECTED"
        raise FeedRejected(message, code=code, state=state, hints=[first["hint"]] if first else [], report=report)
    if made.verdict == "refused":
        raise SafeguardRefused(_refusal(report), state=state, report=report)


def _refusal(report: Mapping[str, Any]) -> str:
    guard = report["safeguard"]
    for entity, verdict in guard["entities"].items():
        if verdict["decision"] == "blocked":
            return (
                f"this feed would remove {verdict['lost']:,} of {verdict['base']:,} {entity} "
                f"({verdict['share'] * 100:.1f} %); limit {verdict['limit']}"
            )
    for entry in guard["segments"]:
        return (
            f"this feed would remove {entry['lost']:,} of {entry['base']:,} {entry['entity']} whose {entry['column']} "
            f"is {entry['value']}; limit {entry['limit']}"
        )
    entry = guard["values"][0]
    return f"{entry['guard'].replace('_', ' ')} in {entry['column']}: {entry['count']:,} of {entry['base']:,} records"


def _commit(catalog: Catalog, made: Plan, task: int | None, actor: str | None) -> SnapshotInfo:
    planner, report = made.planner, made.report
    if planner is None:
        raise InternalError("this plan was already carried out")
    made.planner = None
    changed = [
        name for name, entry in report["entities"].items() if entry["added"] + entry["changed"] + entry["removed"]
    ]
    with planner.streaming(), catalog.commit(made.target.section, made.base) as commit:
        for entity in changed:
            added = [Column(column["name"], column["kind"]) for column in planner.added_columns(entity)]
            commit.add_columns(entity, added)
            counts = report["entities"][entity]
            closed = planner.closed(entity)
            if closed is not None:
                _expect(entity, "closed", commit.close(entity, closed), counts["changed"] + counts["removed"])
        # Not beside the closing: where memory is small, both at a time were the peak of all.
        with _next_index(planner, catalog) as states:
            for entity in changed:
                counts = report["entities"][entity]
                rows, patched = planner.rows(entity), planner.patched(entity)
                written = commit.insert(entity, rows, counts["added"] + counts["changed"]) if rows is not None else 0
                written += commit.insert_patched(entity, patched) if patched is not None else 0
                _expect(entity, "written", written, counts["added"] + counts["changed"])
            index = states()
        point("commit.after_index")
        request = made.request
        return commit.finish(
            SnapshotMeta(
                operation=made.target.operation,
                entities={entity: index[entity] for entity in changed},
                task=task,
                force=made.target.force,
                reason=request.reason,
                actor=actor,
                file=request.path.name,
                fingerprint=report["file"]["fingerprint"],
                counts=report["entities"],
            )
        )


def _expect(entity: str, what: str, is_: int, should: int) -> None:
    if is_ != should:
        raise InternalError(f"{is_} versions of {entity} were {what} where the plan says {should}")


@contextmanager
def _next_index(planner: engine.Planner, catalog: Catalog) -> Iterator[Any]:
    """Write the next index beside the rows, in a thread of its own; gives a function that waits for it."""
    answer: dict[str, Any] = {}

    def write() -> None:
        try:
            answer["states"] = planner.write_index(catalog.index_dir, os.urandom(8).hex())
        except BaseException as error:
            answer["error"] = error

    thread = threading.Thread(target=write)
    thread.start()

    def states() -> dict[str, dict[str, Any]]:
        thread.join()
        if "error" in answer:
            raise answer["error"]
        found: dict[str, dict[str, Any]] = answer["states"]
        return found

    try:
        yield states
    finally:
        thread.join()


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


def informed(settings: Settings, report: Mapping[str, Any]) -> Settings:
    """The settings with the profile that a feed was read by, which they need not name themselves."""
    told = report.get("profile")
    return settings.having(report["catalog"], "rules.profile", told["source"], "catalog") if told else settings


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
        made = made or plan(store, settings, request, watch)
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
        result = apply(store, settings, made, watch, task, request.actor)
    except BaseException as error:
        if not again(error):
            _close_failed(store, settings, task, made, error, request.path)
        raise
    close_done(store, settings, task, request.path, result.report, result.snapshot.number if result.snapshot else None)
    return result


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
    import shutil

    folder = store.held / str(task)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / path.name
    if kept != path and not kept.exists():
        try:
            os.link(path, kept)
        except OSError:
            shutil.copyfile(path, kept)
    return kept


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
        own=bool((waiting.report or {}).get("own")),
    )  # fmt: skip
    try:
        result = _task(store, settings, request, watch, check)
    except BaseException:
        store.ledger.reopen(task)
        raise
    return result


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
