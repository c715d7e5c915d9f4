"""A running FTPS server with a desk and three accounts, for tests; and clients that do what they should not."""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from feedengine.accounts import Account, Verdict
from feedengine.transport.ftps.hall import Hall
from feedengine.transport.ftps.options import Options
from feedengine.transport.ftps.server import Server
from feedengine.transport.landing import Landing, Rules
from network.ports import free_block
from transport.desk import Desk

PASSWORD = "correct horse"
_T = TypeVar("_T")
OPTIONS = Options(
    host="127.0.0.1",
    port=0,
    implicit_port=0,
    passive_ports=range(1),
    passive_wait=10.0,
    masquerade="",
    proxy_from=(),
    certificate=Path(),
    key=None,
    tls_min="1.2",
    session_reuse="prefer",
    tls_eof="strict",
    login_timeout=30.0,
    idle_timeout=60.0,
    stall_timeout=30.0,
    connect_timeout=10.0,
    drain_timeout=10.0,
    login_delay=0.0,
    login_attempts=3,
    max_sessions=0,
    max_per_address=0,
    max_per_account=0,
)


class Doorkeeper:
    """Knows the accounts; `gate` holds every check until it is set."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.name: account for account in accounts}
        self.gate = threading.Event()
        self.gate.set()
        self.checks = 0
        self.ban = 0.0

    def enter(self, name: str, password: str, peer: str) -> Verdict:
        self.checks += 1
        self.gate.wait(120)
        account = self.accounts.get(name)
        if account is None or password != PASSWORD:
            return Verdict(None, "unknown" if account is None else "password")
        return Verdict(account)

    def at_once(self, name: str, password: str, peer: str) -> Account | None:
        return None

    def banned(self, peer: str) -> float:
        return self.ban

    def current(self, account: Account) -> Account | None:
        return self.accounts.get(account.name)


class Rig:
    """The server runs in a thread of this process; `events` is its audit log."""

    def __init__(self, store: Path, certificate: Path, rules: Rules | None = None, **options: Any) -> None:
        self.store = store
        self.certificate = certificate
        self.desk = Desk()
        self.opened: list[Any] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.anna = Account("anna", "anna")
        self.door = Doorkeeper(
            self.anna,
            Account("lena", "lena", tls_eof="lenient"),
            Account("vera", "vera", tls_eof="verify"),
            Account("reader", "anna", may="lr"),
        )
        self.landing = Landing(self.desk, store, rules or Rules(least_free=0))
        self.options = replace(OPTIONS, certificate=certificate, **options)
        self._stop = threading.Event()
        self.server = self._start()
        self.thread = threading.Thread(target=self.server.run, args=(self._stop.is_set,), daemon=True)
        self.thread.start()

    def _start(self) -> Server:
        """On ports that are free; other tests run beside this one."""
        block = free_block(2 + len(self.options.passive_ports))
        implicit = block[1] if self.options.implicit_port else 0
        self.options = replace(self.options, port=block[0], implicit_port=implicit, passive_ports=block[2:])
        server = Server(self.options, self.door, self.landing, self.log, self.store / "run" / "ftps.json")
        assert not server.hall.ports.missing
        server.start()
        return server

    def log(self, event: str, *, level: str = "info", **facts: Any) -> None:
        self.events.append((event, facts))

    def said(self, event: str) -> list[dict[str, Any]]:
        """Facts of all events of this name."""
        return [facts for name, facts in list(self.events) if name == event]

    def wait_for(self, event: str, times: int = 1) -> list[dict[str, Any]]:
        """The same, once there are so many."""
        until = time.monotonic() + 120
        while len(self.said(event)) < times:
            assert time.monotonic() < until, (event, self.events[-5:])
            time.sleep(0.005)
        return self.said(event)

    def arrived(self, least: int) -> None:
        """Wait until a running upload has so many bytes."""
        until = time.monotonic() + 120
        while not any(
            session.data_channel and session.data_channel.tot_bytes_received >= least
            for session in list(self.server.hall.sessions)
        ):
            assert time.monotonic() < until
            time.sleep(0.005)

    def until(self, true: Callable[[Hall], bool]) -> None:
        """Wait for something to be true of the running server."""
        until = time.monotonic() + 120
        while not true(self.server.hall):
            assert time.monotonic() < until
            time.sleep(0.005)

    def stop(self) -> None:
        """End it, with all connections of the test."""
        for each in self.opened:
            each.close()
        self.stop_only()

    def stop_only(self) -> None:
        """What SIGTERM does; returns when the server has ended."""
        self._stop.set()
        self.thread.join(120)
        assert not self.thread.is_alive()

    def home(self, path: str = "", name: str = "anna") -> Path:
        return self.store / "homes" / name / path

    def files(self, name: str = "anna") -> list[str]:
        """Visible and hidden files in a home."""
        root = self.home(name=name)
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())

    # clients

    def tls(self, version: str = "1.3") -> ssl.SSLContext:
        """A verifying client context of one TLS version."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.minimum_version = context.maximum_version = {
            "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3,
        }[version]
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        return context

    def connect(self, version: str = "1.3", user: str | None = "anna", timeout: float = 60.0) -> Client:
        """A client with TLS on both connections, logged in unless `user` is None."""
        client = Client(context=self.tls(version), timeout=timeout)
        self.opened.append(client)
        client.connect("127.0.0.1", self.options.port)
        client.server_name = "localhost"
        client.auth()
        if user is not None:
            client.login(user, PASSWORD, secure=False)
            client.prot_p()
        return client

    def plain(self) -> Line:
        """A bare control connection, its greeting read."""
        line = Line(socket.create_connection(("127.0.0.1", self.options.port), timeout=60))
        self.opened.append(line)
        line.reply()
        return line


