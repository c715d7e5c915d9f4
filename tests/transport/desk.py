"""A desk that remembers what landed, for tests of the servers; and an account to land with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from feedengine.accounts import Account
from feedengine.transport.reception import Landed, Refused


class Desk:
    """Takes what arrives. `refuse(virtual)` may raise; `gate` holds `landed` until it is set."""

    def __init__(self) -> None:
        self.files: list[Landed] = []
        self.admitted: list[str] = []
        self.refuse: Callable[[str], None] = lambda virtual: None
        self.refuse_landed: Callable[[str], None] = lambda virtual: None
        self.gate = threading.Event()
        self.gate.set()

    def admit(self, account: Account, virtual: str) -> None:
        self.refuse(virtual)
        self.admitted.append(virtual)

    def landed(self, file: Landed) -> int | None:
        self.gate.wait(120)
        self.refuse_landed(file.virtual)
        # What the engine does first: the bytes are read under the final name.
        assert file.path.stat().st_size == file.bytes
        self.files.append(file)
        return len(self.files)

    def knows(self, path: Path) -> bool:
        return any(file.path == path for file in self.files)

    def names(self) -> list[str]:
        """The virtual paths of what landed, in order."""
        return [file.virtual for file in self.files]


def refusing(message: str, *, later: bool = False) -> Callable[[str], None]:
    """A refusal for every path."""

    def refuse(virtual: str) -> None:
        raise Refused(message, later=later)

    return refuse


ANNA = Account("anna@example.com", "anna")
