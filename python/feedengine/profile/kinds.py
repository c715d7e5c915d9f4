"""What values the keys of a profile can have, beyond the kinds that settings have.

As there: a kind turns what was written into the value used, or raises ValueError with the end of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from feedengine.settings import kinds
from feedengine.settings.kinds import Kind, shown

POLICIES = ("reject", "fail", "warn")
#: What a policy can be given for, one by one.
RULES = ("required", "type", "length", "range", "words", "listed", "pattern", "at_most", "multiple_of")


def name(raw: Any) -> str:
    """The name of an entity, field or profile: it becomes the name of a table, a column, a folder."""
    if not isinstance(raw, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", raw):
        raise ValueError(f"must be a name of lower case letters, digits and _; not {shown(raw)}")
    return raw


def some_text(raw: Any) -> str:
    """Any text but the empty one."""
    if not kinds.text(raw):
        raise ValueError("must not be empty")
    return str(raw)


def optional(kind: Kind) -> Kind:
    """Another kind, or nothing where the key is missing."""

    def parse(raw: Any) -> Any:
        return None if raw is None else kind(raw)

    return parse


def character(raw: Any) -> str:
    """One character."""
    if not isinstance(raw, str) or len(raw) != 1:
        raise ValueError(f"must be one character; not {shown(raw)}")
    return raw


def decimal(raw: Any) -> str:
    """A decimal number as text, exactly as it was written."""
    written = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
    if not isinstance(written, str) or not re.fullmatch(r"-?\d+(\.\d+)?", written, re.ASCII):
        raise ValueError(f"must be a decimal number such as 0.01; not {shown(raw)}")
    return written


def texts(raw: Any) -> tuple[str, ...]:
    """A list of texts."""
    if isinstance(raw, list) and all(isinstance(each, str) for each in raw):
        return tuple(raw)
    raise ValueError(f"must be a list of texts; not {shown(raw)}")


def one_or_more(raw: Any) -> tuple[str, ...]:
    """A text, or a list of texts that is not empty."""
    found = texts([raw] if isinstance(raw, str) else raw)
    if not found or not all(found):
        raise ValueError("must name at least one, and none may be empty")
    return found


def words(*allowed: str) -> Kind:
    """A list of words out of `allowed`."""

    def parse(raw: Any) -> tuple[str, ...]:
        return tuple(kinds.words(*allowed)(list(texts(raw))))

    return parse


def pairs(raw: Any) -> tuple[tuple[str, str], ...]:
    """A table of texts, in its order."""
    if isinstance(raw, Mapping) and all(isinstance(each, str) for each in raw.values()):
        return tuple(raw.items())
    raise ValueError(f"must be a table of texts; not {shown(raw)}")


def names_or_pairs(raw: Any) -> tuple[tuple[str, str], ...]:
    """A table of texts, in its order; a list of texts is one in which each stands for itself."""
    return tuple((each, each) for each in texts(raw)) if isinstance(raw, list) else pairs(raw)


def numbers(raw: Any) -> tuple[tuple[str, str], ...]:
    """A table of decimal numbers, in its order."""
    if not isinstance(raw, Mapping):
        raise ValueError(f"must be a table of numbers; not {shown(raw)}")
    return tuple((key, decimal(value)) for key, value in raw.items())


def lists(raw: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A table whose values are lists of texts."""
    if not isinstance(raw, Mapping):
        raise ValueError(f"must be a table of lists; not {shown(raw)}")
    return tuple((key, texts(value)) for key, value in raw.items())


def policy(raw: Any) -> tuple[tuple[str, str], ...]:
    """One policy for every fault of a field, or a table of them by rule. Gives pairs of rule and policy; "" = all."""
    each = kinds.choice(*POLICIES)
    if isinstance(raw, Mapping):
        for rule in raw:
            kinds.choice(*RULES)(rule)
        return tuple((rule, each(value)) for rule, value in raw.items())
    return (("", each(raw)),)


def table(raw: Any) -> Mapping[str, Any]:
    """A table, read by whoever knows its keys."""
    if not isinstance(raw, Mapping):
        raise ValueError("must be a table")
    return raw


def tables(raw: Any) -> tuple[Mapping[str, Any], ...]:
    """A list of tables."""
    if not isinstance(raw, list):
        raise ValueError("must be a list of tables")
    return tuple(table(each) for each in raw)


def identifiers(raw: Any) -> tuple[tuple[str, bool], ...]:
    """Fields in order of priority, a weak one with `~` before it. Gives pairs of field and whether it is weak."""
    return tuple((each.removeprefix("~"), each.startswith("~")) for each in texts(raw))
