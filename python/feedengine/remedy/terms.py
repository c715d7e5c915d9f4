"""What the profile of a catalog says about rows: entities, formats, who owns a row, what suppliers must not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feedengine import engine

if TYPE_CHECKING:
    from feedengine.settings import Settings


@dataclass(frozen=True)
class Terms:
    """`formats` are by entity as the engine takes them, `owners` the column that names a row's owner, `internal` the
    columns that no owner is shown."""

    entities: tuple[Mapping[str, Any], ...]
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    internal: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def spec(self, entity: str) -> Mapping[str, Any]:
        """The declaration of an entity. Raises KeyError."""
        return {str(each["name"]): each for each in self.entities}[entity]


def terms(settings: Settings, catalog: str) -> Terms:
    """The terms of a catalog (`key/section`)."""
    return Terms(engine.constructor_entities())
