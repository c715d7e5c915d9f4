"""Passive ports: always the ones of the setting; who comes when all are taken waits for one, nobody gets another."""

from __future__ import annotations

import errno
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from feedengine.errors import ConfigError
from feedengine.transport.ftps.member import Member
from feedengine.transport.ftps.proxy import Introduction

_BACKLOG = 64
_ACCEPTED_AT_ONCE = 32


class Expected:
    """One announced port: the next connection from this address to it belongs to this session.

    `arrived` is called with the socket, `late` when it did not come in time. Closing it twice is harmless.
    """

    def __init__(self, ports: Ports, address: str, arrived: Callable[[socket.socket], None]) -> None:
        self.address = address
        self.arrived = arrived
        self.port = 0
        self._ports = ports
        self._timer: Any = None

    def within(self, seconds: float, late: Callable[[], None]) -> None:
        """Give up when nobody comes for so long."""

        if self._timer is not None and not self._timer.cancelled:
            self._timer.cancel()

        def expired() -> None:
            self._timer = None
            self.close()
            late()

        self._timer = self._ports.loop.call_later(seconds, expired)

    def close(self) -> None:
        if self._timer is not None:
            if not self._timer.cancelled:
                self._timer.cancel()
            self._timer = None
        self._ports.give_back(self)


class Ports:
    """Listens on every passive port all the time. A port serves many sessions, if their addresses differ.

    So a port is taken only while a client of the same address is expected on it, from its PASV until it connects.
    """

    def __init__(
        self,
        loop: Any,
        host: str,
        ports: Iterable[int],
        foreign: Callable[[str, int], None],
        behind: Callable[[str], bool] = lambda address: False,
    ) -> None:
        self.loop = loop
        self.waited = 0
        self.refused = 0
        self._foreign = foreign
        self._behind = behind
        self._expected: dict[tuple[str, int], Expected] = {}
        self._waiting: dict[str, deque[tuple[Expected, Callable[[], None]]]] = {}
        self._next = 0
        self._listeners: dict[int, _Listener] = {}
        self._missing: list[int] = []
        self._host = host
        for port in ports:
            self._open(port)
        if not self._listeners:
            raise ConfigError(
                f"None of the passive ports {next(iter(ports))} and following is free.",
                state="The FTPS server was not started.",
                hints=["Stop the other program, or set ftps.passive_ports"],
            )
        self.numbers = sorted(self._listeners)

    def _open(self, port: int) -> None:
        try:
            self._listeners[port] = _Listener(self, self._host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            self._missing.append(port)

    @property
    def missing(self) -> list[int]:
        """Ports of the setting that another program holds."""
        return self._missing

    def retry(self) -> None:
        """Try again to get the ports that another program held."""
        missing, self._missing = self._missing, []
        for port in missing:
            self._open(port)
        self.numbers = sorted(self._listeners)

    def announce(self, expected: Expected, ready: Callable[[], None]) -> bool:
        """Take a port for it, or queue for one: then `ready` is called later. Says whether it has a port now."""
        if self._take(expected):
            return True
        self.waited += 1
        self._waiting.setdefault(expected.address, deque()).append((expected, ready))
        return False

    def _take(self, expected: Expected) -> bool:
        count = len(self.numbers)
        for step in range(count):
            port = self.numbers[(self._next + step) % count]
            if (expected.address, port) not in self._expected:
                self._next = (self._next + step + 1) % count
                expected.port = port
                self._expected[expected.address, port] = expected
                return True
        return False

    def give_back(self, expected: Expected) -> None:
        """The port is free again for this address: who waits for it is next."""
        queue = self._waiting.get(expected.address)
        if not expected.port:
            if queue:
                kept = deque(each for each in queue if each[0] is not expected)
                self._waiting[expected.address] = kept
                if not kept:
                    del self._waiting[expected.address]
            return
        if self._expected.pop((expected.address, expected.port), None) is None:
            return
        expected.port = 0
        while queue:
            following, ready = queue.popleft()
            if self._take(following):
                ready()
            break
        if queue is not None and not queue:
            self._waiting.pop(expected.address, None)

    def accepted(self, port: int, sock: socket.socket, address: str) -> None:
        """A connection came in on a port; a balancer's says first for whom it is."""
        if self._behind(address):
            Introduction(self.loop, sock, lambda same, who: self._arrived(port, same, plain(who[0])))
        else:
            self._arrived(port, sock, address)

    def _arrived(self, port: int, sock: socket.socket, address: str) -> None:
        expected = self._expected.get((address, port))
        if expected is None:
            self.refused += 1
            # Told first: who sees the connection end finds it in the log.
            self._foreign(address, port)
            sock.close()
            return
        take = expected.arrived
        expected.close()
        sock.setblocking(False)
        take(sock)

    def close(self) -> None:
        """Stop listening."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()


class _Listener(Member):
    """One passive port in the loop."""

    def __init__(self, ports: Ports, host: str, port: int) -> None:
        super().__init__()
        self._ports = ports
        self._port = port
        self._socket = listening(host, port, _BACKLOG)
        self.join(ports.loop, self._socket.fileno())

    def handle_read_event(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, address = self._socket.accept()
            except OSError:
                return
            try:
                self._ports.accepted(self._port, sock, plain(address[0]))
            except OSError:
                sock.close()

    def handle_close(self) -> None:
        self.close()

    def close(self) -> None:
        if self.leave():
            self._socket.close()


def listening(host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket that doesn't block; for IPv4 and IPv6 where no host is named. Raises OSError."""
    if host:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        made = socket.socket(family, socket.SOCK_STREAM)
    elif socket.has_dualstack_ipv6():
        made = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        host = "::"
    else:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(backlog)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def plain(address: str) -> str:
    """An address as people write it: IPv4 behind a socket for both comes as `::ffff:1.2.3.4`."""
    return address.removeprefix("::ffff:")
