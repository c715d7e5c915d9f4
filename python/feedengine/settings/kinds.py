"""What values a setting can have: each kind turns what was written into the value used, or says what is wrong.

A kind is a function from the raw value (TOML value or text from the environment or a flag) to the canonical value; it
raises ValueError with the end of a sentence that starts with the setting's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Kind = Callable[[Any], Any]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_YES = ("true", "yes", "on", "1")
_NO = ("false", "no", "off", "0")
_SECTION_COLUMN = "a table with column and limit"


def text(raw: Any) -> str:
    """Any text."""
    if not isinstance(raw, str):
        raise ValueError("must be a text")
    return raw


def optional_text(raw: Any) -> str | None:
    """A text; the empty text means none."""
    return text(raw) or None


class Secret:
    """A value that is never printed: only `reveal` gives it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "********" if self._value else "(none)"


def secret(raw: Any) -> Secret:
    """A secret as text; masked wherever settings are shown."""
    return Secret(text(raw))


def choice(*allowed: str) -> Kind:
    """One of the words in `allowed`; the first is the default by custom."""

    def parse(raw: Any) -> str:
        if raw not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}; not {shown(raw)}")
        return str(raw)

    return parse


def flag(raw: Any) -> bool:
    """True or false; as text also yes/no, on/off, 1/0."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in _YES + _NO:
        return raw.lower() in _YES
    raise ValueError(f"must be true or false; not {shown(raw)}")


def whole(least: int = 0, most: int | None = None) -> Kind:
    """A whole number between `least` and `most`, both included."""

    def parse(raw: Any) -> int:
        if isinstance(raw, str) and re.fullmatch(r"\d+", raw, re.ASCII):
            raw = int(raw)
        if not isinstance(raw, int) or isinstance(raw, bool) or raw < least or (most is not None and raw > most):
            upto = f" and at most {most}" if most is not None else ""
            raise ValueError(f"must be a whole number of at least {least}{upto}; not {shown(raw)}")
        return raw

    return parse


def size(least: int = 0) -> Kind:
    """A number of bytes, as a number or as text with a unit (`512MiB`, `1.5 GB`)."""

    def parse(raw: Any) -> int:
        value = _bytes(raw)
        if value is None:
            raise ValueError(f"must be a size such as 512MiB; not {shown(raw)}")
        if value < least:
            raise ValueError(f"must be at least {least // 2**20}MiB; not {shown(raw)}")
        return value

    return parse


def _bytes(raw: Any) -> int | None:
    if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        return raw
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)", raw, re.ASCII) if isinstance(raw, str) else None
    unit = _UNITS.get(match[2].upper()) if match else None
    return int(float(match[1]) * unit) if match and unit else None


def percent(raw: Any) -> str:
    """A share between 0% and 100%, as text."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", raw, re.ASCII) if isinstance(raw, str) else None
    if not match or float(match[1]) > 100:
        raise ValueError(f"must be a share such as 10%; not {shown(raw)}")
    return match[1] + "%"


