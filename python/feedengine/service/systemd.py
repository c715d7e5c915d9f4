"""Words to systemd (Type=notify): ready, stopping, reloading, still alive; nothing where systemd did not ask."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress


class Notifier:
    """Says things to the socket that `NOTIFY_SOCKET` names. Never raises: without systemd the service runs as well."""

    def __init__(
        self, env: Mapping[str, str] | None = None, ticks: Callable[[], float] = time.monotonic, pid: int | None = None
    ) -> None:
        found = os.environ if env is None else env
        address = found.get("NOTIFY_SOCKET", "")
        # A leading @ means the abstract name space.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._ticks = ticks
        self._period = _watchdog(found, os.getpid() if pid is None else pid)
        self._last = ticks()

    def ready(self, status: str) -> None:
        """Everything serves."""
        self._say("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """The settings are read again."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It ends."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """To be called at least once a second; speaks as often as the watchdog wants, twice in its time."""
        if self._period is not None and self._ticks() - self._last >= self._period / 2:
            self._last = self._ticks()
            self._say("WATCHDOG=1")

    def _say(self, *lines: str) -> None:
        if not self._address.startswith(("/", "\0")):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender, suppress(OSError):
            # A full socket must not hold the service up.
            sender.setblocking(False)
            sender.sendto("\n".join(lines).encode(), self._address)


def _watchdog(env: Mapping[str, str], pid: int) -> float | None:
    """Seconds within which systemd wants a sign of life; None where it wants none, or one of another process."""
    text = env.get("WATCHDOG_USEC", "")
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        return None
    return int(text) / 1e6 if env.get("WATCHDOG_PID", str(pid)) == str(pid) else None


def _line(text: str) -> str:
    return " ".join(text.split())
