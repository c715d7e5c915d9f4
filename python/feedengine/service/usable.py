"""Whether what the settings name can be used: places of sources and targets, secrets, profiles, certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from feedengine import profile
from feedengine.errors import FeedEngineError
from feedengine.ingest import listed
from feedengine.service import intake
from feedengine.service.fetching.source import Source
from feedengine.service.posting import receiver
from feedengine.service.targets import target_of
from feedengine.settings import Settings


def troubles(settings: Settings) -> Iterator[str]:
    """What is wrong with tables whose single keys are right, in a sentence each; connects to nobody.

    Passwords are looked for as this process sees files and environment.
    """
    for check in _checks(settings):
        try:
            check()
        except FeedEngineError as error:
            yield error.message
    for name in ("ftps.certificate", "ftps.key"):
        path = settings.get(name)
        if path and not Path(path).is_file():
            yield f"{name}: there is no file {path}"


def _checks(settings: Settings) -> Iterator[Callable[[], object]]:
    beside = settings.file.parent if settings.file else None
    for name, table in settings.named["sources"].items():
        yield partial(_source, name, table, beside)
    for name in settings.named["targets"]:
        yield partial(target_of, settings, name)
    for name, table in settings.named["webhooks"].items():
        yield partial(receiver, settings, name, table)
    yield partial(intake.catalogs, settings)
    for catalog in settings.catalogs or (None,):
        if settings.must_exist(catalog):
            yield partial(_lists, settings, catalog)


def _lists(settings: Settings, catalog: str | None) -> None:
    """Read every list that feeds are held to, to its end."""
    for each in listed.lists(settings, profile.load(settings.profile(catalog)), catalog):
        for _ in listed.ids(each, settings):
            pass


def _source(name: str, table: Mapping[str, Any], beside: Path | None) -> None:
    Source.read(name, table, beside).place()
