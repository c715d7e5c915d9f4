"""Which catalog, entity and operation a feed is for: from options, else from its file name by the catalog's profile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from feedengine import names, profile
from feedengine.errors import CatalogNotFound, FeedRejected, Hint, ProfileError, UsageError
from feedengine.profile import Profile, parse_name

if TYPE_CHECKING:
    from feedengine.settings import Settings
    from feedengine.store import Store

_UNREAD = "Nothing was read, nothing was changed."


@dataclass(frozen=True)
class FeedRequest:
    """A wish to plan or apply a feed.

    `catalog` (`key/section`), `operation` and `entity` win over the file name, which then need not follow the grammar.
    `force` skips the removal safeguard and nothing else. `hold_removals` applies all but removals (None = by the
    settings). `profile` is a built-in name or a path (None = by the settings, else the stored one). `place` is where
    the file lies in the sender's home, whose folders then count; None = only folders that the profile names do. `own`:
    the engine wrote the file, CSV in UTF-8 with commas, whatever the profile says of those that are sent. `approves` is
    the task that a person let go ahead: what is forced was said with that, whatever the file's name says.
    """

    path: Path
    catalog: str | None = None
    operation: str | None = None
    force: bool = False
    reason: str | None = None
    hold_removals: bool | None = None
    actor: str | None = None
    create: bool = False
    protocol: str | None = None
    own: bool = False
    profile: str | None = None
    entity: str | None = None
    place: str | None = None
    approves: int | None = None


@dataclass(frozen=True)
class Target:
    """What a request comes to. `sent` is the time in the file name; `warnings` are oddities of that name.

    `entity` is the one that the file holds, None where its content tells. `presumed`: nobody said what the profile is,
    so that a stored catalog may know better.
    """

    key: str
    section: str
    operation: str
    force: bool
    profile: Profile
    sent: datetime | None = None
    warnings: tuple[names.NameWarning, ...] = ()
    entity: str | None = None
    presumed: bool = False

    @property
    def catalog(self) -> str:
        """`key/section`."""
        return f"{self.key}/{self.section}"


@dataclass(frozen=True)
class Named:
    """What a file's name says by the profile of its catalog; `catalog` is None where neither name nor wish says it."""

    profile: Profile
    name: names.FeedName | names.BadName
    catalog: str | None
    presumed: bool = False


def resolve(store: Store, settings: Settings, request: FeedRequest) -> Target:
    """Find the target.

    Raises FeedRejected for a wrong name, CatalogNotFound for an unknown catalog, ProfileError, UsageError.
    """
    named = read_name(store, settings, request)
    found = named.name if isinstance(named.name, names.FeedName) else None
    if isinstance(named.name, names.BadName) and is_needed(named, request):
        raise FeedRejected(
            named.name.message,
            code=named.name.code,
            state=_UNREAD,
            hints=[
                *([f"Did you mean {named.name.did_you_mean}?"] if named.name.did_you_mean else []),
                "Or say it by options: --catalog key/section --operation sync",
            ],
        )
    if named.catalog is None:
        raise UsageError(
            f"names of profile {named.profile.name} do not say the catalog: --catalog key/section", state=_UNREAD
        )
    key, section = _split(named.catalog)
    entity = request.entity or (found.entity if found else None)
    if entity is not None:
        _must_be_taken(named.profile, entity)
    operation = request.operation or (found.operation if found else None) or _operation(named.profile, entity)
    known = (*names.OPERATIONS, names.MERGE) if request.own else names.OPERATIONS
    if operation not in known:
        raise UsageError(f"there is no operation {operation}; known are {', '.join(known)}")
    named_force = found is not None and found.force and request.operation in (None, found.operation)
    force = request.force or (named_force and request.approves is None)
    if request.catalog is None:
        _must_be_known(store, settings, key, section, request.create)
    return Target(
        key, section, operation, force, named.profile, found.parsed_time if found else None,
        found.warnings if found else (), entity, named.presumed,
    )  # fmt: skip


def is_needed(named: Named, request: FeedRequest) -> bool:
    """Whether the options leave something open that the name must say."""
    if named.profile.naming.grammar == "constructor":
        return request.catalog is None or request.operation is None
    return named.catalog is None or (request.operation is None and request.entity is None)


def _operation(used: Profile, entity: str | None) -> str:
    return used.entity(entity).operation if entity else ""


def _must_be_taken(used: Profile, entity: str) -> None:
    known = {each.name: each for each in used.entities}
    if entity not in known:
        raise UsageError(f'there is no entity "{entity}"; profile {used.name} has {", ".join(known)}', state=_UNREAD)
    if not known[entity].enabled:
        raise FeedRejected(
            f"files of {entity} are not taken from this account: the profile {used.name} has it disabled",
            code="ENTITY_DISABLED",
            state=_UNREAD,
        )


