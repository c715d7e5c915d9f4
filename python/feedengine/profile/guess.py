"""What a column of a sample holds: the narrowest type that every value has, and doubts about it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

_DATE_FORMS = (
    ("YYYY-MM-DD", r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)"),
    ("DD.MM.YYYY", r"(?P<d>\d\d)\.(?P<m>\d\d)\.(?P<y>\d{4})"),
    ("DD/MM/YYYY", r"(?P<d>\d\d)/(?P<m>\d\d)/(?P<y>\d{4})"),
    ("MM/DD/YYYY", r"(?P<m>\d\d)/(?P<d>\d\d)/(?P<y>\d{4})"),
    ("YYYY/MM/DD", r"(?P<y>\d{4})/(?P<m>\d\d)/(?P<d>\d\d)"),
    ("DD-MM-YYYY", r"(?P<d>\d\d)-(?P<m>\d\d)-(?P<y>\d{4})"),
)
_FLAGS = (("true", "false"), ("yes", "no"), ("y", "n"), ("ja", "nein"), ("j", "n"), ("oui", "non"), ("1", "0"))
_SPELLED = (("ß", "ss"), ("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ø", "o"), ("å", "a"), ("æ", "ae"), ("ł", "l"))
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A column: its heading, a name for it, its type, other keys of the field as TOML, sentences about doubts."""

    heading: str
    name: str
    type: str
    filled: int
    distinct: int
    keys: dict[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    def renamed(self, name: str) -> Column:
        """The same with another name."""
        return replace(self, name=name)


def guess(heading: str, values: Sequence[str]) -> Column:
    """The column of these values."""
    given = [value.strip() for value in values if value.strip()]
    tests = (_boolean, _uuid, _url, _date, _gtin, _number) if given else ()
    nothing: _Found = ("text", {}, [] if given else ["it is empty in the sample"])
    kind, keys, doubts = next((found for test in tests if (found := test(given))), nothing)
    return Column(heading, plain_name(heading), kind, len(given), len(set(given)), keys, tuple(doubts))


def plain_name(heading: str) -> str:
    """A heading as a field's name."""
    spelled = heading.lower()
    for letter, letters in _SPELLED:
        spelled = spelled.replace(letter, letters)
    ascii_ = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", ascii_).strip("_")
    return (name if re.match(r"[a-z]", name) else f"column_{name}".rstrip("_"))[:63]


_Found = tuple[str, dict[str, str], list[str]]


def _boolean(values: Sequence[str]) -> _Found | None:
    words = {value.lower() for value in values}
    for yes, no in _FLAGS:
        if words <= {yes, no} and (len(words) == 2 or words <= {"true", "false"}):
            keys = {} if yes == "true" else {"yes": f'["{yes}"]', "no": f'["{no}"]'}
            return "boolean", keys, ["1 and 0 may be numbers"] if yes == "1" else []
    return None


def _uuid(values: Sequence[str]) -> _Found | None:
    return ("uuid", {}, []) if all(_UUID.fullmatch(value) for value in values) else None


def _url(values: Sequence[str]) -> _Found | None:
    if all(_URL.fullmatch(value) and "|" not in value and "," not in value for value in values):
        return "url", {}, []
    for separator in "|,;":
        items = [item.strip() for value in values for item in value.split(separator)]
        if all(_URL.fullmatch(item) and not re.search(r"[|,]", item) for item in items):
            return "list", {"items": '"url"'} | ({} if separator == "|" else {"separator": f'"{separator}"'}), []
    return None


def _date(values: Sequence[str]) -> _Found | None:
    fitting = [form for form, pattern in _DATE_FORMS if all(_real(pattern, value) for value in values)]
    if not fitting:
        return None
    doubts = [f"dates fit {' and '.join(fitting)}; {fitting[0]} was taken"] if len(fitting) > 1 else []
    return "date", {} if fitting[0] == "YYYY-MM-DD" else {"forms": f'"{fitting[0]}"'}, doubts


def _real(pattern: str, value: str) -> bool:
    match = re.fullmatch(pattern, value, re.ASCII)
    try:
        return bool(match and date(int(match["y"]), int(match["m"]), int(match["d"])))
    except ValueError:
        return False


def _gtin(values: Sequence[str]) -> _Found | None:
    sound = all(re.fullmatch(r"\d{8}|\d{12,14}", value, re.ASCII) and _checks(value) for value in values)
    return ("gtin", {}, []) if sound and len(set(values)) > 1 else None


def _checks(digits: str) -> bool:
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(reversed(digits)))
    return total % 10 == 0


def _number(values: Sequence[str]) -> _Found | None:
    if any(re.fullmatch(r"[+-]?0\d+", value, re.ASCII) for value in values):
        return ("text", {}, ["it has leading zeros, so it stays text"]) if _all(values, r"\d+") else None
    if _all(values, r"-?\d{1,18}"):
        long = max(len(value) for value in values) > 9
        return ("text", {}, ["long numbers are taken as ids, that is as text"]) if long else ("integer", {}, [])
    if _all(values, r"-?\d+(\.\d+)?"):
        thousands = _all([value for value in values if "." in value], r"-?\d{1,3}\.\d{3}")
        doubts = ["the point may separate thousands"] if thousands else []
        return "decimal", _scale(values, "."), doubts
    if _all(values, r"-?\d+(,\d+)?"):
        thousands = _all([value for value in values if "," in value], r"-?\d{1,3},\d{3}")
        return (
            "decimal",
            {"point": '","', **_scale(values, ",")},
            ["the comma may separate thousands"] if thousands else [],
        )
    for point, group in ((",", "."), (".", ","), (",", " "), (".", "'")):
        if _all(values, rf"-?\d{{1,3}}({re.escape(group)}\d{{3}})*({re.escape(point)}\d+)?|-?\d+{re.escape(point)}\d+"):
            keys = {"group": f'"{group}"', **_scale(values, point)}
            return "decimal", keys if point == "." else {"point": f'"{point}"', **keys}, []
    return None


def _all(values: Sequence[str], pattern: str) -> bool:
    expression = re.compile(pattern, re.ASCII)
    return all(expression.fullmatch(value) for value in values)


def _scale(values: Sequence[str], point: str) -> dict[str, str]:
    most = max((len(value.partition(point)[2]) for value in values), default=0)
    return {"scale": str(max(most, 2))}
