"""An FTPS session by hand: what no client would send can be said, and every reply is seen as it is."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
from types import TracebackType
from typing import NamedTuple, Self

_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Reply(NamedTuple):
    """A reply: its code, and all of its text."""

    code: int
    text: str


class Talk:
    """A control connection. Replies that don't come raise TimeoutError, a closed connection gives code 0."""

    def __init__(self, host: str, port: int, *, seconds: float = 60.0, source: str = "") -> None:
        """Connect, from the address `source` where given; the greeting is in `greeting`."""
        self.host, self.seconds = host, seconds
        self._source = (source, 0) if source else None
        self.sock: socket.socket = socket.create_connection((host, port), seconds, self._source)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self._waiting = b""
        self.all: list[Reply] = []
        self.greeting = self.reply()

    def write(self, data: bytes) -> None:
        """Send these bytes, nothing added."""
        self.sock.sendall(data)

    def reply(self) -> Reply:
        """The next reply."""
        lines: list[str] = []
        while True:
            line = self._line()
            if line is None:
                return Reply(0, "\n".join(lines))
            lines.append(line)
            if re.match(rf"{lines[0][:3]} ", line):
                break
        found = Reply(int(lines[0][:3]), "\n".join(lines))
        self.all.append(found)
        return found

    def _line(self) -> str | None:
        while b"\r\n" not in self._waiting:
            try:
                block = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return None
            if not block:
                return None
            self._waiting += block
        line, _, self._waiting = self._waiting.partition(b"\r\n")
        return line.decode("utf-8", "backslashreplace")

    def say(self, line: str | bytes) -> Reply:
        """Send a line, get its reply; code 0 where the server hung up instead."""
        data = line if isinstance(line, bytes) else line.encode("utf-8", "surrogateescape")
        try:
            self.write(data + b"\r\n")
        except (ConnectionError, ssl.SSLError):
            return Reply(0, "")
        return self.reply()

    def secure(self) -> Reply:
        """AUTH TLS and the handshake."""
        found = self.say("AUTH TLS")
        if found.code == 234:
            # In two steps, so that a handshake that fails leaves no socket behind.
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()
        return found

    def login(self, user: str, password: str) -> Reply:
        """All the way to a session that may transfer."""
        if not isinstance(self.sock, ssl.SSLSocket):
            self.secure()
        self.say(f"USER {user}")
        found = self.say(f"PASS {password}")
        if found.code == 230:
            self.say("PBSZ 0")
            self.say("PROT P")
            self.say("TYPE I")
        return found

    def passive(self) -> int:
        """Ask for a data port."""
        found = self.say("EPSV")
        match = re.search(r"\(\|\|\|(\d+)\|\)", found.text)
        if found.code != 229 or not match:
            raise ConnectionRefusedError(found.text)
        return int(match[1])

    def plug(self, port: int) -> socket.socket:
        """A bare connection to a data port."""
        return socket.create_connection((self.host, port), self.seconds, self._source)

    def wrap(self, data: socket.socket) -> ssl.SSLSocket:
        """TLS on a data connection, resuming the session."""
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        return self.context.wrap_socket(data, server_hostname=self.host, session=session, suppress_ragged_eofs=False)

    def transfer(self, command: str | bytes) -> tuple[Reply, ssl.SSLSocket | None]:
        """Begin a transfer: the first reply, and the data connection where the server agreed."""
        data = self.plug(self.passive())
        first = self.say(command)
        if first.code not in (125, 150):
            data.close()
            return first, None
        try:
            return first, self.wrap(data)
        except BaseException:
            data.close()
            raise

    def store(self, name: str, content: bytes, command: str = "STOR") -> Reply:
        """Upload a file whole; the final reply."""
        try:
            first, data = self.transfer(f"{command} {name}")
        except (ConnectionRefusedError, ConnectionResetError):
            raise
        except OSError:
            return self.reply()  # the handshake failed
        if data is None:
            return first
        with data, contextlib.suppress(OSError):
            data.sendall(content)
            data.unwrap()
        return self.reply()

    def fetch(self, command: str | bytes) -> tuple[Reply, bytes]:
        """Download or list; the final reply and what came."""
        first, data = self.transfer(command)
        if data is None:
            return first, b""
        found = bytearray()
        with data, contextlib.suppress(OSError):
            while block := data.recv(65536):
                found += block
        return self.reply(), bytes(found)

    def vanish(self) -> None:
        """End with an RST."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self.sock.close()

    def close(self) -> None:
        """End without a word."""
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
