"""Declarations as the engine takes them: the JSON of `record/entity.rs` and `record/rule.rs`, keys in its order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.profile.lists import ClosedList
from feedengine.profile.model import Field

_KINDS = {"list": "list", "boolean": "flag", "integer": "integer", "json": "json"}
#: Types that are one rule of the engine.
_TYPE_RULES = {"date": "date", "uuid": "uuid", "url": "url", "gtin": "gtin"}
_LARGEST = 2**63 - 1
#: What the engine takes where nothing is said.
_USUAL = (("max_facet", 200), ("max_name", 1000))


def plain_column(column: str, loose: bool) -> str:
    """A column's name as files are compared with it."""
    return re.sub(r"[\s_-]", "", column).casefold() if loose else column


def field_spec(field: Field, loose: bool = False, listed: ClosedList | None = None) -> dict[str, Any]:
    """A field as the engine's FieldSpec; with `loose`, names that differ in case and blanks alone are one. `listed` is
    the list that it names."""
    aliases = {plain_column(each, loose): each for each in (field.column, *field.aliases) if each}
    aliases.pop(plain_column(field.name, loose), None)
    in_range = _plain_range(field)
    long = field.max_length is not None and field.policy_for("length") == "reject"
    made: dict[str, Any] = {
        "name": field.name,
        "aliases": list(aliases.values()),
        "json": field.json or field.name,
        "place": field.place,
        "kind": _kind(field),
        "required": field.required and field.policy_for("required") == "reject",
        "max_chars": field.max_length if long else None,
        "warn_chars": field.warn_length,
        "alphanumeric": field.letters,
        "range": in_range,
    }
    steps, checks = list(_steps(field)), list(_checks(field, in_range is None, not long, listed))
    return made | ({"normal": steps} if steps else {}) | ({"checks": checks} if checks else {})


def _kind(field: Field) -> str:
    if field.type in ("integer", "boolean") and field.policy_for("type") == "warn":
        # What is applied although it is no number must be stored as it is.
        return "text"
    return _KINDS.get(field.type, "text")


def _plain_range(field: Field) -> list[int] | None:
    """The range of an integer where the engine's own check of it will do."""
    if _kind(field) != "integer" or (field.min is None and field.max is None) or field.policy_for("range") != "reject":
        return None
    return [int(field.min or -_LARGEST - 1), int(field.max or _LARGEST)]


def _steps(field: Field) -> list[Any]:
    steps: list[Any] = []
    if field.type == "list" and field.separator not in (None, "|"):
        steps.append({"split": {"separator": field.separator}})
    steps += field.normal
    if field.map:
        steps.append({"map": {"words": [list(pair) for pair in field.map]}})
    if field.currency:
        steps.append({"currency": {"signs": list(field.currency)}})
    if field.unit:
        steps.append({"unit": {"factors": [list(pair) for pair in field.unit]}})
    if (field.type == "decimal" and field.point != ".") or (field.type in ("decimal", "integer") and field.group):
        # A whole number has no fraction, so that its point is whatever its groups are not separated by.
        point = field.point if field.point != field.group else "," if field.group == "." else "."
        steps.append({"decimal": {"point": point, "group": field.group}})
    if field.type == "date" and field.forms != ("YYYY-MM-DD",):
        steps.append({"date": {"forms": list(field.forms)}})
    if field.type == "boolean" and (field.yes or field.no):
        steps.append({"flag": {"yes": list(field.yes), "no": list(field.no)}})
    return steps


