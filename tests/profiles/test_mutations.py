"""Whatever stands anywhere in a profile, it is a profile that the engine takes, or an error that says where."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine import _engine
from feedengine.errors import ProfileError
from feedengine.profile import keys
from feedengine.profile.assemble import assemble
from feedengine.profile.place import Place

TEXT = resources.files("feedengine.profile").joinpath("builtin", "wizcommerce.toml").read_text(encoding="utf-8")
DOCUMENT = tomllib.loads(TEXT, parse_float=str)

_WORDS = st.sampled_from(
    [
        "",
        "system_id",
        "sku_id",
        "products",
        "text",
        "list",
        "integer",
        "uuid",
        "enum",
        "fail",
        "park",
        "{entity}",
        "[",
        "*",
    ]
)
_PLAIN = st.one_of(_WORDS, st.integers(-2, 10**20), st.booleans(), st.text(max_size=5), st.none())
VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_WORDS, inner, max_size=3)),
    max_leaves=4,
)
NAMES = sorted({key.name for _, rows in keys.TABLES for key in rows} | {"zzz"})


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place below a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from paths(each, (*path, key))


PATHS = list(paths(DOCUMENT))


def changed(where: tuple[Any, ...], what: str, name: str, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(DOCUMENT)
    inner: Any = document
    for key in where[:-1]:
        inner = inner[key]
    if what == "drop":
        del inner[where[-1]]
    elif what == "add" and isinstance(inner, dict):
        inner[name] = value
    else:
        inner[where[-1]] = value
    return document


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PATHS), st.sampled_from(["replace", "drop", "add"]), st.sampled_from(NAMES), VALUES)
def test_anything_anywhere(where: tuple[Any, ...], what: str, name: str, value: Any) -> None:
    try:
        made = assemble(changed(where, what, name, value), Place("p.toml"))
    except ProfileError as error:
        assert error.message.startswith("p.toml: ")
        return
    request = {"operation": "sync", "entities": list(made.engine_entities()), "base": {}}
    _engine.Planner(json.dumps(request), bytes(192))
