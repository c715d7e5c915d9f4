"""A TCP proxy that misbehaves on request: stalls, resets, half-closed and silent connections, slow lines, early ends.

It listens on another loopback address with the same port numbers as the server, so passive ports need no rewriting
(which TLS would forbid): a client that is told to use 127.0.0.2 finds the data ports there, too.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_BLOCK = 65536
_TICK = 0.02
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a connection once `after` bytes went in direction `way` (up: client to server, or down).

    stall: nothing passes for `seconds`, then all is well. reset: both ends get an RST. half-close: the receiver of
    `way` gets a FIN, the rest of that direction is swallowed, the other direction goes on. silence: nothing passes any
    more and nobody is told. truncate: both ends get a FIN. slow: `rate` bytes a second pass in direction `way`.
    """

    kind: str
    after: int = 0
    way: str = "up"
    seconds: float = 0.0
    rate: int = 0


#: Says what is to go wrong with the next connection of a channel (control, data); None = nothing.
Choice = Callable[[str], Fault | None]


class Proxy:
    """The ports of a server at another address. `counts` are the faults that happened, by kind."""

    def __init__(self, control: int, data: Iterable[int] = (), *, at: str = "127.0.0.2", to: str = "127.0.0.1") -> None:
        """Listen at once. Raises OSError where a port is taken."""
        self.host, self.port, self._to = at, control, to
        self.counts: dict[str, int] = {}
        self.choose: Choice | None = None
        self._armed: deque[tuple[str, Fault]] = deque()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._pairs: set[_Pair] = set()
        self._listeners: dict[int, tuple[socket.socket, str]] = {}
        for port in dict.fromkeys([control, *data]):
            listener = socket.create_server((at, port), backlog=512)
            listener.setblocking(False)
            self._listeners[listener.fileno()] = (listener, "control" if port == control else "data")
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._thread.start()

    def arm(self, fault: Fault, channel: str = "data", times: int = 1) -> None:
        """The next `times` connections of the channel suffer this."""
        with self._lock:
            self._armed.extend([(channel, fault)] * times)

    def disarm(self) -> None:
        """All is well with connections from now on."""
        with self._lock:
            self._armed.clear()
        self.choose = None

    def close(self) -> None:
        """Reset every connection and listen no more."""
        self._ended.set()
        self._thread.join()
        for listener, _ in self._listeners.values():
            listener.close()
        for pair in list(self._pairs):
            pair.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        poll = select.poll()
        for number in self._listeners:
            poll.register(number, select.POLLIN)
        while not self._ended.is_set():
            for number, _ in poll.poll(100):
                listener, channel = self._listeners[number]
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    client, _ = listener.accept()
                    port = listener.getsockname()[1]
                    self._pairs.add(_Pair(self, client, (self._to, port), self._fault(channel)))

    def _fault(self, channel: str) -> Fault | None:
        with self._lock:
            for entry in self._armed:
                if entry[0] == channel:
                    self._armed.remove(entry)
                    return entry[1]
        return self.choose(channel) if self.choose else None

    def happened(self, fault: Fault) -> None:
        """Count a fault."""
        with self._lock:
            self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1

    def ended(self) -> bool:
        """Whether connections have to end."""
        return self._ended.is_set()

    def forget(self, pair: _Pair) -> None:
        """The connection has ended."""
        self._pairs.discard(pair)


@dataclass
class _Flow:
    """One direction: what was read and is not yet written, and what passed."""

    source: socket.socket
    sink: socket.socket
    waiting: bytes = b""
    passed: int = 0
    ended: bool = False  # the source has no more to say
    closed: bool = False  # the sink was told so
    swallow: bool = False


