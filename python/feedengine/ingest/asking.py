"""What the engine is asked: settings, profile and what is stored, in the form that it takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.errors import ConfigError
from feedengine.profile import Profile
from feedengine.settings import Settings
from feedengine.settings.table import ENTITY_LIMITS
from feedengine.store import Base, EntityBase, Store
from feedengine.store.entities import Entities

if TYPE_CHECKING:
    from feedengine.ingest.listed import Listed
    from feedengine.store.catalog import Catalog
    from feedengine.target import FeedRequest, Target

#: Rules that others keep: the engine doesn't know them.
_OUTSIDE = ("reject_stale", "unknown_section")


def entities_of(profile: Profile) -> Entities:
    """The profile's entities, as a store keeps them."""
    return Entities(profile.name, profile.version, profile.digest, profile.source, profile.engine_entities())


def engine_request(
    store: Store,
    settings: Settings,
    request: FeedRequest,
    target: Target,
    base: Base,
    catalog: Catalog | None,
    must_exist: Iterable[Listed] = (),
) -> dict[str, Any]:
    """The request of a planner; `base` is what it plans against, `must_exist` the lists that it will be told."""
    entity = None if request.own else target.entity
    rules = reading_rules(target.profile, settings, target.catalog, entity)
    safeguard = _safeguard(target.profile, settings, target.catalog, base)
    lists = [listed.guard for listed in must_exist]
    form = target.profile.format(entity) if entity else None
    folder = catalog.index_dir if catalog else store.tmp
    block = settings.get("engine.block_bytes")
    return {
        **({"block": block} if block else {}),
        **({"entity": target.entity} if target.entity else {}),
        **({"format": form} if form else {}),
        "operation": target.operation,
        "force": target.force,
        "hold_removals": bool(request.hold_removals),
        "settings": rules,
        "safeguard": {**safeguard, **({"must_exist": lists} if lists else {})},
        "entities": target.profile.engine_entities(),
        "base": {name: _entity_base(entity, folder) for name, entity in base.entities.items()},
        "threads": settings.threads,
        "memory": settings.memory_limit // 2,
        "temp_dir": str(settings.get("engine.temp_dir") or store.tmp),
    }


def reading_rules(
    profile: Profile, settings: Settings, catalog: str | None = None, entity: str | None = None
) -> dict[str, Any]:
    """The rules that the engine reads a file by: the settings', the profile's where nobody said otherwise."""
    rules = profile.planner(settings, catalog, entity)
    for name in ("safeguard", *_GUARDS, *_OUTSIDE):
        rules.pop(name, None)
    return rules


#: Names that the settings file keeps among the rules, and that belong to the safeguard.
_GUARDS = ("denominator", "deactivation_counts")


def _safeguard(profile: Profile, settings: Settings, catalog: str, base: Base) -> dict[str, Any]:
    found = profile.planner(settings, catalog)
    guard = {**found["safeguard"], **{name: found[name] for name in _GUARDS}}
    limits = guard.pop("entities", None) or settings.get("safeguard.entities", catalog)
    for name in limits:
        # Limits for all catalogs may speak of entities that some of them have.
        if name not in base.entities and "safeguard.entities" in settings.catalogs.get(catalog, {}):
            raise ConfigError(
                f'[safeguard.entities] has a limit for "{name}"; {catalog} has {", ".join(base.entities)}',
                state="Nothing was changed.",
            )
    # Constructor's three have settings of their own.
    limits = {name: guard.pop(name) for name in ENTITY_LIMITS} | limits
    chosen = {name: limit for name, limit in limits.items() if name in base.entities and limit is not None}
    return {**guard, "entities": chosen}


def _entity_base(entity: EntityBase, folder: Path) -> dict[str, Any]:
    return {
        "runs": [str(folder / run) for run in entity.runs],
        "records": entity.records,
        "active": entity.active,
        "data_bytes": entity.data_bytes,
        "next_row": entity.next_row,
        "digest": entity.digest,
        "columns": [{"name": column.name, "kind": column.kind} for column in entity.columns],
    }
