"""The rooms' rules: who may import whom, and who alone may import which library."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "feedengine"
CORE = ROOT / "rust" / "feedengine-core"

# A room imports rooms of a lower number only; rooms of one number are siblings and don't know each other.
RANK = {
    "__main__": 9,
    "cli": 8,
    "service": 7,
    "": 7,  # the package's own front: feedengine.open(...)
    "programs": 6,
    "ingest": 5,
    "remedy": 4,
    "deliver": 4,
    "target": 4,
    "transport": 4,
    "notify": 4,
    "accounts": 3,
    "store": 3,
    "profile": 3,
    "ledger": 2,
    "engine": 2,
    "settings": 1,
    "names": 1,
    "errors": 0,
    "faults": 0,
}
# Libraries that one room keeps for itself.
KEEPER = {
    "duckdb": "store",
    "typer": "cli",
    "click": "cli",
    "rich": "cli",
    "sqlite3": "ledger",
    "ftplib": "transport",
    "pyftpdlib": "transport",
    "asyncssh": "transport",
    "paramiko": "transport",
    "smtplib": "notify",
}
# Loading it costs more than many commands take in all.
NEVER = {"pyarrow", "pandas", "polars", "numpy"}
# What each room of the core may use; rooms that are not listed stand above all of these.
CORE_ROOMS: dict[str, set[str]] = {
    "fault": set(),
    "record": {"fault"},
    "check": {"fault", "record"},
    "read": {"check", "fault", "record"},
    "pages": set(),
    "index": {"fault", "record", "pages"},
    "bags": set(),
    "identify": {"fault", "record", "index", "pages", "bags"},
    "guard": {"fault", "record"},
    "sample": set(),
}
# Crates that would give the core a language, a database, a runtime or a network.
NOT_IN_CORE = {
    "pyo3",
    "duckdb",
    "libduckdb-sys",
    "rusqlite",
    "tokio",
    "async-std",
    "hyper",
    "reqwest",
    "ureq",
    "socket2",
}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


@cache
def imports(path: Path) -> tuple[tuple[int, str], ...]:
    """Line and dotted name of every import, those inside functions included, those for type checkers alone not."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    package = ("feedengine", *path.relative_to(PACKAGE).parent.parts)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    only_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in only_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, name
            if name == "feedengine":
                yield from ((node.lineno, f"feedengine.{alias.name}") for alias in node.names)


def test_rooms_import_downward_only() -> None:
    wrong = []
    for path in sources():
        here = room(path)
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] != "feedengine" or len(parts) < 2:
                continue
            there = parts[1]
            if there == here or there.startswith("_"):
                continue
            # A name that the package's front offers is not a room.
            if there not in RANK and not (PACKAGE / there).exists() and not (PACKAGE / f"{there}.py").exists():
                continue
            if RANK.get(here, -1) <= RANK.get(there, 99):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports feedengine.{there}")
    assert not wrong, "\n".join(wrong)


def test_every_room_has_a_place() -> None:
    unknown = sorted({room(path) for path in sources()} - set(RANK) - {"_engine"})
    assert not unknown, f"rooms without a rank in {Path(__file__).name}: {unknown}"


def test_libraries_stay_in_their_room() -> None:
    wrong = []
    for path in sources():
        for line, name in imports(path):
            library = name.split(".")[0]
            if library in NEVER or KEEPER.get(library, room(path)) != room(path):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {library}")
    assert not wrong, "\n".join(wrong)


def test_only_engine_imports_the_extension() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        for line, name in imports(path)
        if "_engine" in name.split(".") and path.parent != PACKAGE / "engine"
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(CORE_ROOMS))
def test_core_rooms_use_only_what_they_may(name: str) -> None:
    source = CORE / "src"
    files = sorted((source / name).rglob("*.rs")) if (source / name).is_dir() else [source / f"{name}.rs"]
    wrong = []
    for path in files:
        if not path.exists():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for used in re.findall(r"\bcrate::([a-z_]+)", line):
                if used != name and used not in CORE_ROOMS[name]:
                    wrong.append(f"{path.relative_to(ROOT)}:{number} uses crate::{used}")
    assert not wrong, "\n".join(wrong)


def test_core_knows_no_python_database_or_network() -> None:
    command = ["cargo", "tree", "--package", "feedengine-core", "--edges", "normal", "--prefix", "none", "--locked"]
    tree = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    crates = {line.split()[0] for line in tree.splitlines() if line.strip()}
    assert "feedengine-core" in crates
    assert not crates & NOT_IN_CORE
