"""Every setting there is, gathered. Adding one is adding a row to a file of `tables`."""

from __future__ import annotations

from feedengine.settings import kinds
from feedengine.settings.setting import Key, Setting
from feedengine.settings.tables import accounts, engine, entities, fetch, ftps, queue, send, sftp, tell

SETTINGS: tuple[Setting, ...] = (
    *engine.ROWS,
    *queue.ROWS,
    *ftps.ROWS,
    *sftp.ROWS,
    *accounts.ROWS,
    *fetch.ROWS,
    *send.ROWS,
    *tell.ROWS,
)

#: Tables of which there may be many, each with a name of its own: `[sources.NAME]`.
NAMED: dict[str, tuple[Key, ...]] = {
    "sources": fetch.KEYS,
    "targets": send.KEYS,
    "webhooks": tell.KEYS,
    "exports": entities.EXPORTS,
    "intake": entities.INTAKE,
}

#: Entities of Constructor's whose limits have settings of their own; those of others stand in `safeguard.entities`.
ENTITY_LIMITS: tuple[str, ...] = tuple(each.name for each in SETTINGS if each.kind is kinds.optional_limit)

BY_NAME: dict[str, Setting] = {each.dotted: each for each in SETTINGS}
TABLES: tuple[str, ...] = tuple(dict.fromkeys(each.table for each in SETTINGS))
CATALOG_TABLES: tuple[str, ...] = tuple(dict.fromkeys(each.table for each in SETTINGS if each.per_catalog))
