"""A profile that was read and checked: plain values. What was not written has its default; nothing here is TOML."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feedengine.profile.exports import Export
from feedengine.profile.lists import ClosedList

if TYPE_CHECKING:
    from feedengine.settings import Settings

DEFAULT_PARKING = 48 * 3600.0


@dataclass(frozen=True)
class Field:
    """One field as declared. `column` is what the sender calls it; the other names are the keys of docs/profiles.md."""

    name: str
    type: str = "text"
    about: str = ""
    example: str | None = None
    column: str | None = None
    aliases: tuple[str, ...] = ()
    required: bool = False
    required_when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unique: bool = False
    normal: tuple[str, ...] = ()
    separator: str | None = None
    items: str = "text"
    words: tuple[str, ...] = ()
    listed: str | None = None
    map: tuple[tuple[str, str], ...] = ()
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    point: str = "."
    group: str | None = None
    scale: int | None = None
    currency: tuple[str, ...] = ()
    unit: tuple[tuple[str, str], ...] = ()
    forms: tuple[str, ...] = ("YYYY-MM-DD",)
    min: str | None = None
    max: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    warn_length: int | None = None
    letters: bool = False
    pattern: str | None = None
    at_most: str | None = None
    multiple_of: str | None = None
    policy: tuple[tuple[str, str], ...] = ()
    json: str | None = None
    place: str = "top"
    internal: bool = False

    @property
    def heading(self) -> str:
        """The column's name in templates."""
        return self.column or self.name

    def policy_for(self, rule: str) -> str:
        """reject, fail or warn."""
        given = dict(self.policy)
        return given.get(rule, given.get("", "reject"))


@dataclass(frozen=True, eq=False)
class EntityDeclaration:
    """One entity. `words` are what file names call it, the first one in templates; `cadence` and `park_for` are
    seconds; `spec` is what the engine takes."""

    name: str
    about: str
    enabled: bool
    words: tuple[str, ...]
    folder: str | None
    operation: str
    fields: tuple[Field, ...]
    identity: tuple[tuple[str, bool], ...]
    key_of: tuple[str, ...]
    shared: bool
    owner_column: str | None
    explained_by: tuple[str, ...]
    cadence: float | None
    after: tuple[str, ...]
    park_for: float
    format: Mapping[str, Any] | None
    delimiter: str | None
    spec: Mapping[str, Any] = field(repr=False)

    @property
    def key(self) -> str:
        """The key's column: given by the sender, or, with `identity` or `key_of`, made by the engine."""
        return self.fields[0].name

    @property
    def internal(self) -> frozenset[str]:
        """Fields that no partner is shown."""
        return frozenset(each.name for each in self.fields if each.internal)

    def field(self, name: str) -> Field:
        """A field by name. Raises KeyError."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)


@dataclass(frozen=True)
class Naming:
    """How files are called: the keys of [naming]."""

    grammar: str
    form: str
    extensions: tuple[str, ...]
    case: str


@dataclass(frozen=True, eq=False)
class Profile:
    """What a partner's feed is. `digest` changes with anything that can change what a file means; `order` names the
    entities so that what is referred to comes first; `rules` are settings by dotted name, `exports` what is sent."""

    name: str
    about: str
    version: str
    source: str
    digest: str
    naming: Naming
    entities: tuple[EntityDeclaration, ...]
    order: tuple[str, ...]
    rules: Mapping[str, Any]
    exports: tuple[Export, ...] = ()
    lists: tuple[ClosedList, ...] = ()

    def entity(self, name: str) -> EntityDeclaration:
        """An entity by name. Raises KeyError."""
        for each in self.entities:
            if each.name == name:
                return each
        raise KeyError(name)

    def engine_entities(self) -> tuple[Mapping[str, Any], ...]:
        """Every entity as `record/entity.rs` declares it: the profile's own, which nobody changes."""
        return tuple(each.spec for each in self.entities)

    def format(self, entity: str) -> dict[str, Any] | None:
        """How the entity's files are written, as the engine's request has it; None where nothing is declared."""
        found = self.entity(entity).format
        return copy.deepcopy(dict(found)) if found else None

    def delimiter(self, entity: str) -> str | None:
        """What separates the columns of the entity's files; None where the engine is to find it."""
        return self.entity(entity).delimiter

    def settings(self) -> dict[str, Any]:
        """Settings that the profile sets, by dotted name, in the values of the settings table."""
        return dict(self.rules)

    def planner(self, settings: Settings, catalog: str | None = None, entity: str | None = None) -> dict[str, Any]:
        """`settings.planner` with the profile's rules where nobody said otherwise, and the entity's delimiter."""
        found = settings.planner(catalog)
        for dotted, value in self.rules.items():
            table, _, name = dotted.partition(".")
            if settings.value(dotted, catalog).origin == "default":
                (found["safeguard"] if table == "safeguard" else found)[name] = value
        if self.naming.grammar == "fields":
            for guards in ("segments", "values"):
                found["safeguard"][guards] = [{**self._guarded(each), **each} for each in found["safeguard"][guards]]
        if entity is not None and (delimiter := self.delimiter(entity)):
            found["delimiter"] = delimiter
        return found

    def _guarded(self, guard: Mapping[str, Any]) -> dict[str, str]:
        """The entity that a guard means which names none: the first that has its column."""
        fitting = (each.name for each in self.entities if any(one.name == guard["column"] for one in each.fields))
        return {"entity": next(fitting, self.entities[0].name)}
