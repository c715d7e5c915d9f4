"""Slow, obvious models of the steps and rules of profiles: one value at a time, with Python's own numbers and dates."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

# Unicode's White_Space; Python's own `str.strip` takes four controls more.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"


class Unreadable(Exception):
    """A step can't read the value; the argument is the fault's code."""


def step(declared: Any, value: str, numbers: Mapping[str, Any] | None = None) -> str:
    """The value after one step; `numbers` is the Decimal step that comes later, if any. Raises Unreadable."""
    name, with_ = (declared, {}) if isinstance(declared, str) else next(iter(declared.items()))
    return str(globals()[f"_{name}"](value, numbers=numbers, **with_))


def steps(all_: Sequence[Any], value: str) -> str:
    """The value after all steps, which end where nothing is left."""
    for at, declared in enumerate(all_):
        if not value:
            break
        later = [each["decimal"] for each in all_[at:] if isinstance(each, dict) and "decimal" in each]
        value = step(declared, value, later[0] if later else None)
    return value


def _trim(value: str, **_: Any) -> str:
    return value.strip(BLANKS)


def _squeeze(value: str, **_: Any) -> str:
    return re.sub(f"[{BLANKS}]+", " ", value)


def _nfc(value: str, **_: Any) -> str:
    return unicodedata.normalize("NFC", value)


def _upper(value: str, **_: Any) -> str:
    return value.upper()


def _lower(value: str, **_: Any) -> str:
    return value.lower()


def _decimal(value: str, point: str, group: str | None = None, **_: Any) -> str:
    groups = {" ": "[ \xa0\u202f]", None: "(?!)"}.get(group, re.escape(group or ""))
    number = re.fullmatch(
        rf"([-+\u2212]?)([0-9]+|[0-9]{{1,3}}(?:{groups}[0-9]{{3}})+|)(?:{re.escape(point)}([0-9]+))?", value
    )
    if not number or not (number[2] or number[3]):
        raise Unreadable("BAD_DECIMAL")
    sign = "-" if number[1] in ("-", "\u2212") else ""
    whole = re.sub("[^0-9]", "", number[2]) or "0"
    return f"{sign}{whole}.{number[3]}" if number[3] else sign + whole


def _currency(value: str, signs: Sequence[str], **_: Any) -> str:
    amount = r"[-+0-9.,' \u2212\u2019\xa0\u202f]*"
    if re.fullmatch(r"[-+0-9.,' ]*", value):
        return value
    minus = "-" if value[:1] in ("-", "\u2212") else ""
    rest = value[1:].lstrip(BLANKS) if minus else value
    longest = sorted(signs, key=lambda sign: -len(sign.encode()))
    for sign in longest:
        if rest.lower().startswith(sign.lower()):
            rest = rest[len(sign) :].lstrip(BLANKS)
            break
    for sign in longest:
        if rest.lower().endswith(sign.lower()):
            rest = rest[: len(rest) - len(sign)].rstrip(BLANKS)
            break
    if not re.fullmatch(amount, rest) or not re.search("[0-9]", rest):
        raise Unreadable("BAD_CURRENCY")
    return minus + rest


def _unit(value: str, factors: Sequence[tuple[str, str]], numbers: Mapping[str, Any] | None, **_: Any) -> str:
    style = numbers or {"point": ".", "group": None}
    known = dict(factors)
    unit = next((each for each in sorted(known, key=lambda each: -len(each.encode())) if value.endswith(each)), None)
    number = value if unit is None else value[: len(value) - len(unit)].rstrip(BLANKS)
    try:
        plain = _decimal(number, **style)
    except Unreadable:
        raise Unreadable("BAD_UNIT") from None
    if unit in (None, factors[0][0]):
        return number
    product = Fraction(plain) * Fraction(known[str(unit)])
    return shown(product).replace(".", style["point"])


def shown(number: Fraction) -> str:
    """A finite decimal number without zeros that say nothing."""
    scale = 0
    while (number * 10**scale).denominator != 1:
        scale += 1
    digits = str(abs(int(number * 10**scale))).rjust(scale + 1, "0")
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if number < 0 else text


def _date(value: str, forms: Sequence[str], **_: Any) -> str:
    for form in forms:
        parts = re.findall("Y+|M+|D+|[^YMD]", form)
        digits = {"YYYY": "(?P<Y>[0-9]{4})", "MM": "(?P<M>[0-9]{2})", "M": "(?P<M>[0-9]{1,2})"}
        digits |= {"DD": "(?P<D>[0-9]{2})", "D": "(?P<D>[0-9]{1,2})"}
        found = re.fullmatch("".join(digits.get(part, re.escape(part)) for part in parts), value)
        if found:
            try:
                return date(int(found["Y"]), int(found["M"]), int(found["D"])).isoformat()
            except ValueError:
                continue
    raise Unreadable("BAD_DATE")


def _flag(value: str, yes: Sequence[str], no: Sequence[str], **_: Any) -> str:
    word = value.lower()
    if word in [each.lower() for each in yes]:
        return "true"
    if word in [each.lower() for each in no]:
        return "false"
    if word in ("true", "false"):
        return word
    raise Unreadable("BAD_FLAG")


def _map(value: str, words: Sequence[tuple[str, str]], **_: Any) -> str:
    return dict(words).get(value, value)


def _gtin_pad(value: str, **_: Any) -> str:
    if not re.fullmatch("[0-9]{1,14}", value):
        raise Unreadable("BAD_GTIN")
    return value.zfill(14)


def number(text: str) -> Fraction | None:
    """A number in normal form, exactly."""
    return Fraction(Decimal(text)) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else None


def rule(declared: Any, value: str, row: Mapping[str, str], told: bool = False) -> str | None:
    """The code of the fault of a value, which is not blank, or None. `told`: another rule tells what is no number."""
    name, with_ = (declared, {}) if isinstance(declared, str) else next(iter(declared.items()))
    mine = number(value)
    match name:
        case "length":
            low, high = with_.get("min") or 0, with_.get("max")
            return "TOO_SHORT" if len(value) < low else "TOO_LONG" if high is not None and len(value) > high else None
        case "integer":
            return None if re.fullmatch("-?[0-9]+", value) else "BAD_INTEGER"
        case "decimal":
            scale = with_.get("scale")
            fine = mine is not None and (scale is None or len(value.partition(".")[2]) <= scale)
            return None if fine else "BAD_DECIMAL"
        case "range":
            if mine is None:
                return None if told else "BAD_DECIMAL"
            low, high = (None if with_.get(end) is None else Fraction(with_[end]) for end in ("min", "max"))
            return "OUT_OF_RANGE" if (low is not None and mine < low) or (high is not None and mine > high) else None
        case "flag":
            return None if value in ("true", "false") else "BAD_FLAG"
        case "date":
            return None if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value) and _is_day(value) else "BAD_DATE"
        case "uuid":
            return None if len(value) == 36 and _is_uuid(value) else "BAD_UUID"
        case "url":
            return None if _is_url(value) else "BAD_URL"
        case "gtin":
            return None if _is_gtin(value) else "BAD_GTIN"
        case "one_of":
            return None if value in with_["words"] else "NOT_ALLOWED"
        case "pattern":
            return None if re.fullmatch(with_["regex"], value) else "BAD_PATTERN"
        case "at_most" | "multiple_of":
            if mine is None:
                return None if told else "BAD_DECIMAL"
            other = number(row.get(with_["field"], ""))
            if other is None:
                return None
            if name == "at_most":
                return "OUT_OF_RANGE" if mine > other else None
            multiple = mine == 0 if other == 0 else (mine / other).denominator == 1
            return None if multiple else "NOT_MULTIPLE"
        case _:
            return None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_url(text: str) -> bool:
    if re.search(r"[\x00-\x20\x7f\"<>\\]", text) or any(letter in BLANKS for letter in text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").removesuffix(".")
    labels = host.split(".")
    sound = all(re.fullmatch(r"(?!-)[a-z0-9_\-\u0080-\U0010ffff]+(?<!-)", label) for label in labels)
    return parts.scheme in ("http", "https") and sound and (port is None or port > 0) and not parts.netloc.endswith(":")


def _is_gtin(text: str) -> bool:
    if not re.fullmatch("[0-9]+", text) or len(text) not in (8, 12, 13, 14):
        return False
    padded = [int(digit) for digit in text.zfill(14)]
    return (3 * sum(padded[0:13:2]) + sum(padded[1:13:2]) + padded[13]) % 10 == 0