class _Pair(threading.Thread):
    """A connection of a client and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, client: socket.socket, to: tuple[str, int], fault: Fault | None) -> None:
        super().__init__(name="proxied", daemon=True)
        self._proxy, self._client, self._to, self._fault = proxy, client, to, fault
        self.start()

    def run(self) -> None:
        try:
            # From the proxy's own address: behind each proxy there seems to be another client.
            self._server = socket.create_connection(self._to, timeout=10, source_address=(self._proxy.host, 0))
        except OSError:
            self._reset(self._client)
            self._proxy.forget(self)
            return
        up, down = _Flow(self._client, self._server), _Flow(self._server, self._client)
        self._flows = {"up": up, "down": down}
        if self._fault and self._fault.kind == "slow":
            # A slow reader's window is small, or the kernel would take megabytes at once.
            self._flows[self._fault.way].source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        for one in (self._client, self._server):
            one.setblocking(False)
        try:
            self._forward()
            # Politely: what was not delivered yet still is.
            self._client.close()
            self._server.close()
        except OSError:
            self._reset(self._client, self._server)
        finally:
            self._proxy.forget(self)

    def _forward(self) -> None:
        while not all(flow.closed for flow in self._flows.values()):
            if self._proxy.ended():
                raise ConnectionAbortedError
            if self._strike():
                return
            self._await()
            for way, flow in self._flows.items():
                self._move(way, flow)

    def _await(self) -> None:
        """Wait until something can be read or written, a moment at most."""
        wanted: dict[socket.socket, int] = {}
        for way, flow in self._flows.items():
            if flow.waiting:
                wanted[flow.sink] = wanted.get(flow.sink, 0) | select.POLLOUT
            elif not flow.ended and self._may(way):
                wanted[flow.source] = wanted.get(flow.source, 0) | select.POLLIN
        if not wanted:
            time.sleep(_TICK)
            return
        poll = select.poll()
        for one, events in wanted.items():
            poll.register(one, events)
        poll.poll(100)

    def _move(self, way: str, flow: _Flow) -> None:
        with contextlib.suppress(BlockingIOError):
            if not flow.waiting and not flow.ended and (room := self._may(way)):
                block = flow.source.recv(room)
                flow.ended = not block
                flow.waiting = b"" if flow.swallow else block
                if self._fault and self._fault.way == way:
                    self._spent += len(block)
            if flow.waiting:
                sent = flow.sink.send(flow.waiting)
                flow.waiting = flow.waiting[sent:]
                flow.passed += sent
            if flow.ended and not flow.waiting and not flow.closed:
                flow.closed = True
                with contextlib.suppress(OSError):
                    flow.sink.shutdown(socket.SHUT_WR)

    _spent = 0
    _since = 0.0

    def _may(self, way: str) -> int:
        """How many bytes may be read now in this direction: up to the fault's place, or as the rate says."""
        fault = self._fault
        if fault is None or fault.way != way:
            return _BLOCK
        if fault.kind == "slow":
            clock = time.monotonic()
            if not self._since:
                self._since, self._spent = clock, 0
                self._proxy.happened(fault)
            return max(0, min(_BLOCK, int((clock - self._since) * fault.rate) - self._spent))
        return max(0, min(_BLOCK, fault.after - self._flows[way].passed))

    def _strike(self) -> bool:
        """Do what the fault says if its place was reached; True where the connection is to be closed politely."""
        fault = self._fault
        if fault is None or fault.kind == "slow" or self._flows[fault.way].passed < fault.after:
            return False
        self._fault = None
        self._proxy.happened(fault)
        flow = self._flows[fault.way]
        if fault.kind == "stall":
            self._idle(fault.seconds)
        elif fault.kind == "silence":
            self._idle(float("inf"))
        elif fault.kind == "reset":
            raise ConnectionResetError
        elif fault.kind == "half-close":
            flow.sink.shutdown(socket.SHUT_WR)
            flow.swallow = flow.closed = True
        elif fault.kind == "truncate":
            return True
        else:
            raise ValueError(f"no fault is called {fault.kind}")
        return False

    def _idle(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._proxy.ended():
                raise ConnectionAbortedError
            time.sleep(_TICK)

    @staticmethod
    def _reset(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            end.close()
