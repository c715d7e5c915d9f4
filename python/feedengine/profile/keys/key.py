"""What a key of a profile is, and the words that several of them take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feedengine.settings.kinds import Kind

TYPES = (*("text", "integer", "decimal", "boolean", "date", "uuid", "enum", "list", "url", "gtin", "json"),)
STEPS = ("trim", "squeeze", "nfc", "upper", "lower", "gtin_pad", "strip_html")
ENCODINGS = ("utf-8", "latin-1", "cp1252", "utf-16", "utf-16le", "utf-16be")
OPERATIONS = ("sync", "delta", "patchdelta", "patchdeltacreate", "patchdeltaignore", "delete", "whitelist")
MODES = ("create+enrich", "enrich-only", "fill-empty-only")
MISSING = ("reject", "park", "warn", "fail")


@dataclass(frozen=True)
class Key:
    """One key. `kind` reads its value, `shows` is the kind in words, `example` a line of TOML without the name."""

    name: str
    kind: Kind
    default: Any
    shows: str
    about: str
    example: str = ""


def one_of(*allowed: str) -> str:
    """Words to choose from, as the documentation shows them."""
    return " | ".join(allowed)


#: The default of a table: nothing is said in it.
NOTHING: dict[str, Any] = {}