def read_name(store: Store | None, settings: Settings, request: FeedRequest) -> Named:
    """The file's name as the profile of its catalog reads it. Raises ProfileError, UsageError where several fit."""
    known = sorted({*(store.keys() if store else ()), *settings.keys})
    catalog = request.catalog
    if request.profile is not None:
        return _named(_load(request.profile), request, known, catalog)
    plain = profile.load(profile.DEFAULT)
    if catalog is not None:
        used = configured(settings, catalog)
        if used is not None:
            return _named(used, request, known, catalog)
        said = _named(plain, request, known, catalog)
        if isinstance(said.name, names.FeedName) or (request.operation and not request.entity):
            # The stored catalog is opened for planning anyway; twice would cost more than a patch.
            return replace(said, presumed=True)
        own = stored(store, catalog) if store else None
        return _named(own, request, known, catalog) if own else said
    used = configured(settings, None)
    said = _named(used or plain, request, known, None)
    if isinstance(said.name, names.FeedName) and said.catalog is not None:
        own = configured(settings, said.catalog)
        return _named(own, request, known, said.catalog) if own else replace(said, presumed=used is None)
    fitting = [
        each for each in _by_catalog(store, settings) if isinstance(_of(each, request, known).name, names.FeedName)
    ]
    if len(fitting) > 1:
        listed = ", ".join(catalog for catalog, _ in fitting)
        raise UsageError(f"{request.path.name} may be for {listed}: say which with --catalog", state=_UNREAD)
    return _of(fitting[0], request, known) if fitting else said


def _of(candidate: tuple[str, Profile], request: FeedRequest, known: list[str]) -> Named:
    return _named(candidate[1], request, known, candidate[0])


def _named(used: Profile, request: FeedRequest, known: list[str], catalog: str | None) -> Named:
    name = parse_name(used, _place(used, request), known, placed=request.place is not None)
    if catalog is None and isinstance(name, names.FeedName) and name.key:
        catalog = name.catalog
    return Named(used, name, catalog)


def _place(used: Profile, request: FeedRequest) -> str:
    """The path whose folders count: all of a sender's home, of other paths only those that the profile names."""
    if request.place is not None:
        return request.place
    parent = "/" + str(request.path.parent).casefold()
    if any(each.folder and parent.endswith("/" + each.folder.casefold()) for each in used.entities):
        return str(request.path)
    return request.path.name


def configured(settings: Settings, catalog: str | None) -> Profile | None:
    """The profile that the settings name for a catalog (None = for all); None where they name none."""
    if settings.value("rules.profile", catalog).origin == "default":
        return None
    return _load(settings.profile(catalog))


def _load(named: str) -> Profile:
    """The profile; a path is made absolute, since the catalog remembers it."""
    return profile.load(named if named in profile.BUILTIN else Path(named).absolute())


def stored(store: Store, catalog: str) -> Profile | None:
    """The profile that a catalog was made by; None where there is no such catalog. Raises ProfileError."""
    key, _ = _split(catalog)
    if key not in store.keys():  # noqa: SIM118 - not a dict
        return None
    with store.catalog(key) as opened:
        own = opened.stored_profile
    if own is None:
        return None
    try:
        return profile.load(own.source)
    except ProfileError as error:
        raise ProfileError(
            f"{key} was loaded by profile {own.profile}, which cannot be read any more: {error.message}",
            state=_UNREAD,
            hints=[Hint("Say where it is now with --profile FILE, or as profile of the catalog in the settings")],
        ) from error


def _by_catalog(store: Store | None, settings: Settings) -> list[tuple[str, Profile]]:
    """Catalogs whose profile is not the default, as settings and store know them."""
    found = {catalog: used for catalog in settings.catalogs if (used := configured(settings, catalog))}
    for key in store.keys() if store else ():
        with store.catalog(key) as opened:  # type: ignore[union-attr]
            sections = [f"{key}/{section}" for section in opened.sections()]
            plain = opened.stored_profile is None or opened.stored_profile.profile == profile.DEFAULT
        for catalog in sections:
            if catalog not in found and not plain and (used := stored(store, catalog)):  # type: ignore[arg-type]
                found[catalog] = used
    return sorted(found.items(), key=lambda pair: pair[0])


def _split(catalog: str) -> tuple[str, str]:
    key, _, section = catalog.partition("/")
    if not key or not section:
        raise UsageError(f"{catalog} is no catalog: write key/section")
    return key, section


def _must_be_known(store: Store, settings: Settings, key: str, section: str, create: bool) -> None:
    """A file name alone must not make a catalog out of a typing error; an empty store has nothing to mistake."""
    catalog = f"{key}/{section}"
    stored = store.keys()
    if create or not stored or settings.get("rules.unknown_section", catalog) == "create":
        return
    if catalog in settings.catalogs:
        return
    if key in stored:
        with store.catalog(key) as opened:
            sections = opened.sections()
        if section in sections or not sections:
            return
        raise FeedRejected(
            f"{key} has no section {section}; it has {', '.join(sections)}",
            code="UNKNOWN_SECTION",
            state=_UNREAD,
            hints=["Make it with --create, or name it in the settings"],
        )
    raise CatalogNotFound(
        f"there is no catalog for key {key}; known are {', '.join(stored)}",
        state=_UNREAD,
        hints=["Make it with --create, or name it in the settings"],
    )
