"""What a field is, in words for whoever fills it in, and a value that would be accepted."""

from __future__ import annotations

from datetime import date

from feedengine.profile import forms
from feedengine.profile.model import EntityDeclaration, Field, Profile

_DAY = date(2026, 11, 21)
_WORDS = {
    "text": "text",
    "integer": "whole number",
    "uuid": "UUID",
    "url": "http or https address",
    "gtin": "GTIN with its check digit",
    "date": "date as YYYY-MM-DD",
    "json": "JSON",
}
_SAMPLES = {
    "uuid": "3f2b8c1e-5d4a-4c6b-9e7f-0a1b2c3d4e5f",
    "url": "https://example.com/1",
    "gtin": "4006381333931",
    "json": "{}",
}


def made_by_engine(entity: EntityDeclaration, field: Field) -> bool:
    """Whether the field is the key that the engine gives to new records."""
    return bool(entity.identity or entity.key_of) and field.name == entity.key


def described(profile: Profile, entity: EntityDeclaration, field: Field) -> str:
    """One line: type, limits, allowed values, what it is for."""
    parts = [_type(field), *_limits(entity, field)]
    if field.required:
        parts.append("required")
    for when, words in field.required_when:
        asks = entity.field(when).heading
        parts.append(f"required when {asks} is {' or '.join(words)}" if words else f"required with {asks}")
    if field.unique:
        parts.append("unique")
    parts += [f"one of the {each.name} ({each.origin})" for each in profile.lists if each.name == field.listed]
    for reference in entity.spec.get("references", ()):
        for mine, theirs in reference["by"]:
            if mine == field.name:
                other = profile.entity(reference["entity"])
                parts.append(f"names the {other.field(theirs).heading} of {other.name}")
    line = "; ".join(parts)
    return f"{line}. {field.about[:1].upper()}{field.about[1:]}." if field.about else f"{line}."


def _type(field: Field) -> str:
    if field.type == "decimal":
        grouped = f", groups of digits by {field.group}" if field.group else ""
        return f"decimal number with {field.point} before the fraction{grouped}"
    if field.type == "boolean":
        return f"{' or '.join(field.yes) or 'true'} for yes, {' or '.join(field.no) or 'false'} for no"
    if field.type == "date":
        return f"date as {' or '.join(field.forms)}"
    if field.type == "enum":
        return f"one of {', '.join(allowed(field))}"
    if field.type == "list":
        kind = f"one of {', '.join(allowed(field))}" if field.items == "enum" else _WORDS[field.items]
        return f"list of items separated by {field.separator or '|'}, each {kind}"
    return _WORDS[field.type]


def _limits(entity: EntityDeclaration, field: Field) -> list[str]:
    said = []
    if field.scale is not None:
        said.append(f"at most {field.scale} digits behind it")
    for value, words in ((field.min, "at least {}"), (field.max, "at most {}")):
        if value is not None:
            said.append(words.format(value))
    if field.min_length is not None:
        said.append(f"at least {field.min_length} characters")
    if field.max_length is not None:
        said.append(f"at most {field.max_length} characters")
    if field.pattern is not None:
        said.append(f"in the form {field.pattern}")
    if field.at_most is not None:
        said.append(f"at most {entity.field(field.at_most).heading}")
    if field.multiple_of is not None:
        said.append(f"a multiple of {entity.field(field.multiple_of).heading}")
    if field.currency:
        said.append(f"perhaps with {' or '.join(field.currency)}")
    if field.unit:
        said.append(f"perhaps with {' or '.join(unit for unit, _ in field.unit)}")
    return said


def allowed(field: Field) -> tuple[str, ...]:
    """The words a sender may use: ours, and theirs where they are mapped."""
    return tuple(dict.fromkeys([*(theirs for theirs, ours in field.map if ours in field.words), *field.words]))


def example(entity: EntityDeclaration, field: Field) -> str:
    """A value as the sender writes it: the declared example, else one by type where the field is required."""
    if made_by_engine(entity, field):
        return ""
    # A profile that closes the list of another one's field inherits an example that is none of the list.
    if field.example is not None and (field.type != "enum" or field.example in allowed(field)):
        return field.example
    if not field.required:
        return ""
    if field.type in ("integer", "decimal"):
        return (field.min or field.max or "1").replace(".", field.point)
    if field.type == "boolean":
        return (*field.yes, "true")[0]
    if field.type == "date":
        return _date(field.forms[0])
    if "enum" in (field.type, field.items):
        return allowed(field)[0]
    kind = field.items if field.type == "list" else field.type
    return _date("YYYY-MM-DD") if kind == "date" else _SAMPLES.get(kind, "example")


def _date(form: str) -> str:
    codes = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}
    return "".join(_DAY.strftime(codes[each]) if each in codes else each for each in forms.words(form))
