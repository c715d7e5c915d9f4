"""Tests can fail: no assertion that holds whatever the code does, no test that any error at all would please."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from architecture.test_habits import ROOT, committed


def always(test: ast.expr) -> bool:
    """Whether an asserted expression holds whatever the code does, as far as its form says."""
    if isinstance(test, ast.Constant | ast.Tuple | ast.List | ast.Dict | ast.JoinedStr):
        return True
    if isinstance(test, ast.BoolOp):
        return any(isinstance(each, ast.Constant) for each in test.values)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    left, right = test.left, test.comparators[0]
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
        return True
    # No count is below zero.
    return isinstance(test.ops[0], ast.GtE) and isinstance(right, ast.Constant) and right.value == 0


def faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines of assertions that hold always, and of `pytest.raises` that any error meets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and any(always(each) for each in [node.test, *_parts(node.test)]):
            yield node.lineno, ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises" and node.args:
            wide = {"Exception", "BaseException"} & {ast.unparse(each) for each in ast.walk(node.args[0])}
            if wide:
                yield node.lineno, ast.unparse(node)


def _parts(test: ast.expr) -> list[ast.expr]:
    """What is asserted together."""
    if not isinstance(test, ast.BoolOp) or not isinstance(test.op, ast.And):
        return []
    return [part for each in test.values for part in [each, *_parts(each)]]


def test_no_assertion_holds_always() -> None:
    wrong = []
    for path in committed(".py"):
        if path.relative_to(ROOT).parts[0] == "tests":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            wrong += [f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in faults(tree)]
    assert not wrong, "\n".join(wrong)


def test_what_holds_always_is_found() -> None:
    code = Path(__file__).with_name("never_fails.txt").read_text(encoding="utf-8")
    lines = code.splitlines()
    expected = [number for number, line in enumerate(lines, 1) if line.startswith(("assert", "pytest"))]
    found = [line for line, _ in faults(ast.parse(code))]
    assert sorted(found) == expected[:-2] and len(expected) == 9
