"""Decide what a feed would do: read, identify, compare, guard. Nothing is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.errors import CatalogNotFound, FeedRejected, InternalError
from feedengine.ingest import explain, listed, permit
from feedengine.ingest.asking import engine_request, entities_of
from feedengine.ingest.model import Nobody, Plan, Watch
from feedengine.store import Base, Store
from feedengine.store.model import EntityBase
from feedengine.target import FeedRequest, Target, resolve, stored

if TYPE_CHECKING:
    from feedengine.settings import Settings
    from feedengine.store.catalog import Catalog


def plan(store: Store, settings: Settings, request: FeedRequest, watch: Watch | None = None) -> Plan:
    """Decide what the feed would do. Nothing is written, whatever the verdict.

    Raises FeedRejected for a name that cannot be placed and CatalogNotFound for an unknown catalog; everything wrong
    within the file is in the report (`verdict` invalid).
    """
    watch = watch or Nobody()
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
    must_exist = listed.lists(settings, target.profile, target.catalog, base)
    asked = engine_request(store, settings, request, target, base, catalog, must_exist)
    planner = engine.Planner(asked, store.secret)
    listed.tell(planner, must_exist, settings)
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
    permit.judge_force(store, settings, made)
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
    if isinstance(watch, Nobody):
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
