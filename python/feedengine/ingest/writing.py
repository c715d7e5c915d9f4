"""Carry out a plan: one transaction over all entities, the next index beside it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from feedengine.errors import BaseMoved, InternalError
from feedengine.faults import point
from feedengine.ingest import explain, permit
from feedengine.ingest.approval import plan_again
from feedengine.ingest.asking import entities_of
from feedengine.ingest.model import Nobody, Plan, Result, Watch
from feedengine.store.model import Column, SnapshotInfo, SnapshotMeta

if TYPE_CHECKING:
    from feedengine import engine
    from feedengine.settings import Settings
    from feedengine.store import Store
    from feedengine.store.catalog import Catalog


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
    watch = watch or Nobody()
    report = made.report
    permit.check(made)
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
