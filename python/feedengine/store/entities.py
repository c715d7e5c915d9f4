"""What entities a key has: kept in the key's own file, so that it can be read without the profile it was loaded by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from feedengine.errors import IncompatibleProfile, UsageError

#: The declaration of one entity, as the engine reads it (`record/entity.rs`).
Spec = Mapping[str, Any]

#: What a stored field may not change: its values would read as others.
_FIXED = ("kind", "json", "place")


@dataclass(frozen=True)
class Entities:
    """The entities of a profile. `source` is how the profile was named: a built-in name or a path."""

    profile: str
    version: str
    digest: str
    source: str
    specs: tuple[Spec, ...] = field(hash=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All of them, in the profile's order."""
        return tuple(str(spec["name"]) for spec in self.specs)

    @property
    def first(self) -> str:
        """The one that is meant where none is said."""
        return self.names[0]

    @cached_property
    def shared(self) -> frozenset[str]:
        """Those that all sections of a key share."""
        return frozenset(str(spec["name"]) for spec in self.specs if spec["shared"])

    @cached_property
    def _by_name(self) -> dict[str, Spec]:
        return {str(spec["name"]): spec for spec in self.specs}

    def spec(self, entity: str) -> Spec:
        """The declaration of one. Raises `UsageError` for a name that is none of them."""
        if entity not in self._by_name:
            raise UsageError(
                f'there is no entity "{entity}"; profile {self.profile} has {", ".join(self.names)}',
                state="Nothing was changed.",
            )
        return self._by_name[entity]

    def key(self, entity: str) -> str:
        """The column that a record is known by."""
        return key_of(self.spec(entity))

    def must_have(self, entities: Iterable[str], what: str) -> None:
        """Raise `UsageError` unless all `entities` are there: `what` is made for them only."""
        missing = [entity for entity in entities if entity not in self._by_name]
        if missing:
            raise UsageError(
                f"{what} needs the entities {', '.join(entities)}; a catalog of profile {self.profile} has "
                f"{', '.join(self.names)}",
                state="Nothing was changed.",
            )

    def differs(self, own: Entities) -> bool:
        """Whether a file that has `own` must be told; one of Constructor's entities doesn't name their profile."""
        return self != own and (self.profile, self.specs) != (own.profile, own.specs if not own.digest else ())

    def text(self) -> str:
        """The declarations as JSON."""
        return json.dumps(self.specs, ensure_ascii=False)

    def check_successor(self, other: Entities, stored: Mapping[str, Iterable[str]]) -> None:
        """Raise `IncompatibleProfile` unless what is stored (columns by entity) means the same in `other`."""
        faults = list(_faults(self, other, stored))
        if faults:
            raise IncompatibleProfile(
                f"profile {other.profile} {other.version} does not fit what is stored by {self.profile} "
                f"{self.version}: {'; '.join(faults)}",
                state="Nothing was changed.",
                hints=[
                    "New entities, fields, rules and names are taken over; stored ones keep their key, kind and place",
                    "Load the feed into another key, or undo these changes in the profile",
                ],
            )


def key_of(spec: Spec) -> str:
    """The column that a record of this entity is known by: the first one."""
    return str(spec["fields"][0]["name"])


def owner_of(spec: Spec) -> tuple[str, str] | None:
    """The field that names a record's owner, and the owner's entity."""
    owner = spec.get("owner")
    return (str(owner[0]), str(owner[1])) if owner else None


@cache
def constructor() -> Entities:
    """Those of Constructor's catalogs: what a file without a profile of its own has."""
    from feedengine import engine

    return Entities("constructor", "", "", "constructor", tuple(engine.constructor_entities()))


def _faults(old: Entities, new: Entities, stored: Mapping[str, Iterable[str]]) -> Iterable[str]:
    for entity, columns in stored.items():
        if entity not in new._by_name:
            yield f"there are no {entity} any more"
            continue
        before, after = old.spec(entity), new.spec(entity)
        if key_of(before) != key_of(after):
            yield f"the key of {entity} is {key_of(after)} and was {key_of(before)}"
        made_of = [" and ".join(each.get("composed", ())) or "what its sender gives" for each in (before, after)]
        if made_of[0] != made_of[1]:
            yield f"the key of {entity} is made of {made_of[1]} and was made of {made_of[0]}"
        for what in ("shared", "active"):
            if before.get(what) != after.get(what):
                yield f"{entity}: {what} is {_said(after.get(what))} and was {_said(before.get(what))}"
        fields = {each["name"]: each for each in after["fields"]}
        known = {each["name"]: each for each in before["fields"]}
        for column in columns:
            if column not in known:
                continue  # An open field, metadata or facet: no profile declares those.
            if column not in fields:
                yield f"{entity} have no {column} any more"
            else:
                for what in _FIXED:
                    if known[column][what] != fields[column][what]:
                        yield f"{entity}.{column}: {what} is {fields[column][what]} and was {known[column][what]}"


def _said(value: object) -> str:
    return json.dumps(value)
