"""Habits that every file keeps: a first line that says what it is for, a bounded size, force never by default."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 600


def committed(*suffixes: str) -> list[Path]:
    """Files that git knows or would add, by suffix."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in listed if name.endswith(suffixes) and (ROOT / name).is_file()]


def says_what_it_is_for(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith("#!") and path.suffix != ".rs":
        lines = lines[1:]
    first = lines[0] if lines else ""
    opening = {".py": ('"""', 'r"""'), ".pyi": ('"""',), ".rs": ("//! ",)}.get(path.suffix, ("# ",))
    return first.startswith(opening) and len(first) > 12


def test_first_line_says_what_the_file_is_for() -> None:
    # The case corpus holds data, not code.
    files = [path for path in committed(".py", ".pyi", ".rs", ".sh") if "corpus" not in path.parts]
    files.append(ROOT / "Makefile")
    silent = [str(path.relative_to(ROOT)) for path in files if not says_what_it_is_for(path)]
    assert not silent, f"first line should say what the file is for: {silent}"


def test_no_file_is_too_long() -> None:
    lengths = {path.relative_to(ROOT): path.read_text(encoding="utf-8").count("\n") for path in committed(".py", ".rs")}
    long = {str(path): lines for path, lines in lengths.items() if lines > LONGEST}
    assert not long, f"more than {LONGEST} lines: {long}"


@pytest.mark.feature("C43")
def test_force_is_never_a_default_in_python() -> None:
    wrong = []
    for path in committed(".py"):
        if "python" not in path.relative_to(ROOT).parts[:1]:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                named = node.args.posonlyargs + node.args.args
                pairs = list(zip(named[len(named) - len(node.args.defaults) :], node.args.defaults, strict=True))
                pairs += [
                    (name, default)
                    for name, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                    if default is not None
                ]
                wrong += [f"{path.name}:{name.lineno}" for name, value in pairs if name.arg == "force" and truth(value)]
            elif isinstance(node, ast.keyword) and node.arg == "force" and truth(node.value):
                wrong.append(f"{path.name}:{node.value.lineno}")
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and truth(node.value):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == "force" for target in targets):
                    wrong.append(f"{path.name}:{node.lineno}")
    assert not wrong, f"force is on without anybody asking: {wrong}"


@pytest.mark.feature("C43")
def test_force_is_never_a_default_in_rust() -> None:
    wrong = []
    for path in committed(".rs"):
        if path.name == "tests.rs" or "tests" in path.parts or "benches" in path.parts:
            continue
        code = path.read_text(encoding="utf-8").split("#[cfg(test)]")[0]
        wrong += [f"{path.name}: {match}" for match in re.findall(r"\bforce\s*[:=]\s*true\b", code)]
    assert not wrong, f"force is on without anybody asking: {wrong}"


def truth(node: ast.expr) -> bool:
    """Whether the expression is plainly true."""
    return isinstance(node, ast.Constant) and bool(node.value)
