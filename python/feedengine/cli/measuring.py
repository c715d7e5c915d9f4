"""The self-benchmark: three feeds through the same code as real ones, checked against the known answer."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli.version import version
from feedengine.errors import InternalError

if TYPE_CHECKING:
    from feedengine.cli.session import Session

_CATALOG = "bench/Products"


def measure(session: Session, items: int, seed: int) -> dict[str, Any]:
    """Run load, sync and patch in a temporary directory; gives the report."""
    from feedengine import engine

    size = {"seed": seed, "items": items, "variations": 0, "groups": max(1, items // 1000), "container": "file"}
    feeds: list[tuple[str, str, dict[str, Any]]] = [
        ("first load", "sync", {"day": 1}),
        ("next day", "sync", {"day": 2, "shuffle": True}),
        ("patch of ten", "patchdelta", {"day": 2, "patch": 10}),
    ]
    steps = []
    with tempfile.TemporaryDirectory(prefix="feedengine-bench-", dir=session.settings.get("engine.temp_dir")) as folder:
        from feedengine.store import Store

        store = Store.create(Path(folder) / "store", session.store_options())
        for number, (name, operation, more) in enumerate(feeds):
            path = Path(folder) / f"bench_Products_{operation}_{number}.csv"
            answer = engine.generate({**size, "entities": ["items"], **more}, path)
            steps.append({"step": name, **_step(session, store, path, operation, answer)})
    return {
        "schema": "feedengine.bench/1",
        "feedengine": version(),
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "items": items,
        "seed": seed,
        "threads": session.settings.threads,
        "steps": steps,
    }


def _step(session: Session, store: Any, path: Path, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    from feedengine import ingest
    from feedengine.target import FeedRequest

    request = FeedRequest(path=path, catalog=_CATALOG, operation=operation, create=True)
    size = path.stat().st_size
    started = time.perf_counter()
    report = ingest.run(store, session.settings, request).report
    taken = time.perf_counter() - started
    path.unlink()
    found, known = report["entities"]["items"], answer["entities"]["items"]
    for count in ("rows", "added", "changed"):
        if found[count] != known[count]:
            raise InternalError(f"{path.name}: {count} is {found[count]}, the generator says {known[count]}")
    counts = {count: found[count] for count in ("rows", "added", "changed", "removed", "unchanged")}
    return {
        **counts,
        "bytes": size,
        "seconds": taken,
        "parts": report["seconds"],
        "peak_rss_bytes": report["peak_rss_bytes"],
    }
