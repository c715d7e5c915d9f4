"""Addresses and networks: is a peer inside, and which address is counted for it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# A host is usually given a whole /64 of IPv6, so that is what one counts.
_HOST_BITS_V6 = 64


@lru_cache(4096)
def network(text: str) -> _Network:
    """A network or a single address. Raises ValueError."""
    return ipaddress.ip_network(text, strict=False)


def inside(peer: str | None, networks: Iterable[str]) -> bool:
    """Whether an address belongs to one of the networks; an unknown address belongs to none."""
    found = _address(peer)
    if found is None:
        return False
    return any(found.version == each.version and found in each for each in map(network, networks))


def counted(peer: str) -> str:
    """What is banned for a peer: its IPv4 address, or its IPv6 network of 64 bits."""
    found = _address(peer)
    if found is None or found.version == 4:
        return str(found or peer)
    return str(ipaddress.ip_network((found, _HOST_BITS_V6), strict=False))


def _address(peer: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        # A link-local address may carry its interface.
        found = ipaddress.ip_address((peer or "").partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
