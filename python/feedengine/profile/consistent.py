"""What the parts of a profile say of each other: what is named exists, rules can be met, names differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feedengine import engine
from feedengine.profile import forms
from feedengine.profile.compile import plain_column
from feedengine.profile.model import EntityDeclaration, Field, Naming
from feedengine.profile.place import Place

_NUMBERS = ("integer", "decimal")
#: Keys that say what records have to do with options of products, and their names in the engine's spec.
OPTION_KEYS = {"declares": "declares", "matrix": "matrix", "chooses": "choice"}
#: Keys that have a meaning for some types alone.
MEANT_FOR: dict[str, tuple[str, ...]] = {
    "separator": ("list",),
    "items": ("list",),
    "words": ("enum", "list"),
    "listed": ("text", "list"),
    "yes": ("boolean",),
    "no": ("boolean",),
    "point": ("decimal",),
    "group": _NUMBERS,
    "scale": ("decimal",),
    "currency": _NUMBERS,
    "unit": _NUMBERS,
    "forms": ("date",),
    "min": _NUMBERS,
    "max": _NUMBERS,
    "at_most": _NUMBERS,
    "multiple_of": _NUMBERS,
}


def check_field(field: Field, written: Iterable[str], place: Place) -> None:
    """One field by itself; `written` are the keys that it gives itself, not by a default for all fields."""
    for key in written:
        if field.type not in MEANT_FOR.get(key, (field.type,)):
            meant = " and ".join(MEANT_FOR[key])
            raise (place / key).error(f"is for fields of the type {meant}; this one is {field.type}")
    enum = "enum" in (field.type, field.items)
    if enum and not field.words:
        raise place.error('needs "words": the values that are allowed')
    if field.words and not enum:
        raise (place / "words").error('is for a list whose items = "enum"')
    if len(set(field.words)) < len(field.words):
        raise (place / "words").error("has a word twice")
    if field.type == "boolean":
        both = set(field.yes) & set(field.no)
        if both:
            raise (place / "yes").error(f'and no share "{min(both)}"')
        if bool(field.yes) != bool(field.no):
            raise place.error("needs both yes and no, or neither")
    if field.type == "decimal" and field.point == field.group:
        raise (place / "group").error(f'is "{field.group}", and so is point')
    if field.unit and field.unit[0][1] != "1":
        raise (place / "unit").error(
            f'must begin with our own unit, whose factor is 1; "{field.unit[0][0]}" has another'
        )
    _limits(field, place)
    if field.type == "date":
        for form in field.forms:
            forms.must_be_date(form, place / "forms")
    if field.pattern is not None:
        _regex(field.pattern, place / "pattern")


def _limits(field: Field, place: Place) -> None:
    if field.min is not None and field.max is not None and _number(field.min) > _number(field.max):
        raise (place / "min").error(f"is {field.min}, more than max, which is {field.max}")
    if field.type == "integer":
        for key in ("min", "max"):
            if "." in (getattr(field, key) or ""):
                raise (place / key).error("must be a whole number, since the field is an integer")
    if field.min_length is not None and field.max_length is not None and field.min_length > field.max_length:
        raise (place / "min_length").error(f"is {field.min_length}, more than max_length")


def _number(text: str) -> Any:
    if "." not in text:
        return int(text)
    from decimal import Decimal

    return Decimal(text)


def _regex(pattern: str, place: Place) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise place.error(f"is no regular expression: {error}") from None
    if re.search(r"\(\?[=!<]|\\[1-9]", pattern):
        # (?<name>...) is no look-around, but Python writes it otherwise and would have refused it.
        raise place.error("looks around or back, which the engine's expressions cannot do")


def check_fields(
    name: str, given: Mapping[str, Any], fields: Sequence[Field], columns: Mapping[str, Any], place: Place
) -> None:
    """The fields of one entity, and all that names one of them."""
    if not fields:
        raise (place / "fields").error("is empty: an entity has at least its key")
    known = [each.name for each in fields]
    _different(fields, columns["loose"], place / "fields")

    def known_field(field: str | None, where: Place) -> None:
        if field is not None and field not in known:
            raise where.unknown("names a field that the entity does not have,", field, known)

    for each in fields:
        at = place / "fields" / each.name
        known_field(each.at_most, at / "at_most")
        known_field(each.multiple_of, at / "multiple_of")
        for rule in ("at_most", "multiple_of"):
            if getattr(each, rule) == each.name:
                raise (at / rule).error("names the field itself")
        for when, _ in each.required_when:
            known_field(when, at / "required_when")
            if when == each.name:
                raise (at / "required_when").error("names the field itself")
    for field, _ in given["identity"]:
        known_field(field, place / "identity")
    for field in given["key_of"]:
        known_field(field, place / "key_of")
    for key in ("parents", "active", "owner"):
        known_field(given[key], place / key)
    for key in ("belongs_to", "mentions"):
        if len(given[key]) > 1:
            raise (place / key).error("may have one pair")
        for field, _ in given[key]:
            known_field(field, place / key)
    for number, reference in enumerate(given["references"], 1):
        at = place / "references" / number
        if not reference["by"]:
            raise (at / "by").error("needs at least one pair of fields")
        for mine, _ in reference["by"]:
            known_field(mine, at / "by")
        codes = [each["code"] for each in engine.codes() if each["code"].startswith("UNKNOWN_")]
        if reference["code"] not in codes:
            raise (at / "code").unknown("is no fault of this family:", reference["code"], codes)
    for key in ("no_overlap", "no_cycle"):
        for number, rule in enumerate(given[key], 1):
            for name in (*rule.get("group", ()), rule["from"], rule["to"]):
                known_field(name, place / key / number)
    _windows(given["no_overlap"], {each.name: each for each in fields}, place / "no_overlap")
    for key in OPTION_KEYS:
        named = given[key] or {}
        for part in ("product", "option", "value", "allowed"):
            known_field(named.get(part), place / key / part)
        for name, _ in named.get("options", ()):
            known_field(name, place / key / "options")
        if named and (named["option"] is None) != (named["value"] is None):
            raise (place / key).error("needs both option and value, or options in their place")
    if given["path"]:
        known_field(given["path"]["field"], place / "path" / "field")
        if given["path"]["field"] == fields[0].name:
            raise (place / "path" / "field").error(
                "names the key, which never changes, as a path does: declare an id in front of it"
            )
    for field in columns["required"]:
        known_field(field, place / "columns" / "required")
    members = [each.json or each.name for each in fields if each.place == "top"]
    for column in given["flat_by"]:
        if column in members:
            raise (place / "flat_by").error(f'has "{column}", which nested JSON records have as a member too')
    _kinds(given, {each.name: each for each in fields}, place)


def _windows(rules: Sequence[Mapping[str, Any]], fields: Mapping[str, Field], place: Place) -> None:
    for number, rule in enumerate(rules, 1):
        ends = [fields[rule["from"]], fields[rule["to"]]]
        for end in ends:
            if end.type not in ("date", *_NUMBERS):
                raise (place / number).error(f'needs dates or numbers; "{end.name}" is {end.type}')
            if end.policy_for("type") == "warn":
                raise (place / number).error(f'compares "{end.name}", which may be anything: its policy is warn')
        if (ends[0].type == "date") != (ends[1].type == "date"):
            raise (place / number).error("compares a date with a number")


def _kinds(given: Mapping[str, Any], fields: Mapping[str, Field], place: Place) -> None:
    key = next(iter(fields.values()))
    if given["identity"]:
        if key.type not in ("uuid", "text"):
            raise place.error(f'has "identity", so its first field "{key.name}" must be of the type uuid')
        if key.required:
            raise (place / "fields" / key.name / "required").error("cannot be: the engine makes this field")
        if given["key_of"]:
            raise (place / "key_of").error('cannot stand beside "identity": the key is made in one way')
    elif given["key_of"]:
        if key.name in given["key_of"] or key.type != "text":
            raise place.error(f'has "key_of", so its first field "{key.name}" must be a text and none of them')
        for name in given["key_of"]:
            if fields[name].type in ("list", "boolean", "json"):
                raise (place / "key_of").error(f'names "{name}", which is no single text or number')
    elif key.type in ("list", "boolean", "json"):
        raise (place / "fields" / key.name).error(f"is the key, which cannot be of the type {key.type}")
    if given["parents"] and fields[given["parents"]].type != "list":
        raise (place / "parents").error("must name a field of the type list")
    if given["active"] and fields[given["active"]].type != "boolean":
        raise (place / "active").error("must name a field of the type boolean")
    for field, _ in given["mentions"]:
        if fields[field].type != "list":
            raise (place / "mentions").error("must name a field of the type list; for others there is [[references]]")


def _different(fields: Sequence[Field], loose: bool, place: Place) -> None:
    """No two fields of one name, and no column that means two of them."""
    taken: dict[str, str] = {}
    for each in fields:
        for column in dict.fromkeys((each.name, each.heading, *each.aliases)):
            other = taken.setdefault(plain_column(column, loose), each.name)
            if other != each.name or (column == each.name and sum(one.name == column for one in fields) > 1):
                raise (place / each.name).error(f'has the column "{column}", which means "{other}" already')


def check_entities(entities: Sequence[EntityDeclaration], place: Place) -> None:
    """What entities say of each other."""
    known = {each.name: each for each in entities}
    for each in entities:
        at = place / each.name
        spec = each.spec
        for suffix in ("_history", "_grown"):
            if each.name.removesuffix(suffix) in known.keys() - {each.name}:
                raise at.error(f"cannot be called that: the store keeps {each.name.removesuffix(suffix)} in it")
        for key, json_key in (("belongs_to", "owner"), ("mentions", "refers")):
            pair = spec[json_key]
            if pair and pair[1] not in known:
                raise (at / key).unknown("names an entity that is not declared,", pair[1], known)
        for key, json_key in OPTION_KEYS.items():
            of = spec.get(json_key, {}).get("of")
            if of is not None and of not in known:
                raise (at / key / "of").unknown("names an entity that is not declared,", of, known)
        for name in each.after:
            if name not in known:
                raise (at / "after").unknown("names an entity that is not declared,", name, known)
        for number, reference in enumerate(spec.get("references", ()), 1):
            where = at / "references" / number
            other = known.get(reference["entity"])
            if other is None:
                raise (where / "entity").unknown("names an entity that is not declared,", reference["entity"], known)
            fields = [field.name for field in other.fields]
            for _, theirs in reference["by"]:
                if theirs not in fields:
                    raise (where / "by").unknown(f"names a field that {other.name} does not have,", theirs, fields)


def check_naming(naming: Naming, entities: Sequence[EntityDeclaration], place: Place) -> None:
    """The grammar can be read, and a name or folder tells the entity."""
    if naming.grammar != "fields":
        return
    used = forms.parts_of(naming.form, place / "form")
    fold = str.casefold if naming.case == "any" else str
    _no_two(((fold(word), each.name) for each in entities for word in each.words), "file", place)
    _no_two(((fold(each.folder), each.name) for each in entities if each.folder), "folder", place)
    if "entity" not in used and len(entities) > 1 and not all(each.folder for each in entities):
        raise (place / "form").error("has no {entity}, and not every entity has a folder: nothing tells what a file is")
    for each in entities:
        if each.folder and (each.folder.strip("/") != each.folder or {".", "..", ""} & set(each.folder.split("/"))):
            raise place.error(f'meets the folder "{each.folder}" of {each.name}: write it as a/b, without . and ..')
        for word in each.words:
            if not re.fullmatch(r"[^/\\{}\[\]\x00-\x1f]+", word):
                raise place.error(f'meets the word "{word}" of {each.name}, which cannot be part of a file name')
    for extension in naming.extensions:
        if not re.fullmatch(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)*", extension):
            raise (place / "extensions").error(f'has "{extension}": write it as csv or csv.gz')


def _no_two(pairs: Iterable[tuple[str, str]], what: str, place: Place) -> None:
    taken: dict[str, str] = {}
    for value, entity in pairs:
        other = taken.setdefault(value, entity)
        if other != entity:
            raise place.error(f'cannot tell {other} and {entity} apart: both have the {what} "{value}"')


def order_of(entities: Sequence[EntityDeclaration], place: Place) -> tuple[str, ...]:
    """Entities, those that others refer to first; otherwise as they are declared. Raises ProfileError for a circle."""
    needs = {each.name: _needed(each) - {each.name} for each in entities}
    order: list[str] = []
    while len(order) < len(needs):
        ready = next((name for name in needs if name not in order and needs[name] <= set(order)), None)
        if ready is None:
            circle = sorted(set(needs) - set(order))
            raise place.error(f"refer to each other in a circle: {', '.join(circle)}")
        order.append(ready)
    return tuple(order)


def _needed(entity: EntityDeclaration) -> set[str]:
    spec = entity.spec
    pairs = [pair for pair in (spec["owner"], spec["refers"]) if pair]
    references = [each["entity"] for each in spec.get("references", ())]
    options = [spec[key]["of"] for key in ("matrix", "choice") if key in spec]
    return {*(pair[1] for pair in pairs), *references, *options, *entity.after}
