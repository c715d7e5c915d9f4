"""Exports as the settings ask for them: which records of a catalog go where, by its profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedengine.accounts import Accounts
from feedengine.errors import ConfigError, FeedEngineError, Hint, NotFound
from feedengine.profile.exports import Export
from feedengine.service.profiles import profile_of
from feedengine.settings import Settings

if TYPE_CHECKING:
    from feedengine.store import Store


@dataclass(frozen=True)
class Outgoing:
    """One `[exports.NAME]`: `export` is the profile's, `headings` the columns' names by entity and field.

    `target` is a name of the settings or the path of an account's folder. `existing` is send or skip; `late_after` in
    seconds, 0 = never.
    """

    name: str
    catalog: str
    export: Export
    keys: dict[str, str]
    headings: dict[str, dict[str, str]]
    target: str
    flat: bool = False
    existing: str = "send"
    late_after: float = 300.0

    @property
    def key(self) -> str:
        """The catalog's key."""
        return self.catalog.partition("/")[0]

    @property
    def section(self) -> str:
        """The catalog's section."""
        return self.catalog.partition("/")[2]


def outgoing(
    store: Store, settings: Settings, wrong: Callable[[str, FeedEngineError], None], catalog: str | None = None
) -> Iterator[Outgoing]:
    """Every export that is enabled (of one catalog); `wrong` is told of one that the settings have wrong."""
    for name, keys in settings.named["exports"].items():
        if keys["enabled"] and catalog in (None, keys["catalog"]):
            try:
                yield named(store, settings, name)
            except FeedEngineError as error:
                wrong(name, error)


def named(store: Store, settings: Settings, name: str) -> Outgoing:
    """One export. Raises NotFound, ConfigError, ProfileError."""
    keys = settings.named["exports"].get(name)
    if keys is None:
        known = ", ".join(settings.named["exports"]) or "none are set"
        raise NotFound(
            f"There is no export {name}; known: {known}.", hints=[Hint("Add [exports.NAME] to the settings")]
        )
    declared = profile_of(settings, keys["catalog"])
    wanted = keys["export"] or name
    export = next((each for each in declared.exports if each.name == wanted), None)
    if export is None:
        known = ", ".join(each.name for each in declared.exports) or "none"
        raise ConfigError(
            f"exports.{name}: the profile {declared.name} of {keys['catalog']} has no export {wanted}; it has {known}.",
            hints=[Hint('Name one with export, or give the catalog its profile: [catalogs."key/section"] profile')],
        )
    return Outgoing(
        name, keys["catalog"], export, {each: declared.entity(each).key for each in export.entities},
        {each: {field.name: field.heading for field in declared.entity(each).fields} for each in export.entities},
        _target(store, settings, name), keys["flat"], keys["existing"], keys["late_after"],
    )  # fmt: skip


def _target(store: Store, settings: Settings, name: str) -> str:
    keys = settings.named["exports"][name]
    if bool(keys["target"]) == bool(keys["account"]):
        raise ConfigError(f"exports.{name}: give either target or account: where its records go.")
    if keys["target"]:
        return str(keys["target"])
    accounts = Accounts(store.root)
    return str(accounts.home(accounts.get(keys["account"]).account) / "export")
