"""Which test shows which capability: writes docs/coverage.md from the tests' `feature` markers."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent
DOCUMENT = TESTS.parent / "docs" / "coverage.md"
HEAD = """# Which test shows which capability

Ids are those of the source documents: P, L, T, C, W by document, U what none of the systems read has.
Made by `make coverage` from the tests' `pytest.mark.feature(...)` markers; a test keeps it current.

| capability | tests |
|---|---|
"""


def marked(node: ast.expr) -> Iterator[str]:
    """The ids in `pytest.mark.feature("C14", ...)`, or in a list of marks."""
    if isinstance(node, ast.List | ast.Tuple):
        for element in node.elts:
            yield from marked(element)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("pytest.mark.feature", "mark.feature"):
        yield from (str(ast.literal_eval(argument)) for argument in node.args)


def tests_of(path: Path) -> Iterator[tuple[str, str]]:
    """Capability and test of every marked test in the file; a mark on a module or class counts for all its tests."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    of_module = [
        feature
        for node in tree.body
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in node.targets)
        for feature in marked(node.value)
    ]

    def walk(body: list[ast.stmt], inherited: list[str], prefix: str) -> Iterator[tuple[str, str]]:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                own = inherited + [feature for mark in node.decorator_list for feature in marked(mark)]
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, own, f"{prefix}{node.name}::")
                elif node.name.startswith("test"):
                    yield from ((feature, f"{prefix}{node.name}") for feature in own)

    yield from walk(tree.body, of_module, "")


def table() -> str:
    """The whole document."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for feature, test in tests_of(path):
            found[feature].append(f"`{path.relative_to(TESTS)}::{test}`")

    def order(feature: str) -> tuple[str, int]:
        letter, number = re.fullmatch(r"([A-Z]+)(\d+)", feature).groups()  # type: ignore[union-attr]
        return letter, int(number)

    rows = [f"| {feature} | {'<br>'.join(dict.fromkeys(found[feature]))} |\n" for feature in sorted(found, key=order)]
    return HEAD + "".join(rows)


def main() -> int:
    """Write the document."""
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(table(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
