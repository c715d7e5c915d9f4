"""A part of the service: what every process that `feedengine serve` starts is given."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

from feedengine.settings import Settings
from feedengine.store import Store


class Log(Protocol):
    """Where a part writes what happens, as one JSON object a line; secrets never go there."""

    def __call__(self, event: str, *, level: str = "info", **facts: Any) -> None:
        """`event` is a stable word with dots (`ftps.login`); facts are JSON values."""


@dataclass
class Part:
    """One process of the service. `stopping` is set on SIGTERM and when the supervisor is gone: finish what is begun,
    take nothing new, return. `reloading` is set on SIGHUP; the part reads `settings` anew and clears it."""

    name: str
    store: Store
    settings: Settings
    log: Log
    stopping: threading.Event = field(default_factory=threading.Event)
    reloading: threading.Event = field(default_factory=threading.Event)
