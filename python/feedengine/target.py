"""Which catalog and operation a feed is for: from options, else from its file name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from feedengine import names
from feedengine.errors import CatalogNotFound, FeedRejected, UsageError

if TYPE_CHECKING:
    from feedengine.settings import Settings
    from feedengine.store import Store


@dataclass(frozen=True)
class FeedRequest:
    """A wish to plan or apply a feed.

    `catalog` (`key/section`) and `operation` win over the file name, which then need not follow the grammar. `force`
    skips the removal safeguard and nothing else. `hold_removals` applies all but removals (None = by the settings).
    `own`: the engine wrote the file, CSV in UTF-8 with commas, whatever the profile says of those that are sent.
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


@dataclass(frozen=True)
class Target:
    """What a request comes to. `sent` is the time in the file name; `warnings` are oddities of that name."""

    key: str
    section: str
    operation: str
    force: bool
    sent: datetime | None = None
    warnings: tuple[names.NameWarning, ...] = ()

    @property
    def catalog(self) -> str:
        """`key/section`."""
        return f"{self.key}/{self.section}"


def resolve(store: Store, settings: Settings, request: FeedRequest) -> Target:
    """Find the target. Raises FeedRejected for a wrong name, CatalogNotFound for an unknown catalog, UsageError."""
    known = sorted({*store.keys(), *settings.keys})
    name = names.parse(request.path.name, known)
    if (request.catalog is None or request.operation is None) and isinstance(name, names.BadName):
        raise FeedRejected(
            name.message,
            code=name.code,
            state="Nothing was read, nothing was changed.",
            hints=[
                *([f"Did you mean {name.did_you_mean}?"] if name.did_you_mean else []),
                "Or say it by options: --catalog key/section --operation sync",
            ],
        )
    found = None if isinstance(name, names.BadName) else name
    key, section = _split(request.catalog) if request.catalog else (found.key, found.section)  # type: ignore[union-attr]
    operation = request.operation or found.operation  # type: ignore[union-attr]
    if operation not in names.OPERATIONS:
        raise UsageError(f"there is no operation {operation}; known are {', '.join(names.OPERATIONS)}")
    force = request.force or (found is not None and found.force and request.operation in (None, found.operation))
    if request.catalog is None:
        _must_be_known(store, settings, key, section, request.create)
    return Target(key, section, operation, force, found.parsed_time if found else None, found.warnings if found else ())


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
            state="Nothing was read, nothing was changed.",
            hints=["Make it with --create, or name it in the settings"],
        )
    raise CatalogNotFound(
        f"there is no catalog for key {key}; known are {', '.join(stored)}",
        state="Nothing was read, nothing was changed.",
        hints=["Make it with --create, or name it in the settings"],
    )
