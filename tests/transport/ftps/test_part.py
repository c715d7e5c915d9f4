"""The part as the service runs it: settings, the store's accounts and certificate, reload, draining."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feedengine.accounts import Accounts
from feedengine.errors import ConfigError
from feedengine.service.part import Part
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.ftps import run
from network.ports import free_block
from transport.desk import Desk
from transport.ftps.rig import Client, make_certificate


class Running:
    """The part in a thread."""

    def __init__(self, folder: Path, text: str = "") -> None:
        self.port = free_block(3)[0]
        self.file = folder / "feedengine.toml"
        self.write(text)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.desk = Desk()
        store = Store.create(folder / "store")
        Accounts(store.root).add("anna@example.com", given="a long password")
        self.part = Part("ftps", store, Settings.load(self.file, {}), self.log)
        self.thread = threading.Thread(target=run, args=(self.part, self.desk))
        self.thread.start()
        self.wait(lambda: any(name == "ftps.started" for name, _ in self.events))

    def write(self, text: str) -> None:
        ports = f'host = "127.0.0.1"\nport = {self.port}\npassive_ports = "{self.port + 1}-{self.port + 2}"\n'
        self.file.write_text(f"[ftps]\n{ports}login_delay = 0\n{text}\n[landing]\nleast_free = 0\n")

    def log(self, event: str, *, level: str = "info", **facts: Any) -> None:
        self.events.append((event, facts))

    def wait(self, done: Any) -> None:
        until = time.monotonic() + 120
        while not done():
            assert time.monotonic() < until, self.events
            time.sleep(0.01)

    def client(self, certificate: Path) -> Client:
        context = ssl.create_default_context(cafile=str(certificate))
        client = Client(context=context, timeout=60)
        client.connect("127.0.0.1", self.port)
        client.auth()
        return client


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.part.stopping.set()
    made.thread.join(120)


@pytest.mark.feature("W19")
def test_the_part_serves_the_stores_accounts_with_its_own_certificate(running: Running, tmp_path: Path) -> None:
    own = tmp_path / "store" / "tls" / "server.crt"
    with running.client(own) as client:
        client.login("anna@example.com", "a long password", secure=False)
        client.prot_p()
        assert client.put("/in/a.csv", b"id\n1\n").startswith("226")
    assert running.desk.files[0].account.name == "anna@example.com"
    assert running.desk.files[0].path == tmp_path / "store/homes/anna@example.com/in/a.csv"
    status = json.loads((tmp_path / "store/run/ftps.json").read_text())
    assert status["passive_waited"] == 0


def test_a_new_certificate_is_taken_on_reload_and_a_bad_one_is_not(running: Running, tmp_path: Path) -> None:
    fresh = make_certificate(tmp_path)
    running.write(f'certificate = "{fresh.name}"')
    running.part.reloading.set()
    running.wait(lambda: any(name == "ftps.reloaded" for name, _ in running.events))
    running.client(fresh).close()
    fresh.write_text("nonsense")
    running.part.reloading.set()
    running.wait(lambda: any(name == "ftps.reload_failed" for name, _ in running.events))
    with pytest.raises(ssl.SSLError):
        running.client(tmp_path / "store" / "tls" / "server.crt")
    running.client(tmp_path / "c.pem").close()


def test_a_missing_certificate_is_told_at_the_start(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    file = tmp_path / "feedengine.toml"
    file.write_text('[ftps]\ncertificate = "none.pem"\n')
    part = Part("ftps", store, Settings.load(file, {}), lambda event, **facts: None)
    with pytest.raises(ConfigError, match=r"none\.pem"):
        run(part, Desk())


def test_a_port_that_is_taken_is_told_at_the_start(running: Running, tmp_path: Path) -> None:
    part = Part("ftps", running.part.store, running.part.settings, lambda event, **facts: None)
    with pytest.raises(ConfigError, match="passive ports"):
        run(part, Desk())
