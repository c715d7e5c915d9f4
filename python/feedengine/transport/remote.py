"""Another server's folders with the few verbs that fetching and sending need, the same for every protocol."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

from feedengine.settings.kinds import Secret


@dataclass(frozen=True)
class Place:
    """A folder on a server, or of this machine (`scheme` local; only `path` counts then).

    `scheme` is ftps (explicit TLS), ftps-implicit, ftp, sftp or local. `verify` is a path to CA certificates, "system",
    or "off" (only by an explicit setting). `known_host` is the server's SSH key as in known_hosts, `key_file` our own.
    `trust_address`: take the data address that the server names, as behind a load balancer. Seconds in `timeout`.
    """

    scheme: str
    path: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    verify: str = "system"
    trust_address: bool = False
    key_file: str = ""
    known_host: str = ""
    timeout: float = 30.0

    def __str__(self) -> str:
        """As it may be printed: without the password."""
        if self.scheme == "local":
            return self.path
        return f"{self.scheme}://{self.user}@{self.host}:{self.port}{self.path}"


@dataclass(frozen=True)
class Entry:
    """A file in a listing. `bytes` and `modified` (UTC) are None where the server doesn't say."""

    name: str
    bytes: int | None
    modified: datetime | None


#: Told the bytes done so far, a few times a second; may raise to stop.
Progress = Callable[[int], None]


class Remote(Protocol):
    """An open connection. Paths are absolute or relative to the place's path. Every verb raises `TransportError`;
    for a file that is not there, `NotFound`."""

    def list(self, folder: str = "") -> list[Entry]:
        """Files (not folders) in a folder, by name."""

    def get(self, path: str, to: Path, *, offset: int = 0, progress: Progress | None = None) -> int:
        """Load a file, from `offset` on appended to `to`; gives its whole size. A download that was cut raises."""

    def put(self, file: Path, path: str, *, offset: int = 0, progress: Progress | None = None) -> None:
        """Store a file from `offset` on; returns when the server has confirmed it."""

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if it is not there."""

    def sha256(self, path: str) -> str | None:
        """The hash that the server computes of a file; None where it can't."""

    def rename(self, path: str, to: str) -> None:
        """Rename a file or folder; a file that exists is replaced where the server allows it."""

    def delete(self, path: str) -> None:
        """Delete a file."""

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it; those that exist are no error."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""

    def close(self) -> None:
        """End the connection politely; never raises."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def paced(progress: Progress | None) -> Callable[[int], None]:
    """Tells a few times a second, however small the blocks."""
    if progress is None:
        return lambda done: None
    last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= 0.2:
            last = time.monotonic()
            progress(done)

    return tell
