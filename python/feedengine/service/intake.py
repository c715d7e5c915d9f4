"""Files of profiles in accounts' homes: for which catalog and entity one is, by folder and name, and when it is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from feedengine.ledger.passes import Passes
from feedengine.names import BadName
from feedengine.profile import EntityDeclaration, Profile, parse_name
from feedengine.profile.naming import example
from feedengine.service.fetching.schedule import after
from feedengine.service.profiles import profile_of
from feedengine.settings import Settings
from feedengine.settings.table import NAMED
from feedengine.settings.times import interval
from feedengine.store import Store


@dataclass(frozen=True)
class Arrived:
    """What a file is for. `sent` is the time in its name, with its number of the day as seconds; `rank` the entity's
    place among those that are due together."""

    catalog: str
    entity: str
    operation: str
    force: bool
    sent: datetime | None
    rank: int


@dataclass(frozen=True)
class Misnamed:
    """Why a file can't be taken: a code, a sentence, how files are called, and the name that was meant."""

    code: str
    message: str
    expected: str
    did_you_mean: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As tasks keep it."""
        return {**vars(self)}


@dataclass(frozen=True)
class Catalog:
    """A catalog whose files have a profile's names; `keys` are those of its `[intake]`."""

    name: str
    profile: Profile
    keys: Mapping[str, Any]

    @property
    def section(self) -> str:
        """Its section."""
        return self.name.partition("/")[2]

    def schedule(self, entity: str) -> str | None:
        """When files of an entity are taken; None for at once."""
        return dict(self.keys["schedules"]).get(entity)

    def entity_of(self, path: str) -> EntityDeclaration | None:
        """The entity whose files belong in this folder, wherever in the home it is."""
        last = path.rstrip("/").rpartition("/")[2].casefold()
        return next((each for each in self.profile.entities if last == (each.folder or "").casefold()), None)


def catalogs(settings: Settings, keys: Sequence[str] = ()) -> list[Catalog]:
    """The catalogs with names by a profile that an account with these keys (empty = any) may send for.

    Raises ProfileError, ConfigError.
    """
    found = []
    for name in dict.fromkeys([*settings.catalogs, *settings.named["intake"]]):
        if keys and name.partition("/")[0] not in keys:
            continue
        used = profile_of(settings, name)
        if used.naming.grammar != "constructor":
            defaults = {key.name: key.default for key in NAMED["intake"]}
            found.append(Catalog(name, used, settings.named["intake"].get(name, defaults)))
    return found


def read(found: Sequence[Catalog], virtual: str) -> Arrived | Misnamed:
    """What the file at a path of a home is for; one of several catalogs by the folder of its section below /in.

    A bare name is of a file that lies in no home: its folder says nothing, and it must fit one catalog alone.
    """
    if "/" not in virtual:
        fitting = [each for each in found if not isinstance(parse_name(each.profile, virtual), BadName)]
        if len(fitting) > 1:
            listed = ", ".join(each.name for each in fitting)
            return Misnamed("AMBIGUOUS_CATALOG", f"{virtual} may be for {listed}", "a name that fits one catalog only")
        return _read((fitting or found)[0], virtual, placed=False)
    path = virtual.removeprefix("/in/") if virtual.startswith("/in/") else virtual.lstrip("/")
    catalog = found[0]
    if len(found) > 1:
        section, _, rest = path.partition("/")
        fitting = [each for each in found if each.section == section]
        if len(fitting) != 1 or not rest:
            places = ", ".join(f"/in/{each.section}/" for each in found)
            message = "this account sends for several catalogs; the folder says for which"
            return Misnamed("WRONG_FOLDER", message, f"a folder below one of {places}")
        [catalog], path = fitting, rest
    return _read(catalog, path, placed=True)


def _read(catalog: Catalog, path: str, *, placed: bool) -> Arrived | Misnamed:
    name = parse_name(catalog.profile, path, placed=placed)
    expected = _expected(catalog, path.rpartition("/")[0])
    if isinstance(name, BadName):
        return Misnamed(name.code, name.message, expected, name.did_you_mean)
    entity = str(name.entity)
    taken = catalog.keys["entities"]
    if taken and entity not in taken:
        message = f"files of {entity} are not taken for {catalog.name}; taken are {', '.join(taken)}"
        return Misnamed("ENTITY_DISABLED", message, expected)
    sent = name.parsed_time
    if sent is not None and name.sequence:
        sent = datetime.fromtimestamp(sent.timestamp() + min(name.sequence, 86_399), UTC)
    rank = catalog.profile.order.index(entity)
    return Arrived(catalog.name, entity, name.operation, name.force, sent, rank)


def due(store: Store, found: Sequence[Catalog], arrived: Arrived) -> str | None:
    """Note that a file came; gives the time until which it waits by its entity's schedule, None for at once."""
    passes = Passes(store.ledger)
    passes.landed(arrived.catalog, arrived.entity)
    catalog = next(each for each in found if each.name == arrived.catalog)
    schedule = catalog.schedule(arrived.entity)
    if schedule is None:
        return None
    zone = str(catalog.keys["time_zone"])
    return passes.board(
        arrived.catalog, arrived.entity, schedule, lambda when: after(schedule, zone, when),
        interval=interval(schedule) is not None,
    )  # fmt: skip


def _expected(catalog: Catalog, path: str) -> str:
    """How files in a folder are called; those of the first entity where the folder is none's."""
    used = catalog.profile
    entity = (catalog.entity_of(path) if path else None) or used.entity(used.order[0])
    folder = f"{entity.folder}/" if entity.folder else ""
    return f"{used.naming.form}, for example {folder}{example(used, entity, datetime.now(UTC))}"
