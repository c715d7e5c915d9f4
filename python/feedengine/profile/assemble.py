"""A document becomes a profile: tables read, defaults laid under, names checked, entities compiled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from feedengine import engine
from feedengine.profile import keys, kinds, read
from feedengine.profile.compile import entity_spec
from feedengine.profile.consistent import check_entities, check_field, check_fields, check_naming, order_of
from feedengine.profile.exported import exports
from feedengine.profile.lists import ClosedList, closed_lists
from feedengine.profile.model import DEFAULT_PARKING, EntityDeclaration, Field, Naming, Profile
from feedengine.profile.place import Place
from feedengine.settings.table import BY_NAME, CATALOG_TABLES, SETTINGS


def assemble(document: Mapping[str, Any], place: Place) -> Profile:
    """The profile that a whole document declares. Raises ProfileError."""
    given = read.table(document, keys.PROFILE, place)
    naming = Naming(**read.table(given["naming"], keys.NAMING, place / "naming"))
    # Read for its errors alone: each entity reads them again under its own.
    read.written(given["fields"], _SHARED_FIELD_KEYS, place / "fields")
    read.written(given["columns"], keys.COLUMNS, place / "columns")
    read.format_of(given["format"], place / "format")
    if not given["entities"]:
        raise (place / "entities").error("is empty: a profile declares at least one entity")
    lists = {each.name: each for each in closed_lists(given["lists"], place / "lists")}
    raw = {
        name: _entity(name, content, given, lists, place / "entities" / name)
        for name, content in given["entities"].items()
    }
    entities = tuple(raw.values())
    check_entities(entities, place / "entities")
    if naming.grammar != "constructor":
        _ask_engine(entities, place / "entities")
    check_naming(naming, entities, place / "naming")
    rules = _rules(given["settings"], naming, place / "settings")
    made = Profile(
        name=given["name"],
        about=given["about"],
        version=given["version"],
        source=place.source,
        digest="",
        naming=naming,
        entities=entities,
        order=order_of(entities, place / "entities"),
        rules=rules,
        exports=exports(given["exports"], entities, place / "exports"),
        lists=tuple(lists.values()),
    )
    return Profile(**{**vars(made), "digest": _digest(made)})


def _ask_engine(entities: tuple[EntityDeclaration, ...], place: Place) -> None:
    """The engine has the last word, on regular expressions for example, whose syntax is its own."""
    for amiss in engine.check_entities([each.spec for each in entities]):
        at = place / str(amiss["entity"])
        raise (at / "fields" / amiss["field"] if amiss["field"] else at).error(f"cannot be: {amiss['message']}")


# A default for all fields cannot say what makes one field that field.
_OWN = {"column", "aliases", "example", "about", "unique", "required_when", "repeat", "fields", "json"}
#: Settings of catalogs that are an operator's alone to say: they name persons and files of this machine.
_OPERATORS = ("rules.profile", "safeguard.force_from", "safeguard.force_held", "safeguard.must_exist")
_SHARED_FIELD_KEYS = tuple(key for key in keys.FIELD if key.name not in _OWN)


#: Tables that an entity has one of at most.
_TABLES: dict[str, tuple[keys.Key, ...]] = {
    "path": keys.PATH,
    "declares": keys.DECLARES,
    "matrix": keys.MATRIX,
    "chooses": keys.CHOOSES,
}


def _entity(
    name: str, content: Any, profile: Mapping[str, Any], lists: Mapping[str, ClosedList], place: Place
) -> EntityDeclaration:
    _must_be_name(name, place)
    given = read.table(content, keys.ENTITY, place)
    fields = tuple(
        each
        for field, raw in given["fields"].items()
        for each in _fields(field, raw, profile["fields"], place / "fields" / field)
    )
    columns = read.table({**profile["columns"], **given["columns"]}, keys.COLUMNS, place / "columns")
    references = []
    for number, raw in enumerate(given["references"], 1):
        reference = read.table(raw, keys.REFERENCE, place / "references" / number)
        references.append({**reference, "by": [list(pair) for pair in reference["by"]]})
    given["references"] = [*references, *_references_to_lists(fields, lists, place / "fields")]
    for key, known in (("no_overlap", keys.NO_OVERLAP), ("no_cycle", keys.NO_CYCLE)):
        given[key] = [read.table(raw, known, place / key / number) for number, raw in enumerate(given[key], 1)]
    for key, rows in _TABLES.items():
        if given[key] is not None:
            given[key] = read.table(given[key], rows, place / key)
    check_fields(name, given, fields, columns, place)
    form, delimiter = read.format_of({**profile["format"], **given["format"]}, place / "format")
    return EntityDeclaration(
        name=name,
        about=given["about"],
        enabled=given["enabled"],
        words=given["file"] or (name,),
        folder=given["folder"],
        operation=given["operation"],
        fields=fields,
        identity=given["identity"],
        key_of=given["key_of"],
        shared=given["shared"],
        owner_column=given["owner"],
        explained_by=given["explained_by"],
        cadence=given["cadence"],
        after=given["after"],
        park_for=given["park_for"] or DEFAULT_PARKING,
        format=form,
        delimiter=delimiter,
        spec=entity_spec(name, given, fields, columns, lists),
    )


def _references_to_lists(
    fields: Iterable[Field], lists: Mapping[str, ClosedList], place: Place
) -> Iterator[dict[str, Any]]:
    """References to the records that have the words of a list. Raises ProfileError for a list that is not declared."""
    for each in fields:
        if each.listed is None:
            continue
        found = lists.get(each.listed)
        if found is None:
            raise (place / each.name / "listed").unknown("names a list that is not declared,", each.listed, lists)
        if found.entity is not None:
            by = [[each.name, found.field]]
            missing = each.policy_for("listed")
            yield {"entity": found.entity, "by": by, "missing": missing, "code": found.code, "required": False}


def _fields(name: str, raw: Any, defaults: Mapping[str, Any], place: Place) -> list[Field]:
    _must_be_name(name, place)
    content = {"type": raw} if isinstance(raw, str) else raw
    if not isinstance(content, Mapping):
        raise place.error("must be a table, or a text that names a type")
    if "repeat" not in content:
        given = read.table({**defaults, **content}, keys.FIELD, place)
        if given.pop("fields"):
            raise place.error('has "fields" without "repeat"')
        given.pop("repeat")
        made = Field(name, **given)
        check_field(made, content, place)
        return [made]
    given = read.written(content, keys.FIELD, place)
    other = sorted(set(given) - {"repeat", "fields", "about"})
    if other:
        raise place.error(f'repeats other fields: "{other[0]}" belongs to one of them')
    if not given.get("fields"):
        raise place.error('needs "fields": those that repeat')
    repeated = []
    for number in range(1, given["repeat"] + 1):
        siblings = {each: f"{each}_{number}" for each in given["fields"]}
        for each, inner in given["fields"].items():
            if isinstance(inner, Mapping) and "repeat" in inner:
                raise (place / "fields" / each).error("repeats within what repeats")
            repeated += [
                _numbered(field, siblings, number) for field in _fields(each, inner, defaults, place / "fields" / each)
            ]
    return repeated


def _numbered(field: Field, siblings: Mapping[str, str], number: int) -> Field:
    """The field of one repetition: names of its siblings, and `{n}` in what its columns are called."""

    def numbered(text: str) -> str:
        return text.replace("{n}", str(number)) if "{n}" in text else f"{text} {number}"

    values = vars(field) | {
        "name": siblings[field.name],
        "column": numbered(field.column) if field.column else None,
        "aliases": tuple(numbered(each) for each in field.aliases),
        # One repetition is example enough.
        "example": field.example if number == 1 else None,
        "required_when": tuple((siblings.get(when, when), words) for when, words in field.required_when),
        "json": f"{field.json}_{number}" if field.json else None,
    }
    for rule in ("at_most", "multiple_of"):
        values[rule] = siblings.get(values[rule], values[rule])
    return Field(**values)


def _must_be_name(name: str, place: Place) -> None:
    try:
        kinds.name(name)
    except ValueError as error:
        raise place.error(str(error)) from None


def _rules(content: Mapping[str, Any], naming: Naming, place: Place) -> dict[str, Any]:
    # Where a profile says what a row must be, one bad row is no reason to refuse the others.
    found: dict[str, Any] = {"rules.rows": "reject"} if naming.grammar == "fields" else {}
    for table, settings in content.items():
        if table not in CATALOG_TABLES or not isinstance(settings, Mapping):
            raise place.unknown("has no table", table, CATALOG_TABLES)
        known = [
            each.name for each in SETTINGS if each.table == table and each.per_catalog and each.dotted not in _OPERATORS
        ]
        for name, raw in settings.items():
            if name not in known:
                raise (place / table).unknown("has no setting", name, known)
            setting = BY_NAME[f"{table}.{name}"]
            try:
                found[setting.dotted] = setting.kind(raw)
            except ValueError as error:
                raise (place / table / name).error(str(error)) from None
    return found


def _digest(profile: Profile) -> str:
    """What decides the meaning of a file: examples and explanations do not."""
    meaning = {
        "naming": vars(profile.naming),
        "entities": [
            [
                each.spec,
                each.enabled,
                each.words,
                each.folder,
                each.operation,
                each.format,
                each.delimiter,
                each.park_for,
            ]
            for each in profile.entities
        ],
        "rules": profile.rules,
        "version": profile.version,
    }
    text = json.dumps(meaning, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