class Client(ftplib.FTP_TLS):
    """ftplib, continuing the control connection's TLS session on data connections, and strict about their ends."""

    server_name = "localhost"
    reuse = True

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.opened: list[socket.socket] = []

    def close(self) -> None:
        """The control connection and whatever data connections a test left open."""
        super().close()
        for each in self.opened:
            each.close()

    def auth(self) -> str:
        reply = self.voidcmd("AUTH TLS")
        self.sock = self.context.wrap_socket(self.sock, server_hostname="localhost")
        self.file = self.sock.makefile(mode="r", encoding=self.encoding)
        return reply

    def data(self, cmd: str, rest: int | None = None) -> ssl.SSLSocket:
        """The data connection of a transfer that has been begun."""
        sock, _ = self.ntransfercmd(cmd, rest)
        return sock  # type: ignore[return-value]

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.wrap(conn), size

    def wrap(self, conn: socket.socket) -> ssl.SSLSocket:
        session = self.sock.session if self.reuse else None  # type: ignore[union-attr]
        self.opened.append(conn)
        made = self.context.wrap_socket(conn, server_hostname="localhost", session=session, suppress_ragged_eofs=False)
        self.opened.append(made)
        return made

    def put(self, path: str, data: bytes, rest: int | None = None) -> str:
        """Upload politely; gives the last reply."""
        conn = self.data(f"STOR {path}", rest)
        conn.sendall(data)
        conn.unwrap().close()
        return self.voidresp()

    def get(self, path: str, rest: int | None = None) -> bytes:
        """Download; an end without close_notify raises."""
        conn = self.data(f"RETR {path}", rest)
        found = b""
        while block := conn.recv(65536):
            found += block
        conn.close()
        self.voidresp()
        return found

    def lines(self, cmd: str) -> list[str]:
        """A listing."""
        conn = self.data(cmd)
        found = b""
        while block := conn.recv(65536):
            found += block
        conn.close()
        self.voidresp()
        return found.decode().splitlines()

    def reply(self) -> str:
        """The next reply, whatever its code."""
        return self.getmultiline()

    def ask(self, cmd: str) -> str:
        """A command's reply, whatever its code."""
        self.putcmd(cmd)
        return self.getmultiline()

    def passive(self) -> socket.socket:
        """A bare connection to an announced passive port."""
        host, port = self.makepasv()
        made = socket.create_connection((host, port), timeout=60)
        self.opened.append(made)
        return made


class Line:
    """A control connection byte by byte."""

    def close(self) -> None:
        self.sock.close()

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._got = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self) -> str:
        """The next line; empty where the connection ended."""
        while b"\r\n" not in self._got:
            try:
                block = self.sock.recv(4096)
            except ConnectionResetError:
                block = b""
            if not block:
                return ""
            self._got += block
        line, _, self._got = self._got.partition(b"\r\n")
        return line.decode()

    def secure(self, context: ssl.SSLContext) -> None:
        assert not self._got
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost")

    def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing more comes for so long."""
        self.sock.settimeout(seconds)
        try:
            return not self._got and self.sock.recv(1) is None
        except (TimeoutError, ssl.SSLWantReadError):
            return True
        finally:
            self.sock.settimeout(60)


def in_the_end(act: Callable[[], _T]) -> _T:
    """What `act` gives once it succeeds: a bound that a test makes short can be missed on a busy machine."""
    until = time.monotonic() + 120
    while True:
        try:
            return act()
        except ftplib.all_errors:
            assert time.monotonic() < until


def reset(sock: socket.socket) -> None:
    """End a connection with RST, as a dying machine's firewall does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket.close(sock)


def fin(sock: socket.socket) -> None:
    """End a connection with FIN, without close_notify."""
    socket.socket.shutdown(sock, socket.SHUT_RDWR)
    socket.socket.close(sock)


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate for localhost with its key, in one file."""
    path = folder / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *(
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout",
                str(path),
                "-out",
                str(folder / "c.pem"),
            ),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + (folder / "c.pem").read_bytes())
    return path


@contextlib.contextmanager
def rig(store: Path, certificate: Path, ports: int = 3, **options: Any) -> Iterator[Rig]:
    """A running server, stopped in the end; a mistake in it fails the test."""
    made = Rig(store, certificate, passive_ports=range(ports), **options)
    try:
        yield made
    finally:
        made.stop()
    assert made.said("ftps.fault") == []
