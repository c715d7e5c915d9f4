"""TLS for pyftpdlib's channels on the standard library: contexts, handshakes driven by events, honest ends."""

from __future__ import annotations

import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from feedengine.transport.ftps.upstream import NotYet

_TICKETS = 2
_POOL = 16
# A shared context is made anew from time to time, so that no ticket key lives long.
_SHARED_SECONDS = 300.0
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_NOT_YET = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)


class Certificates:
    """Gives each control connection its context; its data connections use the same one.

    A ticket is good in the context that wrote it only. With `require` every session has a fresh context, so that a
    resumed data connection proves whose it is; otherwise sessions share one, as nothing is concluded from a resumption.
    """

    def __init__(self, certificate: Path, key: Path | None, tls_min: str, session_reuse: str) -> None:
        self._files = (certificate, key)
        self._least = _VERSIONS[tls_min]
        self._fresh = session_reuse == "require"
        self.tickets = 0 if session_reuse == "off" else _TICKETS
        self._pool: deque[ssl.SSLContext] = deque()
        self._filling = threading.Lock()
        self._shared = self._make()
        self._made = time.monotonic()

    def _make(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self._least
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        # A connection that just ends is not one that was closed.
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        if not self.tickets:
            context.options |= ssl.OP_NO_TICKET
        context.load_cert_chain(*self._files)
        return context

    def reload(self) -> None:
        """Read the files again. Raises OSError, ssl.SSLError; then the old certificate stays."""
        self._shared = self._make()
        self._made = time.monotonic()
        self._pool.clear()

    def session(self) -> ssl.SSLContext:
        """The context for a new control connection."""
        if not self._fresh:
            if time.monotonic() - self._made > _SHARED_SECONDS:
                # A certificate that is just being replaced is no reason to turn anybody away.
                with suppress(OSError, ssl.SSLError):
                    self.reload()
                self._made = time.monotonic()
            return self._shared
        if len(self._pool) < _POOL // 2 and self._filling.acquire(blocking=False):
            threading.Thread(target=self._fill, name="contexts", daemon=True).start()
        try:
            return self._pool.popleft()
        except IndexError:
            return self._make()

    def _fill(self) -> None:
        try:
            with suppress(OSError, ssl.SSLError):
                while len(self._pool) < _POOL:
                    self._pool.append(self._make())
        finally:
            self._filling.release()


class TlsChannel(ABC):
    """A mixin before pyftpdlib's AsyncChat: plain until `secure`, then a handshake, then encrypted.

    Subclasses are told by `tls_ready` and `tls_failed`.
    """

    socket: Any
    ioloop: Any
    _fileno: int
    _closed: bool
    _shaking = False
    _secured = False

    def secure(self, context: ssl.SSLContext, tickets: int) -> None:
        """Begin the handshake. `tickets` for the peer to resume with; none may be written where it does not read."""
        self._shaking = True
        try:
            # Copied into the connection when it is made.
            context.num_tickets = tickets
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False
            )
        except (OSError, ValueError) as error:
            self._shaking = False
            self.tls_failed(error)

    @abstractmethod
    def tls_ready(self) -> None:
        """The handshake is done."""

    @abstractmethod
    def tls_failed(self, error: Exception) -> None:
        """It came to nothing."""

    def handle_read_event(self) -> None:
        if self._shaking:
            self._shake()
        else:
            super().handle_read_event()  # type: ignore[misc]

    def handle_write_event(self) -> None:
        if self._shaking:
            self._shake()
        else:
            super().handle_write_event()  # type: ignore[misc]

    def _shake(self) -> None:
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self.watch(self.ioloop.READ)
        except ssl.SSLWantWriteError:
            self.watch(self.ioloop.READ | self.ioloop.WRITE)
        except (OSError, ValueError) as error:
            self._shaking = False
            self.tls_failed(error)
        else:
            self._shaking = False
            self._secured = True
            self.tls_ready()

    def watch(self, events: int) -> None:
        """Be told of these events only; 0 = of errors."""
        if not self._closed:
            self.ioloop.modify(self._fileno, events)
            self._current_io_events = self._wanted_io_events = events

    def recv(self, size: int) -> bytes:
        """As AsyncChat's, for encrypted channels too."""
        try:
            data: bytes = self.socket.recv(size)
        except _NOT_YET as error:
            raise NotYet from error
        except OSError:
            data = b""
        if not data:
            self.handle_close()
        return data

    def send(self, data: bytes) -> int:
        """As AsyncChat's, for encrypted channels too."""
        try:
            return int(self.socket.send(data))
        except _NOT_YET:
            return 0
        except OSError:
            self.handle_close()
            return 0

    @abstractmethod
    def handle_close(self) -> None:
        """The peer is gone."""

    def say_goodbye(self) -> None:
        """Send close_notify, as well as that can be done without waiting."""
        if self._secured:
            self._secured = False
            with suppress(OSError, ValueError):
                self.socket.unwrap()


def why(error: Exception) -> str:
    """A TLS failure in a few words, without the library's file names."""
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
        return "the peer hung up"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS failed").lower().replace("_", " ")
    return str(error)
