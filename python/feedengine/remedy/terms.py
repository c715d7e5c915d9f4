"""What the profile of a catalog says about rows: entities, owners, what owners must not see, how long rows wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feedengine import engine

if TYPE_CHECKING:
    from feedengine.settings import Settings

_PARKING = 48 * 3600.0


@dataclass(frozen=True)
class Terms:
    """`formats` are by entity as the engine takes them, `delimiters` what separates columns, `owners` the column that
    names a row's owner, `internal` the columns that no owner is shown, `parking` for how many seconds rows wait."""

    entities: tuple[Mapping[str, Any], ...]
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    delimiters: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    internal: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parking: Mapping[str, float] = field(default_factory=dict)

    def spec(self, entity: str) -> Mapping[str, Any]:
        """The declaration of an entity. Raises KeyError."""
        return {str(each["name"]): each for each in self.entities}[entity]

    def waits(self, entity: str) -> float:
        """For how many seconds a row of the entity waits for a record."""
        return self.parking.get(entity, _PARKING)

    def form(self, entity: str) -> dict[str, Any]:
        """How files of the entity are written."""
        delimiter = self.delimiters.get(entity)
        return {**self.formats.get(entity, {}), **({"delimiter": delimiter} if delimiter else {})}


def terms(settings: Settings, catalog: str) -> Terms:
    """The terms of a catalog (`key/section`). Raises ProfileError."""
    named = settings.profile(catalog)
    if named == "constructor":
        return Terms(engine.constructor_entities())
    from feedengine import profile

    found = profile.load(named)
    each = found.entities
    return Terms(
        entities=found.engine_entities(),
        formats={entity.name: form for entity in each if (form := found.format(entity.name))},
        delimiters={entity.name: text for entity in each if (text := found.delimiter(entity.name))},
        owners={entity.name: entity.owner_column for entity in each if entity.owner_column},
        parking={entity.name: entity.park_for for entity in each},
    )