def _checks(field: Field, ranged: bool, measured: bool, listed: ClosedList | None) -> list[Any]:
    found: list[tuple[str, Any]] = []
    if field.required and field.policy_for("required") != "reject":
        found.append(("required", "required"))
    found += [("type", rule) for rule in _type_rules(field)]
    words = field.words if "enum" in (field.type, field.items) else ()
    if words:
        found.append(("words", {"one_of": {"words": list(words)}}))
    if listed is not None and listed.words:
        found.append(("listed", {"listed": {"list": listed.name, "words": list(listed.words), "code": listed.code}}))
    if ranged and (field.min is not None or field.max is not None):
        found.append(("range", {"range": {"min": field.min, "max": field.max}}))
    most = field.max_length if measured else None
    if field.min_length is not None or most is not None:
        found.append(("length", {"length": {"min": field.min_length, "max": most}}))
    if field.pattern is not None:
        found.append(("pattern", {"pattern": {"regex": field.pattern}}))
    for rule in ("at_most", "multiple_of"):
        if (other := getattr(field, rule)) is not None:
            found.append((rule, {rule: {"field": other}}))
    return [{"rule": rule, "policy": field.policy_for(name)} for name, rule in found]


def _type_rules(field: Field) -> list[Any]:
    kind = field.items if field.type == "list" else field.type
    if kind == "decimal":
        return [{"decimal": {"scale": field.scale}}]
    if kind in ("integer", "boolean") and _kind(field) == "text":
        return ["integer" if kind == "integer" else "flag"]
    return [_TYPE_RULES[kind]] if kind in _TYPE_RULES else []


def entity_spec(
    name: str,
    given: Mapping[str, Any],
    fields: Sequence[Field],
    columns: Mapping[str, Any],
    lists: Mapping[str, ClosedList],
) -> dict[str, Any]:
    """An entity as the engine's EntitySpec. `given` has the keys of [entities.NAME], references and path read; `lists`
    are the profile's, by name."""
    made: dict[str, Any] = {
        "name": name,
        "fields": [field_spec(each, columns["loose"], lists.get(each.listed or "")) for each in fields],
        "metadata": "metadata" in given["open"] or columns["unknown"] == "keep",
        "facets": "facets" in given["open"],
        "shared": given["shared"],
        "owner": _pair(given["belongs_to"]),
        "refers": _pair(given["mentions"]),
        "parents": given["parents"],
        "active": given["active"],
        "max_data": given["max_data"],
        "max_average": given["max_average"],
        "size_class": given["size_class"] or name,
    }
    more = {
        "flat_by": list(given["flat_by"]),
        **{key: given[key] for key, usual in _USUAL if given[key] != usual},
        "identity": [{"field": field, "weak": weak} for field, weak in given["identity"]],
        "composed": list(given["key_of"]),
        "unique": [each.name for each in fields if each.unique],
        "references": given["references"],
        "conditions": [
            {"field": each.name, "when": when, "is": list(words), "policy": each.policy_for("required")}
            for each in fields
            for when, words in each.required_when
        ],
        "path": given["path"],
        "windows": [
            {
                "group": list(each["group"]),
                "from": each["from"],
                "to": each["to"],
                "end_excluded": each["end"] == "excluded",
                "policy": each["policy"],
            }
            for each in given["no_overlap"]
        ],
        "acyclic": given["no_cycle"],
        "declares": _names(given["declares"]),
        "matrix": _ruled(given["matrix"], "of", "allowed", "closed", "policy"),
        "choice": _ruled(given["chooses"], "of", "policy"),
        "columns": {**columns, "required": list(columns["required"])} if _demanding(columns) else None,
        "mode": given["mode"] if given["mode"] != "create+enrich" else None,
    }
    return made | {key: value for key, value in more.items() if value}


def _names(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How records name options."""
    if given is None:
        return None
    pair = [given["option"], given["value"]] if given["option"] else None
    made = {"product": given["product"], "pair": pair, "columns": [list(each) for each in given["options"]]}
    return {key: value for key, value in made.items() if value}


def _ruled(given: Mapping[str, Any] | None, *keys: str) -> dict[str, Any] | None:
    """A rule of options: how records name them, and more keys."""
    if given is None:
        return None
    return {"names": _names(given)} | {key: given[key] for key in keys if given[key] is not None}


def _pair(pairs: Sequence[tuple[str, str]]) -> list[str] | None:
    return list(pairs[0]) if pairs else None


def _demanding(columns: Mapping[str, Any]) -> bool:
    return bool(
        columns["order"] != "by_name" or columns["unknown"] != "warn" or columns["required"] or columns["loose"]
    )
