"""Profiles as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from feedengine.profile import EntityDeclaration, Profile, guide


def listing(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One profile per line, and the catalogs that use it."""
    for each in found:
        where = "" if each["builtin"] else f"  ({each['source']})"
        yield f"{each['name']:<16}{each['about']}{where}"
        if each["catalogs"]:
            yield f"{'':<16}used by {', '.join(each['catalogs'])}"


def shown(made: Profile) -> Iterator[str]:
    """A profile: its names, its entities."""
    yield f"{made.name}, version {made.version}: {made.about or 'no description'}"
    named = "names of Constructor's feeds" if made.naming.grammar == "constructor" else made.naming.form
    yield f"files   {named}; {', '.join(made.naming.extensions)}"
    for dotted, value in made.settings().items():
        yield f"sets    {dotted} = {value}"
    yield f"order   {', '.join(made.order)}"
    for each_list in made.lists:
        yield f"list    {each_list.name}: {each_list.origin}"
    for each in made.entities:
        yield ""
        yield from _entity(each)


def _entity(entity: EntityDeclaration) -> Iterator[str]:
    yield f"{entity.name}{'' if entity.enabled else ' (disabled)'}: {entity.about or 'no description'}"
    places = [f"files {' or '.join(entity.words)}", *([f"folder {entity.folder}/"] if entity.folder else [])]
    mode = [entity.spec["mode"]] if "mode" in entity.spec else []
    every = [f"every {_time(entity.cadence)}"] if entity.cadence else []
    yield f"  {', '.join([*places, entity.operation, *mode, *every])}"
    if entity.identity:
        ways = ", then ".join(f"{field}{' (weak)' if weak else ''}" for field, weak in entity.identity)
        yield f"  found by {ways}"
    elif entity.key_of:
        yield f"  found by {', '.join(entity.key_of)} together, as {entity.key}"
    else:
        yield f"  found by {entity.key}"
    for reference in entity.spec.get("references", ()):
        by = " or ".join(mine for mine, _ in reference["by"])
        yield f"  names {reference['entity']} by {by}; missing: {reference['missing']} as {reference['code']}"
    for rule in entity.spec.get("windows", ()):
        group = f" of one {', '.join(rule['group'])}" if rule["group"] else ""
        yield f"  windows from {rule['from']} to {rule['to']}{group} do not overlap: {rule['policy']}"
    for rule in entity.spec.get("acyclic", ()):
        yield f"  no way leads from {rule['from']} over {rule['to']} back to it"
    yield from _options(entity)
    yield f"  {len(entity.fields)} fields: {', '.join(field.name for field in entity.fields)}"


def _options(entity: EntityDeclaration) -> Iterator[str]:
    spec = entity.spec
    if "declares" in spec:
        yield f"  declares what there is of a {spec['declares']['product']}: {_named(spec['declares'])}"
    if "matrix" in spec:
        matrix = spec["matrix"]
        closed = "has a row for all" if matrix["closed"] else "says what is allowed"
        yield f"  {closed} that {matrix['of']} declare, by {_named(matrix['names'])}: {matrix['policy']}"
    if "choice" in spec:
        choice = spec["choice"]
        yield f"  chooses what {choice['of']} allow, by {_named(choice['names'])}: {choice['policy']}"


def _named(names: Mapping[str, Any]) -> str:
    return ", ".join(names["pair"] if "pair" in names else [option for _, option in names["columns"]])


def fields(made: Profile, entity: EntityDeclaration) -> Iterator[str]:
    """An entity with all its fields."""
    yield from _entity(entity)
    yield ""
    for field in entity.fields:
        yield f"  {field.name:<28}{guide.described(made, entity, field)}"


def checked(made: Profile) -> Iterator[str]:
    """What was found right."""
    count = sum(len(each.fields) for each in made.entities)
    yield f"ok: {made.name}, version {made.version}, {len(made.entities)} entities, {count} fields"
    yield f"digest {made.digest}"


def _time(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
