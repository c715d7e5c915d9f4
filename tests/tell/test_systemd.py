"""What systemd is told, over a real socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from feedengine.service.systemd import Notifier


class Systemd:
    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "n") if request.param == "path" else f"@feedengine-test-{tmp_path.name}-{id(tmp_path)}"


def test_the_life_of_a_service(address: str) -> None:
    systemd = Systemd(address)
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready("serves\non 2121")
    notifier.reloading()
    notifier.alive()
    notifier.stopping()
    ready, reloading, stopping = systemd.heard()
    assert ready == "READY=1\nSTATUS=serves on 2121" and stopping == "STOPPING=1"
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    systemd.socket.close()


def test_the_watchdog_hears_twice_in_its_time(address: str) -> None:
    systemd = Systemd(address)
    now = [100.0]
    env = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "7"}
    notifier = Notifier(env, lambda: now[0], pid=7)
    other = Notifier(env, lambda: now[0], pid=8)
    for _ in range(20):
        now[0] += 1.0
        notifier.alive()
        other.alive()
    assert systemd.heard() == ["WATCHDOG=1"] * 4
    systemd.socket.close()


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": "/none"}])
def test_without_systemd_nothing_happens(env: dict[str, str]) -> None:
    notifier = Notifier(env | {"WATCHDOG_USEC": "x"})
    notifier.ready("x")
    notifier.alive()
    notifier.stopping()


def test_a_socket_that_nobody_reads_holds_nothing_up(tmp_path: Path) -> None:
    systemd = Systemd(str(tmp_path / "n"))
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "n")})
    for _ in range(5000):
        notifier.ready("x")
    assert systemd.heard()
    systemd.socket.close()
