"""What the engine itself declares, and what it says of declarations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from feedengine import _engine


@cache
def constructor_entities() -> tuple[dict[str, Any], ...]:
    """The entities of Constructor's catalog, as the engine declares them."""
    return tuple(json.loads(_engine.constructor_entities()))


def check_entities(entities: Sequence[Mapping[str, Any]]) -> list[dict[str, str | None]]:
    """What is amiss with the entities of a profile: entity, field (None for the entity itself), message."""
    found: list[dict[str, str | None]] = json.loads(_engine.check_entities(json.dumps(entities)))
    return found


@cache
def codes() -> tuple[dict[str, str], ...]:
    """Every fault code: code, severity, hint."""
    return tuple(json.loads(_engine.codes()))


@cache
def operations() -> tuple[dict[str, Any], ...]:
    """Every operation and what it may do."""
    return tuple(json.loads(_engine.operations()))
