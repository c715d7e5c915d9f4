"""What the servers ask of the engine when files arrive: may this be sent, and this has been sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from feedengine.accounts import Account


@dataclass(frozen=True)
class Landed:
    """A whole file that arrived, on the disk and synced, under its final name. Times are UTC in ISO 8601.

    `virtual` is the path as the sender sees it (`/in/NAME`), `path` the same file in ours. `sha256` is in hex, made on
    the way. `eof` is clean, or unclean where the account tolerates a TLS connection that ended without close_notify.
    """

    account: Account
    virtual: str
    path: Path
    bytes: int
    sha256: str
    protocol: str
    eof: str = "clean"
    peer: str | None = None
    started: str | None = None
    ended: str | None = None


class Refused(Exception):
    """A file is not wanted: what the sender is told, and whether trying later may help (452 rather than 553)."""

    def __init__(self, message: str, *, later: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.later = later


class Reception(Protocol):
    """The engine's desk for arriving files. Calls come from a server's threads and must be quick (a few ms)."""

    def admit(self, account: Account, virtual: str) -> None:
        """Before a file is taken: its name, its folder, room on the disk, the queue's limit. Raises `Refused`."""

    def landed(self, file: Landed) -> int | None:
        """A file arrived; it has its final name. The sender is told that all is well only when this has returned.

        Gives the number of the task that was made, None for a file that is no feed. Raises `Refused`: the sender is
        told, and the file is taken away again.
        """

    def knows(self, path: Path) -> bool:
        """Whether the file that lies at this path of ours was taken already, by a server that died before saying so."""
