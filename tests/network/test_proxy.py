"""The misbehaving proxy does what it says, or the tests that use it show nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from network.ports import free_block
from network.proxy import Fault, Proxy

DATA = bytes(range(256)) * 400


class Echo:
    """A server that gives back what it gets, and notes how each connection ended."""

    def __init__(self, port: int) -> None:
        self.ends: list[str] = []
        self.received = 0
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(client,), daemon=True).start()

    def _echo(self, client: socket.socket) -> None:
        with client:
            try:
                while block := client.recv(65536):
                    self.received += len(block)
                    client.sendall(block)
                self.ends.append("fin")
            except ConnectionError:
                self.ends.append("rst")

    def end(self) -> str:
        """How the last connection ended."""
        until = time.monotonic() + 60
        while not self.ends and time.monotonic() < until:
            time.sleep(0.01)
        return self.ends[-1]

    def close(self) -> None:
        """No more."""
        self._listener.close()


@pytest.fixture
def pair() -> Iterator[tuple[Echo, Proxy]]:
    (port,) = free_block(1)
    echo = Echo(port)
    with Proxy(port) as proxy:
        yield echo, proxy
    echo.close()


def exchange(proxy: Proxy, seconds: float = 60.0) -> tuple[bytes, str]:
    """Send the data through the proxy; what came back and how it ended."""
    back = bytearray()
    with socket.create_connection((proxy.host, proxy.port), timeout=seconds) as client:

        def send() -> None:
            try:
                client.sendall(DATA)
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        sender = threading.Thread(target=send)
        sender.start()
        end = "fin"
        try:
            while block := client.recv(65536):
                back += block
        except ConnectionError:
            end = "rst"
        except TimeoutError:
            end = "silence"
        client.close()
        sender.join()
    return bytes(back), end


def test_nothing_goes_wrong_unasked(pair: tuple[Echo, Proxy]) -> None:
    echo, proxy = pair
    assert exchange(proxy) == (DATA, "fin")
    assert echo.end() == "fin"
    assert proxy.counts == {}


def test_a_stall_delays_and_loses_nothing(pair: tuple[Echo, Proxy]) -> None:
    _, proxy = pair
    proxy.arm(Fault("stall", after=5000, seconds=0.3), "control")
    started = time.monotonic()
    assert exchange(proxy) == (DATA, "fin")
    assert time.monotonic() - started >= 0.3
    assert proxy.counts == {"stall": 1}


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_reset_reaches_both_ends(pair: tuple[Echo, Proxy], way: str) -> None:
    echo, proxy = pair
    proxy.arm(Fault("reset", after=5000, way=way), "control")
    back, end = exchange(proxy)
    assert end == "rst"
    assert DATA.startswith(back)
    if way == "up":  # else all may have gone up, FIN included, before the fault's place is reached
        assert echo.end() == "rst"
        assert echo.received == 5000


def test_a_half_closed_connection_still_speaks_the_other_way(pair: tuple[Echo, Proxy]) -> None:
    echo, proxy = pair
    proxy.arm(Fault("half-close", after=5000), "control")
    assert exchange(proxy) == (DATA[:5000], "fin")
    assert echo.end() == "fin"


def test_silence_tells_nobody(pair: tuple[Echo, Proxy]) -> None:
    echo, proxy = pair
    proxy.arm(Fault("silence", after=5000), "control")
    back, end = exchange(proxy, seconds=0.4)
    assert end == "silence"
    assert DATA[:5000].startswith(back)
    assert (echo.received, echo.ends) == (5000, [])


def test_a_truncated_connection_ends_politely_for_the_sender(pair: tuple[Echo, Proxy]) -> None:
    echo, proxy = pair
    proxy.arm(Fault("truncate", after=5000, way="down"), "control")
    back, _ = exchange(proxy)
    assert back == DATA[:5000]
    assert echo.end() in ("fin", "rst")  # a polite end with bytes on the way becomes an RST


def test_a_slow_line_keeps_its_rate(pair: tuple[Echo, Proxy]) -> None:
    _, proxy = pair
    proxy.arm(Fault("slow", way="down", rate=len(DATA) * 2), "control")
    started = time.monotonic()
    assert exchange(proxy) == (DATA, "fin")
    assert 0.4 < time.monotonic() - started < 5


def test_faults_are_for_as_many_connections_as_they_are_armed_for(pair: tuple[Echo, Proxy]) -> None:
    _, proxy = pair
    proxy.arm(Fault("reset", after=100), "control", times=2)
    assert [exchange(proxy)[1] for _ in range(3)] == ["rst", "rst", "fin"]
