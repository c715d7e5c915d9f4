"""What pyftpdlib's loop asks of everything that waits in it, for those that only read."""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress
from typing import Any


class Member:
    """A file descriptor in the loop, from `join` to `leave`."""

    def __init__(self) -> None:
        self._loop: Any = None
        self._fileno = -1

    def join(self, loop: Any, fileno: int) -> None:
        """Wait for `fileno` to be readable."""
        self._loop, self._fileno = loop, fileno
        loop.register(fileno, self, loop.READ)

    def leave(self) -> bool:
        """Wait no more. Says whether it waited until now."""
        if self._fileno < 0:
            return False
        with suppress(OSError):
            self._loop.unregister(self._fileno)
        self._fileno = -1
        return True

    def readable(self) -> bool:
        """Always."""
        return True

    def writable(self) -> bool:
        """Never."""
        return False

    def handle_error(self) -> None:
        """Log a mistake that must not end the loop."""
        logging.getLogger("pyftpdlib").error(traceback.format_exc())
