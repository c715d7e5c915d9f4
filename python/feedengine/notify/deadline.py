"""An end for conversations with servers that never finish: after it the connection is shut, whatever it waits for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Deadline:
    """While the block lasts, `find` gives the connection (None before there is one); after `seconds` it is shut.

    A timeout of the socket counts from byte to byte, so a server that sends one byte now and then would hold us for
    ever. `passed` says afterwards whether that was the end.
    """

    def __init__(self, seconds: float, find: Callable[[], socket.socket | None]) -> None:
        self._find = find
        self.passed = False
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    def _shut(self) -> None:
        self.passed = True
        found = self._find()
        if found is not None:
            with suppress(OSError):
                # The plain socket's own: SSLSocket.shutdown would let another thread go on unencrypted for a moment.
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._timer.cancel()
