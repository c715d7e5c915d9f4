"""A made-up server with the ten verbs, which counts, fails and lies as it is told; and a clock that is set by hand."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from feedengine.errors import NotFound, TransportError
from feedengine.ledger.outbox import Outbox
from feedengine.service.keeping import keep
from feedengine.service.sending import Sender
from feedengine.service.targets import SendTarget
from feedengine.settings.table import NAMED
from feedengine.store import Store
from feedengine.transport.remote import Entry, Place, Progress


class Server:
    """Files by path. `fail` maps a verb to an exception for its next calls; `hashes` says whether it has HASH.

    Where it `keeps` what came of a broken upload apart it tells that's size, as ours does, but lists only files.
    """

    def __init__(self, *, hashes: bool = True) -> None:
        self.files: dict[str, bytes] = {}
        self.keeps = False
        self.kept: dict[str, bytes] = {}
        self.hashes = hashes
        self.fail: dict[str, list[Exception]] = {}
        self.calls: list[tuple[str, str]] = []
        self.cut: list[int] = []
        self.connections = 0
        self.sent: list[str] = []

    def connect(self, place: Place) -> Session:
        """What `transport.connecting.connect` does."""
        self._happens("connect", str(place))
        self.connections += 1
        return Session(self)

    def _happens(self, verb: str, path: str) -> None:
        self.calls.append((verb, path))
        if self.fail.get(verb):
            raise self.fail[verb].pop(0)


class Session:
    """One connection."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def list(self, folder: str = "") -> list[Entry]:
        """The files in a folder."""
        self.server._happens("list", folder)
        within = [path.rpartition("/") for path in sorted(self.server.files)]
        return [Entry(name, None, None) for above, _, name in within if above == folder]

    def get(self, path: str, to: Path, *, offset: int = 0, progress: Progress | None = None) -> int:
        """Not needed here."""
        raise NotFound(path)

    def put(self, file: Path, path: str, *, offset: int = 0, progress: Progress | None = None) -> None:
        """Store; `server.cut` cuts the next uploads to so many bytes and ends them badly."""
        self.server._happens("put", f"{path}@{offset}" if offset else path)
        before = self.server.kept.pop(path, b"") or self.server.files.get(path, b"")
        content = before[:offset] + file.read_bytes()[offset:]
        if self.server.cut:
            (self.server.kept if self.server.keeps else self.server.files)[path] = content[: self.server.cut.pop(0)]
            raise TransportError("the connection was cut", code="TRANSPORT_CUT")
        if progress:
            progress(len(content))
        self.server.files[path] = content

    def size(self, path: str) -> int | None:
        """Bytes."""
        self.server._happens("size", path)
        found = self.server.files.get(path, self.server.kept.get(path))
        return None if found is None else len(found)

    def sha256(self, path: str) -> str | None:
        """The hash, where the server can."""
        return hashlib.sha256(self.server.files[path]).hexdigest() if self.server.hashes else None

    def rename(self, path: str, to: str) -> None:
        """Rename; counts what came to its final name."""
        self.server._happens("rename", to)
        self.server.files[to] = self.server.files.pop(path)
        self.server.sent.append(to)

    def delete(self, path: str) -> None:
        """Delete."""
        self.server._happens("delete", path)
        del self.server.files[path]

    def make_folder(self, path: str) -> None:
        """Folders need not be made here."""
        self.server._happens("make_folder", path)

    def remove_folder(self, path: str) -> None:
        """Folders need not be removed here."""
        self.server._happens("remove_folder", path)

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.at

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


class Desk:
    """A store with an outbox, made-up servers and a clock."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.create(folder / "store")
        self.folder = folder
        self.clock = Clock()
        self.outbox = Outbox(self.store.ledger, self.clock)
        self.servers: dict[str, Server] = {}
        self.log: list[tuple[str, dict[str, Any]]] = []

    def server(self, name: str = "shop", *, hashes: bool = True) -> Server:
        """The server of a target."""
        return self.servers.setdefault(name, Server(hashes=hashes))

    def put_in(self, content: str, name: str, target: str = "shop") -> int:
        """Put a file into the outbox; gives its delivery's number."""
        file = self.folder / "original.csv"
        file.write_text(content)
        [number] = self.outbox.add([keep(self.store, file, target, name, {})])
        file.unlink()
        return number

    def target(self, name: str = "shop", **keys: Any) -> SendTarget:
        """A target with default keys but for those given."""
        defaults = {key.name: key.default for key in NAMED["targets"]}
        return SendTarget(name, Place("ftps", "/in", host=name), {**defaults, **keys})

    def drain(self, name: str = "shop", *, dice: float = 1.0, **keys: Any) -> int:
        """Send what is due at a target; a test's own exception stands for the death of the process."""
        sender = Sender(
            self.store, self.target(name, **keys), self._note, now=self.clock, dice=lambda: dice,
            connect=self.server(name).connect,
        )  # fmt: skip
        with suppress(Death):
            return sender.drain()
        return -1

    def _note(self, event: str, *, level: str = "info", **facts: Any) -> None:
        self.log.append((event, facts))

    def status(self) -> dict[str, str]:
        """Status by file name."""
        return {each.name: each.status for each in self.outbox.list(oldest=True)}


class Death(BaseException):
    """The process dies here: nothing after it runs that an engine's own error handling would do."""
