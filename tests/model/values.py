"""Typed values and canonical JSON, written the long way round."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .spec import FLAG, INTEGER, JSON, LIST, TEXT


class Value(NamedTuple):
    """A stored value: its type and its plain form (str, tuple of str, bool, int or canonical JSON text)."""

    kind: str
    plain: Any


class Raw(str):
    """A JSON number, kept as it was written."""


class BadJson(ValueError):
    """Text that is not JSON, or JSON that the rules do not allow."""


def parse(text: str) -> Any:
    """Parse JSON; numbers stay text, the last of two equal member names wins, NaN and Infinity are refused."""

    def refuse(name: str) -> None:
        raise BadJson(f"{name} is not JSON")

    try:
        return json.loads(text, parse_float=Raw, parse_int=Raw, parse_constant=refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadJson(str(error)) from error


def canonical(value: Any) -> str:
    """Canonical JSON text: no white space, members sorted by their bytes, numbers as written."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda pair: pair[0].encode())
        return "{" + ",".join(f"{canonical(name)}:{canonical(one)}" for name, one in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(canonical(one) for one in value) + "]"
    return json.dumps(value)


def text(plain: str) -> Value:
    """Shorthand for a text value."""
    return Value(TEXT, plain)


def to_json(value: Value) -> Any:
    """A stored value as parsed JSON."""
    if value.kind == LIST:
        return list(value.plain)
    if value.kind == JSON:
        return parse(value.plain)
    if value.kind == INTEGER:
        return Raw(str(value.plain))
    if value.kind == FLAG:
        return bool(value.plain)
    return value.plain