def limit(raw: Any) -> str:
    """A share (`50%`) or a number of rows (`20000`), told apart by the trailing %; `off` for none."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        return str(raw)
    if isinstance(raw, str):
        if raw == "off" or re.fullmatch(r"\d+", raw, re.ASCII):
            return raw
        if raw.endswith("%"):
            return percent(raw)
    raise ValueError(f"must be a share (50%), a number of rows (20000) or off; not {shown(raw)}")


def optional_limit(raw: Any) -> str | None:
    """A limit, or the empty text to follow `safeguard.limit`."""
    return None if raw in ("", None) else limit(raw)


def limits(raw: Any) -> dict[str, str]:
    """Limits by name: `{products = "20%", inventory = "off"}`; as one text `products=20%,inventory=off`."""
    if isinstance(raw, str):
        raw = dict(part.split("=", 1) for part in map(str.strip, raw.split(",")) if "=" in part) if raw else {}
    if not isinstance(raw, Mapping):
        raise ValueError(f"must be a table of limits by entity; not {shown(raw)}")
    return {str(name).strip(): limit(value) for name, value in raw.items()}


def texts(raw: Any) -> list[str]:
    """A list of texts; as one text, separated by commas."""
    if isinstance(raw, str):
        return [part.strip() for part in raw.split(",") if part.strip()]
    if isinstance(raw, list) and all(isinstance(part, str) for part in raw):
        return list(raw)
    raise ValueError(f"must be a list of texts; not {shown(raw)}")


def words(*allowed: str) -> Kind:
    """A list of words out of `allowed`; as one text, separated by commas."""

    def parse(raw: Any) -> list[str]:
        found = texts(raw)
        for word in found:
            if word not in allowed:
                raise ValueError(f"may hold {', '.join(allowed)}; not {shown(word)}")
        return found

    return parse


def networks(raw: Any) -> list[str]:
    """A list of addresses and networks (`192.0.2.0/24`); as one text, separated by commas."""
    import ipaddress

    found = texts(raw)
    for each in found:
        try:
            ipaddress.ip_network(each, strict=False)
        except ValueError:
            raise ValueError(f"must be addresses or networks such as 192.0.2.0/24; not {shown(each)}") from None
    return found


def segments(raw: Any) -> list[dict[str, str]]:
    """Guards per value of a column: `[{column = "facet:Brand", limit = "80%"}]`."""
    found = []
    for entry in _tables(raw, _SECTION_COLUMN):
        _only(entry, ("column", "limit"))
        found.append({"column": _column(entry), "limit": limit(entry.get("limit"))})
    return found


def value_guards(raw: Any) -> list[dict[str, Any]]:
    """Guards on values: `[{column = "metadata:price", zero_share = "5%"}]`; also null_rise and vanished."""
    found = []
    for entry in _tables(raw, "a table with column and zero_share, null_rise or vanished"):
        _only(entry, ("column", "zero_share", "null_rise", "vanished"))
        guard: dict[str, Any] = {"column": _column(entry)}
        for name in ("zero_share", "null_rise"):
            if name in entry:
                guard[name] = percent(entry[name])
        if "vanished" in entry:
            guard["vanished"] = flag(entry["vanished"])
        if len(guard) == 1:
            raise ValueError(f"guards nothing for {shown(guard['column'])}: add zero_share, null_rise or vanished")
        found.append(guard)
    return found


def must_exist(raw: Any) -> list[dict[str, str]]:
    """Guards of lists: `[{file = "sellers.txt", limit = "2%"}]`, or one alone; also entity, column and missing."""
    found = []
    for entry in _tables([raw] if isinstance(raw, dict) else raw, "a table with file and limit"):
        _only(entry, ("file", "limit", "entity", "column", "missing"))
        guard = {name: text(entry[name]) for name in ("file", "entity", "column") if name in entry}
        if not all(guard.values()) or "file" not in guard:
            raise ValueError("has an entry without a file, or with an empty name")
        guard["limit"] = limit(entry.get("limit"))
        guard["missing"] = choice("told", "counted")(entry.get("missing", "told"))
        found.append(guard)
    return found


def _tables(raw: Any, form: str) -> Sequence[Mapping[str, Any]]:
    if isinstance(raw, list) and all(isinstance(entry, dict) for entry in raw):
        return raw
    raise ValueError(f"must be a list, each entry {form}; not {shown(raw)}")


def _only(entry: Mapping[str, Any], allowed: Sequence[str]) -> None:
    for name in entry:
        if name not in allowed:
            raise ValueError(f"has an entry with {shown(name)}; allowed are {', '.join(allowed)}")


def _column(entry: Mapping[str, Any]) -> str:
    column = entry.get("column")
    if not isinstance(column, str) or not column:
        raise ValueError("has an entry without a column")
    return column


def shown(raw: Any) -> str:
    """A value as an error prints it: short, and never a whole table."""
    printed = f'"{raw}"' if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else repr(raw)
    return printed if len(printed) <= 60 else printed[:57] + "..."


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(least: float = 0) -> Kind:
    """A length of time in seconds, as a number or as text with a unit (`90s`, `15m`, `2h`, `1d`)."""

    def parse(raw: Any) -> float:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            raw = str(raw)
        match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([smhd]?)", raw, re.ASCII) if isinstance(raw, str) else None
        if not match:
            raise ValueError(f"must be a length of time such as 90s, 15m, 2h or 1d; not {shown(raw)}")
        value = float(match[1]) * _SECONDS[match[2]]
        if value < least:
            raise ValueError(f"must be at least {least:g}s; not {shown(raw)}")
        return value

    return parse
