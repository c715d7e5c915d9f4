"""What the profile of a catalog says about rows: entities, owners, what owners must not see, how long rows wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feedengine import engine
from feedengine.errors import CatalogNotFound, ProfileError

if TYPE_CHECKING:
    from feedengine.settings import Settings
    from feedengine.store import Store

_PLAIN = "constructor"
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


def rereading(store: Store, terms: Terms, entity: str | None) -> dict[str, Any]:
    """What the engine is asked, to read a feed once more. `entity`: the whole file holds it, as its profile says."""
    form = terms.form(entity) if entity else {}
    delimiter = form.pop("delimiter", None)
    return {
        "operation": "sync",
        "entities": terms.entities,
        "temp_dir": str(store.tmp),
        "settings": {"delimiter": delimiter} if delimiter else {},
        **({"entity": entity} if entity else {}),
        **({"format": form} if form else {}),
    }


def terms(store: Store, settings: Settings, catalog: str, entities: Iterable[str] | None = None) -> Terms:
    """The terms of a catalog (`key/section`). Raises ProfileError.

    `entities`, where they are known, tell Constructor's catalogs apart without opening them.
    """
    named = settings.profile(catalog)
    if named == _PLAIN and (entities is None or set(entities) != _names(engine.constructor_entities())):
        named, specs = _stored(store, catalog.partition("/")[0])
    else:
        specs = engine.constructor_entities() if named == _PLAIN else ()
    if named == _PLAIN:
        return Terms(specs or engine.constructor_entities())
    from feedengine import profile

    try:
        found = profile.load(named)
    except ProfileError:
        # The profile's file is gone, or wrong by now: what the catalog knows of it must do.
        specs = specs or _stored(store, catalog.partition("/")[0])[1]
        if not specs:
            raise
        return Terms(specs)
    each = found.entities
    return Terms(
        entities=found.engine_entities(),
        formats={entity.name: form for entity in each if (form := found.format(entity.name))},
        delimiters={entity.name: text for entity in each if (text := found.delimiter(entity.name))},
        owners={entity.name: entity.owner_column for entity in each if entity.owner_column},
        internal={entity.name: entity.internal for entity in each if entity.internal},
        parking={entity.name: entity.park_for for entity in each},
    )


def _names(specs: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(spec["name"]) for spec in specs}


def _stored(store: Store, key: str) -> tuple[str, tuple[Mapping[str, Any], ...]]:
    """The profile that a key's catalog was made by, and its entities."""
    try:
        with store.catalog(key) as catalog:
            found = catalog.entities
    except CatalogNotFound:
        return _PLAIN, ()
    return found.source, found.specs
