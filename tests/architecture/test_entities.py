"""Entities come from profiles: only what is made for Constructor's catalogs names theirs."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "python" / "feedengine"
NAMES = {"items", "variations", "item_groups"}
#: Files that may: Constructor's own shapes, its settings, and what is made up for demonstrations.
ALLOWED = {
    "service/constructor.py",
    "deliver/publication.py",
    "settings/__init__.py",
    "settings/tables/engine.py",
    "cli/measuring.py",
    "cli/render/snapshot.py",
}


def test_entities_are_named_by_profiles_alone() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        strings = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)]
        # A profile's list field says of what its items are.
        named = NAMES - ({"items"} if path.parts[-2] in ("profile", "keys") else set())
        if any(isinstance(each.value, str) and each.value in named for each in strings):
            found.add(str(path.relative_to(PACKAGE)))
    assert found - ALLOWED == set()
    assert not {each for each in found if each.startswith("store/")}
