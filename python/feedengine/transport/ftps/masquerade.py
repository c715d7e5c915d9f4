"""The address that PASV names: our own, or that of the NAT or balancer in front, looked up again and again."""

from __future__ import annotations

import socket
import time
from ipaddress import IPv4Address, ip_address

from feedengine.transport.ftps.backstage import Backstage

_SECONDS = 60.0


class Masquerade:
    """An IPv4 address or host name to name instead of ours; empty = ours."""

    def __init__(self, name: str, backstage: Backstage) -> None:
        self._name = name
        self._backstage = backstage
        self._checked = time.monotonic()
        # A name that can't be looked up at the start is a mistake to be told of at once.
        self._address = look_up(name) if name else ""

    def address(self, own: str, peer: str) -> str:
        """What to name to `peer`, who reached us at `own`. Never waits: an old answer may do for a moment."""
        if not self._name or ip_address(peer).is_loopback:
            return own
        if time.monotonic() - self._checked > _SECONDS:
            self._checked = time.monotonic()
            self._backstage.disk(lambda: look_up(self._name), self._found)
        return self._address

    def _found(self, address: str | None, error: Exception | None) -> None:
        if address:
            self._address = address


def look_up(name: str) -> str:
    """The IPv4 address of a host name. Raises OSError."""
    try:
        return str(IPv4Address(name))
    except ValueError:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        return str(found[0][4][0])
