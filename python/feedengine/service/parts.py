"""The parts of the service: how many processes of each there are, and the function that each runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from feedengine.service.part import Part
from feedengine.settings import Settings

if TYPE_CHECKING:
    from feedengine.service.reception import Desk


@dataclass(frozen=True)
class Kind:
    """`function` is `module:name`; `server` ones are given the desk and must be up before the service says so;
    those with a `pulse` give signs of life from their start to their end."""

    function: str
    count: Callable[[Settings], int]
    server: bool = False
    pulse: bool = False

    def load(self) -> Callable[..., None]:
        """The function."""
        module, _, name = self.function.partition(":")
        found: Callable[..., None] = getattr(import_module(module), name)
        return found


def _one(settings: Settings) -> int:
    return 1


def _sftp(settings: Settings) -> int:
    return int(settings.get("sftp.enabled"))


def _workers(settings: Settings) -> int:
    return int(settings.get("queue.workers"))


#: In the order they are started.
KINDS: dict[str, Kind] = {
    "ftps": Kind("feedengine.transport.ftps:run", _one, server=True),
    "sftp": Kind("feedengine.transport.sftp:run", _sftp, server=True),
    "worker": Kind("feedengine.service.worker:run", _workers, pulse=True),
    "fetcher": Kind("feedengine.service.fetcher:run", _one),
    "courier": Kind("feedengine.service.courier:run", _one),
    "keeper": Kind("feedengine.service.keeper:run", _one),
}


def desk(part: Part) -> Desk:
    """What a server hands arriving files to; goes by the settings that the part has at that time."""
    from feedengine.service.reception import Desk

    return Desk(part.store, lambda: part.settings)
