"""The cases and their contenders: what is run, on what, and which answer is right."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .data import CATALOG, Data

CONTENDERS = Path(__file__).resolve().parent.parent / "contenders"
Command = list[str | Path]


@dataclass(frozen=True)
class Contender:
    """One way of doing a case's work. `needs` are modules without which it is reported as absent."""

    name: str
    command: Command
    answer: Callable[[Mapping[str, Any]], Mapping[str, int]] | None
    needs: tuple[str, ...] = ()
    prepare: Callable[[], object] = lambda: None
    # Take the seconds that it measured itself, instead of the process's wall time.
    inner: bool = False

    @property
    def missing(self) -> list[str]:
        return [name for name in self.needs if not installed(name)]


@dataclass(frozen=True)
class Case:
    """Contenders that do the same work; `expected` is what each must find."""

    name: str
    title: str
    expected: Mapping[str, int]
    contenders: list[Contender]


@dataclass(frozen=True)
class Target:
    """`subject` may take at most `ratio` times the best of `peers`, or at most `limit` (seconds or bytes)."""

    text: str
    case: str
    subject: str
    measure: str
    peers: tuple[tuple[str, str], ...] = ()
    ratio: float | None = None
    limit: float | None = None


def installed(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def plain(answer: Mapping[str, Any]) -> Mapping[str, int]:
    """Contenders here print the counts themselves."""
    return {key: int(answer[key]) for key in ("added", "changed", "removed")}


def reported(answer: Mapping[str, Any]) -> Mapping[str, int]:
    """feedengine's report has them by entity."""
    return plain(answer["entities"]["items"])


def feedengine(store: Path, *arguments: str | Path) -> Command:
    """The command line, as installed beside this Python."""
    return [Path(sys.executable).parent / "feedengine", "--store", store, "--json", "--progress", "none", *arguments]


def script(name: str, *arguments: str | Path) -> Command:
    """A contender's script."""
    return [sys.executable, CONTENDERS / f"{name}.py", *arguments]


def cases(data: Data) -> list[Case]:
    """All of them, for these files."""
    out = data.scratch / "out.csv"
    store = data.scratch / "store"
    catalog = data.scratch / "catalog.duckdb"
    ours = ("feedengine.engine", "feedengine.cli")

    def with_store() -> object:
        return shutil.copytree(data.base_store, store)

    def with_catalog() -> object:
        return shutil.copyfile(data.base_catalog, catalog)

    def peer_diffs(peer: str) -> list[Contender]:
        command = f"{peer}_diff"
        return [
            Contender(f"{peer}, {how}", script(command, data.day1, data.day2, out, how), plain, (peer,))
            for how in ("hashes", "columns")
        ]

    diff = [
        Contender("feedengine", script("engine_diff", data.day1, data.day2, out), plain, ours[:1]),
        *peer_diffs("duckdb"),
        *peer_diffs("polars"),
        Contender("wc -l, both", ["wc", "-l", data.day1, data.day2], None),
    ]
    classify = [
        Contender(
            "feedengine", script("engine_classify", store, CATALOG, data.day2), plain, ours[:1], with_store, inner=True
        ),
        Contender("wc -l", ["wc", "-l", data.day2], None),
    ]
    archive = [
        Contender(
            "feedengine",
            script("engine_classify", store, CATALOG, data.archive),
            plain,
            ours[:1],
            with_store,
            inner=True,
        ),
        Contender("ISA-L", script("inflate", data.archive, "isal"), None, ("isal",), inner=True),
        Contender("zlib-ng", script("inflate", data.archive, "zlib_ng"), None, ("zlib_ng",), inner=True),
        Contender("zlib", script("inflate", data.archive, "zlib"), None, inner=True),
    ]
    sync = [
        Contender("feedengine", feedengine(store, "sync", data.day2), reported, ours, with_store),
        Contender("feedengine, tar.gz", feedengine(store, "sync", data.archive), reported, ours, with_store),
        Contender("duckdb", script("duckdb_sync", catalog, data.day2), plain, ("duckdb",), with_catalog),
        # Its second half alone, with what differs given: no way of storing in DuckDB's tables takes much less.
        Contender(
            "duckdb, writing alone",
            script("duckdb_sync", catalog, data.day2, "write", data.differences),
            plain,
            ("duckdb",),
            with_catalog,
        ),
    ]
    load = [
        Contender("feedengine", feedengine(store, "sync", data.day1), reported, ours, lambda: init(store)),
        Contender("duckdb, table from file", script("duckdb_load", catalog, data.day1), plain, ("duckdb",)),
    ]
    patch = [
        Contender("feedengine, process", feedengine(store, "apply", data.patch), reported, ours, with_store),
        Contender(
            "feedengine, inside",
            script("engine_patch", store, CATALOG, data.patch),
            plain,
            ours[:1],
            with_store,
            inner=True,
        ),
    ]
    found = data.answers
    return [
        Case("diff", "keyed diff, file against file, differences written", found["sync"], diff),
        Case("classify", "new file against the stored index, engine alone", found["sync"], classify),
        Case("archive", "the same from tar.gz; peers only inflate", found["archive"], archive),
        Case("sync", "new full feed against the stored catalog, committed", found["sync"], sync),
        Case("load", "first load into a file", found["load"], load),
        Case("patch", "a patch of 10 rows, committed", found["patch"], patch),
    ]


def init(store: Path) -> None:
    """An empty store with the bench's catalog."""
    import subprocess

    subprocess.run([str(part) for part in feedengine(store, "init", store)], check=True, capture_output=True)


def targets(rows: int) -> list[Target]:
    """What issue and design ask for, as far as it can be measured here."""
    diffs = tuple(("diff", f"{peer}, {how}") for peer in ("duckdb", "polars") for how in ("hashes", "columns"))
    inflaters = (("archive", "ISA-L"), ("archive", "zlib-ng"), ("archive", "zlib"))
    memory = 1 << 30 if rows > 1_000_000 else 300 << 20
    return [
        Target("classify: wall against file diffs", "classify", "feedengine", "wall", diffs, ratio=1 / 12),
        Target("classify: CPU against file diffs", "classify", "feedengine", "cpu", diffs, ratio=1 / 12),
        Target("classify: wall against wc -l", "classify", "feedengine", "wall", (("classify", "wc -l"),), ratio=3),
        Target("tar.gz: wall against the inflater", "archive", "feedengine", "wall", inflaters, ratio=1.3),
        Target("sync: wall against DuckDB SQL", "sync", "feedengine", "wall", (("sync", "duckdb"),), ratio=1 / 5),
        Target("load: wall", "load", "feedengine", "wall", (("load", "duckdb, table from file"),), ratio=1.2),
        Target("patch: wall as a process", "patch", "feedengine, process", "wall", limit=0.5),
        Target("patch: wall inside", "patch", "feedengine, inside", "wall", limit=0.1),
        Target("sync: peak memory", "sync", "feedengine", "peak", limit=memory),
        Target("load: peak memory", "load", "feedengine", "peak", limit=memory),
    ]
