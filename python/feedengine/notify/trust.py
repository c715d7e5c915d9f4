"""Which certificates are trusted when a message is sent."""

from __future__ import annotations

import ipaddress
import ssl

from feedengine.errors import ConfigError


def context(verify: str) -> ssl.SSLContext:
    """TLS 1.2 at least, host name checked, by the system's certificates or those of a file. Raises ConfigError."""
    try:
        made = ssl.create_default_context(cafile=None if verify == "system" else verify)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the trusted certificates can't be read from {verify}: {error}") from error
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def on_this_machine(host: str) -> bool:
    """Whether the name or address is this machine's own: what goes there needs no TLS."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
