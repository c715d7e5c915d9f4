"""A part of the service: what every process that `feedengine serve` starts is given."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from feedengine.errors import FeedEngineError
from feedengine.settings import Settings
from feedengine.store import Store


class Log(Protocol):
    """Where a part writes what happens, as one JSON object a line; secrets never go there."""

    def __call__(self, event: str, *, level: str = "info", **facts: Any) -> None:
        """`event` is a stable word with dots (`ftps.login`); facts are JSON values."""


@dataclass
class Part:
    """One process of the service. `stopping` is set on SIGTERM and when the supervisor is gone: finish what is begun,
    take nothing new, return. `reloading` is set on SIGHUP: call `reload`, then look at `settings` again. A server calls
    `ready` once when it serves, with facts such as listening="0.0.0.0:2121"; others need not. `alive` tells the
    supervisor that the part lives; one of a kind that does so is replaced when it falls silent."""

    name: str
    store: Store
    settings: Settings
    log: Log
    stopping: threading.Event = field(default_factory=threading.Event)
    reloading: threading.Event = field(default_factory=threading.Event)
    ready: Callable[..., None] = lambda **facts: None
    alive: Callable[[], None] = lambda: None
    load: Callable[[], Settings] | None = None

    def read(self) -> Settings:
        """The settings as file, environment and flags say now. Raises ConfigError."""
        return self.load() if self.load is not None else Settings.load(self.settings.file)

    def reload(self) -> None:
        """Read the settings anew, as SIGHUP asked for. Settings that can't be read leave the old ones in force."""
        self.reloading.clear()
        try:
            self.settings = self.read()
        except FeedEngineError as error:
            self.log("settings.refused", level="error", error=error.message)
            return
        self.log("settings.reloaded")
