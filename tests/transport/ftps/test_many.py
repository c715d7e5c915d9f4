"""Many at once: ten ports for hundreds of uploads, login storms, draining, balancers, implicit TLS."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path

import pytest

from transport.ftps.rig import PASSWORD, Client, Line, Rig, in_the_end, rig

FEED = "/in/key_main_sync_2026-11-21-02-00-00.csv"


@pytest.mark.feature("P3")
def test_three_hundred_uploads_over_ten_ports(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, ports=10, passive_wait=30.0) as server:
        seen: set[int] = set()

        def send(number: int) -> str:
            client = server.connect(timeout=60)
            host, port = client.makepasv()
            seen.add(port)
            conn = client.wrap(socket.create_connection((host, port), timeout=60))
            client.putcmd(f"STOR /in/{number}.csv")
            assert client.reply()[:3] in ("125", "150")
            conn.sendall(f"id\n{number}\n".encode() * 1000)
            conn.unwrap().close()
            reply = client.reply()
            client.close()
            return reply

        with ThreadPoolExecutor(60) as pool:
            replies = list(pool.map(send, range(300)))
        assert all(reply.startswith("226") for reply in replies)
        assert seen <= set(server.options.passive_ports)
        assert len(server.desk.files) == 300
        assert {file.path.read_bytes()[:10] for file in server.desk.files} == {
            (f"id\n{number}\n" * 5).encode()[:10] for number in range(300)
        }


def test_who_comes_when_all_ports_are_taken_waits(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, ports=1, passive_wait=120.0, connect_timeout=120.0) as server:
        first, second, third = server.connect(), server.connect(), server.connect()
        first.makepasv()
        second.putcmd("PASV")
        server.until(lambda hall: hall.ports.waited == 1)
        assert third.ask("NOOP").startswith("200")
        first.ask("ABOR")  # gives its port back
        assert second.reply().startswith("227")
        # A session that goes gives back too.
        third.putcmd("PASV")
        server.until(lambda hall: hall.ports.waited == 2)
        second.close()
        assert third.reply().startswith("227")


def test_who_waits_for_a_port_too_long_is_told(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, ports=1, passive_wait=0.3, connect_timeout=120.0) as server:
        first, second = server.connect(), server.connect()
        first.makepasv()
        assert second.ask("EPSV").startswith("425 All passive ports")
        assert server.server.hall.ports.waited == 1


def test_a_port_that_nobody_comes_to_is_given_back(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, ports=1, connect_timeout=0.2) as server:
        client = server.connect()
        until = time.monotonic() + 120
        while True:
            client.makepasv()
            reply = client.ask(f"STOR {FEED}")
            if reply.startswith("150"):
                break
            # On a busy machine the time is over before the command comes.
            assert time.monotonic() < until, reply
        reply = client.reply()
        assert reply.startswith("425") and "firewall" in reply
        assert in_the_end(lambda: client.put(FEED, b"x")).startswith("226")


def test_a_storm_of_logins_does_not_stop_a_transfer(server: Rig) -> None:
    client = server.connect()
    conn = client.data(f"STOR {FEED}")
    conn.sendall(b"x" * 1000)
    server.arrived(1000)
    server.door.gate.clear()  # every check takes for ever from now on
    stormers = [server.connect(user=None) for _ in range(20)]
    for each in stormers:
        each.sendcmd("USER anna")
        each.putcmd("PASS wrong")
    server.until(lambda hall: hall.backstage.doors_waiting == 20)
    conn.sendall(b"y" * 2_000_000)
    server.arrived(2_001_000)
    conn.unwrap().close()
    assert client.reply().startswith("226")
    assert server.said("ftps.login_failed") == []
    server.door.gate.set()
    assert all(each.reply().startswith("530") for each in stormers)


def test_stopping_lets_transfers_end_and_sends_the_others_away(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate) as server:
        busy, idle, lost = server.connect(), server.connect(), server.connect()
        conn = busy.data(f"STOR {FEED}")
        conn.sendall(b"x" * 1000)
        stopper = threading.Thread(target=server.stop_only)
        stopper.start()
        assert idle.reply().startswith("421")
        assert lost.reply().startswith("421")
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.options.port), timeout=60)
        conn.sendall(b"y" * 1000)
        conn.unwrap().close()
        assert busy.reply().startswith("226")
        stopper.join(120)
        assert len(server.desk.files) == 1
        assert server.said("ftps.stopped") == [{"cut_off": 0}]


def test_draining_has_an_end(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, drain_timeout=0.3) as server:
        client = server.connect()
        conn = client.data(f"STOR {FEED}")
        conn.sendall(b"x" * 1000)
        server.arrived(1000)
        server.stop_only()
        assert server.said("ftps.stopped") == [{"cut_off": 1}]
        assert server.desk.files == []
        assert server.landing.size(server.anna, FEED) == 1000


def test_implicit_tls(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, implicit_port=1) as server:
        client = Client(context=server.tls(), timeout=60)
        server.opened.append(client)
        raw = socket.create_connection(("127.0.0.1", server.options.implicit_port), timeout=60)
        client.sock = client.context.wrap_socket(raw, server_hostname="localhost")
        client.af, client.host = client.sock.family, "127.0.0.1"
        client.file = client.sock.makefile(encoding="utf-8")
        assert client.reply().startswith("220")
        client.login("anna", PASSWORD, secure=False)
        client._prot_p = True  # type: ignore[attr-defined]
        assert client.put(FEED, b"x").startswith("226")
        plain = Line(socket.create_connection(("127.0.0.1", server.options.implicit_port), timeout=60))
        plain.send(b"USER anna\r\n")
        assert not plain.reply().startswith("220")
        plain.close()


V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 9, 127, 0, 0, 1]) + b"\x10\x00\x08\x00"


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"PROXY TCP4 203.0.113.9 127.0.0.1 4096 2048\r\n", "203.0.113.9"),
        (b"PROXY TCP6 2001:db8::1 ::1 4096 2048\r\n", "2001:db8::1"),
        (V2, "203.0.113.9"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "127.0.0.1"),
    ],
)
def test_a_balancer_names_the_client(tmp_path: Path, certificate: Path, header: bytes, peer: str) -> None:
    with rig(tmp_path, certificate, proxy_from=(ip_network("127.0.0.1/32"),)) as server:
        raw = socket.create_connection(("127.0.0.1", server.options.port), timeout=60)
        for byte in header:
            raw.send(bytes([byte]))
        client = Client(context=server.tls(), timeout=60)
        server.opened.append(client)
        client.sock, client.af, client.host = raw, raw.family, "127.0.0.1"
        client.file = raw.makefile(encoding="utf-8")
        assert client.reply().startswith("220")
        client.auth()
        client.login("anna", PASSWORD, secure=False)
        client.prot_p()
        _, port = client.makepasv()
        conn = socket.create_connection(("127.0.0.1", port), timeout=60)
        conn.sendall(header)
        conn = client.wrap(conn)
        assert client.ask(f"STOR {FEED}")[:3] in ("125", "150")
        conn.sendall(b"x")
        conn.unwrap().close()
        assert client.reply().startswith("226")
        assert server.desk.files[0].peer == peer
        assert server.said("ftps.login")[0]["peer"] == peer


@pytest.mark.parametrize(
    "header",
    [
        b"USER anna\r\n",
        b"PROXY TCP4 nonsense 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 127.0.0.1 1\r\n",
        b"PROXY TCP4 1.2.3.4 127.0.0.1 99999 2\r\n",
        b"PROXY " + b"x" * 200,
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c" + bytes(12),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + bytes(12),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x31\0\x0c" + bytes(12),
    ],
)
def test_a_balancer_without_a_header_is_not_answered(tmp_path: Path, certificate: Path, header: bytes) -> None:
    with rig(tmp_path, certificate, proxy_from=(ip_network("127.0.0.0/8"),)) as server:
        with socket.create_connection(("127.0.0.1", server.options.port), timeout=60) as raw:
            raw.sendall(header)
            with contextlib.suppress(ConnectionResetError):
                assert raw.recv(1) == b""
        assert server.said("ftps.connect") == []


def test_a_password_that_is_checked_when_the_server_has_stopped_troubles_nobody(monkeypatch) -> None:
    from feedengine.transport.ftps.backstage import Backstage
    from feedengine.transport.ftps.upstream import IOLoop

    faults: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda told: faults.append(told.exc_value))
    before = set(threading.enumerate())
    begun, gate, loop, told = threading.Event(), threading.Event(), IOLoop.factory(), []
    backstage = Backstage(loop, 1)

    def check() -> None:
        begun.set()
        gate.wait(120)

    backstage.doors(check, lambda result, error: told.append(result))
    assert begun.wait(120)
    backstage.close()
    loop.close()
    gate.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(120)
    assert faults == [] and told == []


def test_masquerading_names_the_address_outside(tmp_path: Path, certificate: Path, monkeypatch) -> None:
    from feedengine.transport.ftps.backstage import Backstage
    from feedengine.transport.ftps.masquerade import Masquerade

    asked: list[str] = []

    class Now(Backstage):
        def __init__(self) -> None:
            pass

        def disk(self, work, then) -> None:
            asked.append("again")
            then(work(), None)

    outside = Masquerade("203.0.113.7", Now())
    assert outside.address("10.0.0.5", "198.51.100.1") == "203.0.113.7"
    assert outside.address("127.0.0.1", "127.0.0.1") == "127.0.0.1"
    named = Masquerade("localhost", Now())
    assert named.address("10.0.0.5", "198.51.100.1") == "127.0.0.1"
    assert asked == []
    monkeypatch.setattr("feedengine.transport.ftps.masquerade.look_up", lambda name: "203.0.113.8")
    monkeypatch.setattr("feedengine.transport.ftps.masquerade.time.monotonic", lambda: time.time() + 1e6)
    named.address("10.0.0.5", "198.51.100.1")
    assert asked == ["again"]
    assert named.address("10.0.0.5", "198.51.100.1") == "203.0.113.8"


def test_a_big_file_is_received_beside_small_ones(server: Rig) -> None:
    data = random.Random(3).randbytes(20_000_000)
    big = server.connect()
    conn = big.data(f"STOR {FEED}")
    sender = threading.Thread(target=conn.sendall, args=(data,))
    sender.start()
    small = server.connect()
    for number in range(5):
        assert small.put(f"/in/{number}.csv", b"x").startswith("226")
    sender.join()
    conn.unwrap().close()
    assert big.reply().startswith("226")
    assert server.home(FEED[1:]).read_bytes() == data
