"""What `doctor` looks at: each finding is ok, a warning, or bad."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from feedengine.cli.finding import Finding
from feedengine.cli.render import text
from feedengine.cli.version import version
from feedengine.errors import FeedEngineError, StoreNotFound
from feedengine.profile import DEFAULT

if TYPE_CHECKING:
    from feedengine.cli.session import Session

_LITTLE_DISK = 2 * 10**9
_NO_DISK = 200 * 10**6
_EARLIEST_CLOCK = 1_700_000_000  # no file of ours is older: a clock before it is wrong


def examine(session: Session) -> list[Finding]:
    """Look at everything; nothing that is found raises."""
    from feedengine.cli.examining_service import service

    return [*_versions(), *_machine(), *_settings(session), *_store(session), *service(session)]


def _versions() -> Iterator[Finding]:
    yield Finding("feedengine", "ok", f"{version()} on Python {platform.python_version()}, {platform.machine()}")
    try:
        from feedengine import engine

        yield Finding("engine", "ok", f"{len(engine.operations())} operations, {len(engine.codes())} fault codes")
    except ImportError as error:
        yield Finding("engine", "bad", f"the extension cannot be loaded: {error}")
    for name in ("duckdb", "rich"):
        try:
            yield Finding(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, "warn" if name == "rich" else "bad", "is not installed")


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Finding("machine", "ok" if memory >= 10**9 else "warn", f"{cores} cores, {text.size(memory)} memory")
    encoding = locale.getpreferredencoding(False)
    yield Finding(
        "locale",
        "ok" if encoding.upper().startswith("UTF") else "warn",
        f"{encoding}, file names {sys.getfilesystemencoding()}",
    )
    now = time.time()
    right = now > _EARLIEST_CLOCK
    yield Finding("clock", "ok" if right else "bad", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _settings(session: Session) -> Iterator[Finding]:
    try:
        settings = session.settings
    except FeedEngineError as error:
        yield Finding("settings", "bad", error.message)
        return
    yield Finding("settings", "ok", str(settings.file or "no file; defaults"))
    yield from _disk("store disk", settings.store)
    if settings.get("engine.temp_dir"):
        yield from _disk("temp disk", Path(settings.get("engine.temp_dir")))


def _disk(name: str, path: Path) -> Iterator[Finding]:
    there = next((each for each in (path.absolute(), *path.absolute().parents) if each.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    state = "bad" if free < _NO_DISK else "warn" if free < _LITTLE_DISK else "ok"
    yield Finding(name, state, f"{text.size(free)} free at {there}")
    if not os.access(there, os.W_OK):
        yield Finding(name, "bad", f"{there} may not be written")


def _store(session: Session) -> Iterator[Finding]:
    try:
        store = session.store
        keys = store.keys()
    except StoreNotFound as error:
        yield Finding("store", "warn", f"{error.message}; make one with feedengine init")
        return
    except FeedEngineError as error:
        yield Finding("store", "bad", error.message)
        return
    yield Finding("store", "ok", f"{store.root}, {text.counted(len(keys), 'key')}")
    try:
        page = store.ledger.list(limit=1)
        counts = ", ".join(f"{count} {status}" for status, count in sorted(page.counts.items())) or "no tasks"
        yield Finding("ledger", "ok", counts)
    except FeedEngineError as error:
        yield Finding("ledger", "bad", error.message)
    for key in keys:
        yield from _catalog(session, key)


def _catalog(session: Session, key: str) -> Iterator[Finding]:
    name = f"catalog {key}"
    try:
        with session.store.catalog(key) as opened:
            for section in opened.sections():
                base = opened.base(section)
                first, *others = base.entities.values()
                counted = text.counted(first.records, first.entity.removesuffix("s"))
                if opened.entities.profile != DEFAULT:
                    records = first.records + sum(each.records for each in others)
                    counted = f"{text.counted(records, 'record')} of profile {opened.entities.profile}"
                yield Finding(name, "ok", f"{section}: snapshot {base.snapshot}, {counted}")
                runs = [opened.index_dir / run for entity in base.entities.values() for run in entity.runs]
                lost = [run for run in runs if not run.is_file()]
                said = f"{text.counted(len(runs), 'run')}"
                if lost:
                    yield Finding(
                        name, "warn", f"{section}: {len(lost)} of {said} of the index are missing; they are made again"
                    )
                else:
                    yield Finding(
                        name, "ok", f"{section}: index of {said}, {text.size(sum(run.stat().st_size for run in runs))}"
                    )
    except FeedEngineError as error:
        yield Finding(name, "bad", error.message)
