"""Our SFTP server in a process's thread, with accounts and a desk that remembers what landed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from feedengine.accounts import Accounts
from feedengine.settings import Settings
from feedengine.settings.kinds import Secret
from feedengine.store import Store
from feedengine.transport.landing import Home
from feedengine.transport.remote import Place
from feedengine.transport.sftp import run

from .desk import Desk

NAME = "anna@example.com(Shop: Main)"
#: OpenSSH's programs take no login names with spaces and parentheses.
PLAIN = "anna@example.com"
PASSWORD = "correct horse battery"


class FakePart:
    """What the service gives a part."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.name = "sftp"
        self.store = store
        self.settings = settings
        self.stopping = threading.Event()
        self.reloading = threading.Event()
        self.serving = threading.Event()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.facts: dict[str, Any] = {}

    def log(self, event: str, *, level: str = "info", **facts: Any) -> None:
        self.events.append((event, {"level": level, **facts}))

    def ready(self, **facts: Any) -> None:
        self.facts = facts
        self.serving.set()

    def reload(self) -> None:
        self.reloading.clear()


class Server:
    """A running server. `stop` drains it."""

    #: Host keys that an earlier server of this process made: making an RSA key takes seconds.
    keys: dict[str, bytes] | None = None

    def __init__(self, folder: Path, **env: str) -> None:
        self.root = folder / "store"
        self.store = Store.create(self.root)
        fast = {"FEEDENGINE_SFTP_LOGIN_DELAY": "0", "FEEDENGINE_SFTP_HOST": "127.0.0.1", "FEEDENGINE_SFTP_PORT": "0"}
        self.settings = Settings.load(None, {**fast, **env})
        self.accounts = Accounts(self.root)
        self.accounts.add(NAME, given=PASSWORD, home="anna")
        self.accounts.add(PLAIN, given=PASSWORD, home="anna")
        self.home = Home.of(self.root / "homes", "anna").root
        if Server.keys is not None:
            (self.root / "ssh").mkdir(mode=0o700)
            for name, content in Server.keys.items():
                (self.root / "ssh" / name).touch(0o600)
                (self.root / "ssh" / name).write_bytes(content)
        self.desk = Desk()
        self.part = FakePart(self.store, self.settings)
        self.failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        while not self.part.serving.wait(0.05):
            if self.failed:
                raise self.failed[0]
        Server.keys = {path.name: path.read_bytes() for path in (self.root / "ssh").iterdir()}

    def _run(self) -> None:
        try:
            run(self.part, self.desk)
        except BaseException as error:
            self.failed.append(error)

    @property
    def port(self) -> int:
        return int(str(self.part.facts["listening"]).rpartition(":")[2])

    @property
    def known_host(self) -> str:
        return (self.root / "ssh" / "host_ed25519.pub").read_text()

    def known_hosts(self) -> str:
        """As OpenSSH's programs want it, every key."""
        keys = sorted((self.root / "ssh").glob("*.pub"))
        return "".join(f"[127.0.0.1]:{self.port} {each.read_text()}" for each in keys)

    def place(self, folder: str = "/", **more: Any) -> Place:
        given = {"user": NAME, "password": Secret(PASSWORD), "known_host": self.known_host, "timeout": 20.0, **more}
        return Place("sftp", folder, host="127.0.0.1", port=self.port, **given)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [facts for event, facts in list(self.part.events) if event == name]

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until an event was logged so often; the pause is no measure of time."""
        pause = threading.Event()
        for _ in range(1000):
            if len(found := self.events(name)) >= count:
                return found
            pause.wait(0.01)
        raise AssertionError(f"no {name} in {self.part.events}")

    def stop(self) -> None:
        self.part.stopping.set()
        self._thread.join(120)
        assert not self._thread.is_alive()
        if self.failed:
            raise self.failed[0]
