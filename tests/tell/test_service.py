"""The real service, from an upload over FTPS to the mail in a box: one problem one mail, metrics, log, systemd."""

from __future__ import annotations

import contextlib
import email
import ftplib
import io
import json
import os
import signal
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from command import command
from network.ports import free_block
from network.service import Service
from tell import exposition, servers
from tell.servers import Smtp
from tell.test_systemd import Systemd

PASSWORD = "Long enough 1"
GOOD = b"id,item_name,url\n1,Boot,/b\n2,Shoe,/s\n3,Sock,/k\n"


def feed(operation: str, second: int) -> str:
    return f"key_a1_Products_{operation}_2026-11-21-02-00-{second:02}.csv"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Service, Smtp, servers.Receiver, int]]:
    ports = free_block(8)
    health = ports[-1]
    with Smtp().running() as smtp, servers.Receiver().running() as hook:
        settings: dict[str, dict[str, Any]] = {
            "store": {"path": "store"},
            "rules": {"unknown_section": "create"},
            "mail": {"host": "127.0.0.1", "port": smtp.port, "security": "none", "to": ["ops@shop.example"]},
            "webhooks.shop": {"url": hook.url, "events": ["success", "failure", "hold"]},
            "health": {"host": "127.0.0.1", "port": health},
            "log": {"place": "file", "level": "debug"},
        }
        service = Service(tmp_path, ports[0], list(ports[1:-1]), settings)
        service.add_account("ann@partner.example", PASSWORD, mail=("ann@partner.example",), keys=("key_a1",))
        with service:
            yield service, smtp, hook, health


def upload(service: Service, name: str, content: bytes) -> None:
    client = ftplib.FTP_TLS(context=ssl._create_unverified_context(), timeout=60)
    client.connect("127.0.0.1", service.port)
    client.login("ann@partner.example", PASSWORD)
    client.prot_p()
    client.storbinary(f"STOR {name}", io.BytesIO(content))
    client.close()


def until(what: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


def subjects(smtp: Smtp) -> list[tuple[str, str]]:
    found = []
    for raw in list(smtp.mails):
        mail = email.message_from_bytes(raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        found.append((str(mail["To"]), str(mail["Subject"])))
    return sorted(found)


@pytest.mark.feature("W14", "W36", "C36", "C41")
def test_an_upload_is_told_of_everywhere(running: tuple[Service, Smtp, servers.Receiver, int]) -> None:
    service, smtp, hook, health = running
    upload(service, feed("sync", 1), GOOD)
    assert service.drain(120)
    upload(service, feed("sync", 2), b"id,item_name\n1,Boot\n1")
    upload(service, feed("sync", 3), GOOD.splitlines(keepends=True)[0] + b"1,Boot,/b\n")
    assert service.drain(120)
    until(lambda: len(smtp.mails) >= 4 and len(hook.requests) >= 3)
    assert subjects(smtp) == [
        (to, f"[feedengine] FAILED sync key_a1/Products task {task}")
        for to in ("ann@partner.example", "ops@shop.example")
        for task in (2, 3)
    ]
    assert sorted(json.loads(each.body)["event"] for each in hook.requests) == ["failure", "hold", "success"]

    with urllib.request.urlopen(f"http://127.0.0.1:{health}/health", timeout=60) as answer:
        well = json.load(answer)
    assert well["ok"] and well["parts"]["ftps"] and well["parts"]["keeper"]
    with urllib.request.urlopen(f"http://127.0.0.1:{health}/metrics", timeout=60) as answer:
        metrics = exposition.read(answer.read().decode())
    assert metrics["feedengine_rows_total"].value(fate="added") == 3
    assert metrics["feedengine_part_up"].value(part="courier") == 1
    assert metrics["feedengine_messages_total"].value(kind="mail", result="sent") >= 3

    given = ["--store", str(service.store), "--config", str(service.config)]
    shown = command(*given, "status").stdout
    assert shown.startswith(f"Serving   process {service.pid}: ") and "Approvals task 3 is refused" in shown
    where = command(*given, "where", feed("sync", 1)).stdout
    assert "applied as snapshot 1" in where and "now /processed/" in where and "of ann@partner.example" in where
    doctor = json.loads(command(*given, "--json", "doctor").stdout)
    states = {each["name"]: each["said"] for each in doctor["findings"]}
    assert states["service"].startswith(f"process {service.pid}, ")

    lines = [json.loads(line) for line in (service.store / "log" / "feedengine.log").read_text().splitlines()]
    assert {"serve", "ftps", "courier", "keeper"} <= {line["part"] for line in lines}
    assert all({"time", "level", "part", "pid", "event"} <= set(line) for line in lines)
    everything = b"".join(path.read_bytes() for path in [*(service.store / "log").iterdir(), service.log])
    assert PASSWORD.encode() not in everything and not service.complaints()


def test_systemd_hears_ready_reloading_and_stopping(tmp_path: Path) -> None:
    from feedengine.store import Store

    with contextlib.ExitStack() as closing:
        systemd = Systemd(str(tmp_path / "notify"))
        closing.callback(systemd.socket.close)
        heard: list[str] = []

        def said(word: str) -> Callable[[], bool]:
            def look() -> bool:
                heard.extend(systemd.heard())
                return any(word in each for each in heard)

            return look

        Store.create(tmp_path / "store")
        ports = free_block(3)
        service = Service(tmp_path, ports[0], list(ports[1:]))
        service.start(parts="worker,keeper", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1000000")
        try:
            until(said("READY=1"))
            until(said("WATCHDOG=1"))
            os.kill(service.pid, signal.SIGHUP)
            until(said("RELOADING=1"))
        finally:
            service.stop()
        until(said("STOPPING=1"))


def test_a_health_port_that_is_taken_keeps_nobody_from_serving(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = free_block(3)
        settings = {"health": {"port": taken.getsockname()[1]}, "log": {"place": "file"}}
        service = Service(tmp_path, ports[0], list(ports[1:]), settings)
        service.start(parts="keeper")
        log = service.store / "log" / "feedengine.log"
        until(lambda: log.exists() and "health.failed" in log.read_text())
        assert service.stop() == 0
