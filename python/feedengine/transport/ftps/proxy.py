"""The PROXY protocol, versions 1 and 2: what a balancer says before anything else, about whom it speaks for."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

_V2 = b"\r\n\r\n\0\r\nQUIT\n"
_LONGEST_V1 = 107
_LONGEST = 1024


_SECONDS = 5.0


class BadHeader(Exception):
    """Not a PROXY header."""


def read_header(sock: socket.socket) -> tuple[str, int] | None:
    """Take the header from a socket that does not block: the client's address and port, None until it is whole.

    Nothing behind the header is taken. An own connection of the balancer (LOCAL, UNKNOWN) gives its own address.
    Raises `BadHeader`, OSError.
    """
    try:
        seen = sock.recv(_LONGEST, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    if not seen:
        raise BadHeader("the balancer hung up")
    length, found = _parse(seen)
    if length == 0:
        return None
    sock.recv(length)
    return found or sock.getpeername()[:2]


def _parse(seen: bytes) -> tuple[int, tuple[str, int] | None]:
    """Length of the header (0 = not whole yet) and whom it names (None = the balancer itself)."""
    if seen[:12] == _V2[: len(seen)]:
        return _v2(seen)
    if seen[:6] == b"PROXY "[: len(seen)]:
        return _v1(seen)
    raise BadHeader("no PROXY header")


def _v1(seen: bytes) -> tuple[int, tuple[str, int] | None]:
    end = seen.find(b"\r\n", 0, _LONGEST_V1)
    if end < 0:
        if len(seen) >= _LONGEST_V1:
            raise BadHeader("the PROXY line does not end")
        return 0, None
    words = seen[:end].decode("ascii", "replace").split(" ")
    if len(words) >= 2 and words[1] == "UNKNOWN":
        return end + 2, None
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise BadHeader("the PROXY line is malformed")
    return end + 2, _who(words[2], words[4])


def _v2(seen: bytes) -> tuple[int, tuple[str, int] | None]:
    if len(seen) < 16:
        return 0, None
    command, family, length = seen[12], seen[13], int.from_bytes(seen[14:16])
    if command >> 4 != 2 or command & 15 > 1 or 16 + length > _LONGEST:
        raise BadHeader("the PROXY header is malformed")
    if len(seen) < 16 + length:
        return 0, None
    if command & 15 == 0:
        return 16 + length, None
    sizes = {0x11: 4, 0x21: 16}
    size = sizes.get(family)
    if size is None or length < 2 * size + 4:
        raise BadHeader("the PROXY header names no TCP connection")
    body = seen[16:]
    port = int.from_bytes(body[2 * size : 2 * size + 2])
    return 16 + length, (str(ip_address(body[:size])), port)


def _who(address: str, port: str) -> tuple[str, int]:
    try:
        found, number = ip_address(address), int(port)
    except ValueError:
        raise BadHeader("the PROXY line names no address") from None
    if not 0 <= number <= 65535:
        raise BadHeader("the PROXY line names no port")
    return str(found), number


class Introduction:
    """A connection of a balancer that has not said yet for whom it is; `then` is told, or the connection is closed."""

    def __init__(self, loop: Any, sock: socket.socket, then: Callable[[socket.socket, tuple[str, int]], None]) -> None:
        sock.setblocking(False)
        self._loop = loop
        self._socket = sock
        self._then = then
        self._fileno = sock.fileno()
        loop.register(self._fileno, self, loop.READ)
        self._timer = loop.call_later(_SECONDS, self.close)

    def handle_read_event(self) -> None:
        try:
            who = read_header(self._socket)
        except (BadHeader, OSError):
            self.close()
            return
        if who is not None:
            self._leave()
            self._then(self._socket, who)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_error(self) -> None:
        self.close()

    def handle_close(self) -> None:
        self.close()

    def close(self) -> None:
        self._leave()
        self._socket.close()

    def _leave(self) -> None:
        if self._fileno >= 0:
            with suppress(OSError):
                self._loop.unregister(self._fileno)
            self._fileno = -1
        if not self._timer.cancelled:
            self._timer.cancel()
