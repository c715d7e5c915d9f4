"""Settings of the FTPS server, and of landing, which the SFTP server shares."""

from __future__ import annotations

import re
from typing import Any

from feedengine.settings import kinds
from feedengine.settings.kinds import Kind, shown
from feedengine.settings.setting import Setting


def ports(raw: Any) -> str:
    """Ports as `30000-30009` or a single one, as text."""
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", str(raw), re.ASCII)
    if match:
        first, last = int(match[1]), int(match[2] or match[1])
        if 1 <= first <= last <= 65535 and last - first < 10_000:
            return f"{first}-{last}"
    raise ValueError(f"must be a range of ports such as 30000-30009; not {shown(raw)}")


def _row(name: str, kind: Kind, default: Any, about: str) -> Setting:
    return Setting("ftps", name, kind, default, about)


def _landing(name: str, kind: Kind, default: Any, about: str) -> Setting:
    return Setting("landing", name, kind, default, about)


_PORT = kinds.whole(0, 65535)
_MANY = kinds.whole(0, 100_000)

ROWS: tuple[Setting, ...] = (
    _row("host", kinds.text, "", "address to listen on; empty = all"),
    _row("port", _PORT, 2121, "port for explicit FTPS (AUTH TLS); 0 = none"),
    _row("implicit_port", _PORT, 0, "port for implicit FTPS, by custom 990; 0 = none"),
    _row(
        "passive_ports", ports, "30000-30009", "ports of data connections, open in the firewall; never another is used"
    ),
    _row("passive_wait", kinds.duration(0.1), 10.0, "time a transfer waits for a free passive port before it gets 425"),
    _row("masquerade", kinds.text, "", "address or host name to name in PASV replies behind NAT or a balancer"),
    _row("proxy_from", kinds.networks, [], "balancers whose PROXY protocol header (v1, v2) is required and believed"),
    _row("certificate", kinds.text, "", "PEM file with the certificate and its chain; empty = the store's own"),
    _row("key", kinds.text, "", "PEM file with its private key; empty = in the certificate's file"),
    _row("tls_min", kinds.choice("1.2", "1.3"), "1.2", "oldest TLS version that is spoken"),
    _row(
        "session_reuse",
        kinds.choice("prefer", "off", "require"),
        "prefer",
        "data connections that continue the control connection's TLS session: prefer, off or require",
    ),
    _row(
        "tls_eof",
        kinds.choice("strict", "verify", "lenient"),
        "strict",
        "an upload whose TLS ended without close_notify: refuse it, take it to be verified, or take it as whole",
    ),
    _row("login_timeout", kinds.duration(1), 30.0, "time from connecting to being logged in"),
    _row("idle_timeout", kinds.duration(1), 300.0, "time without a command, and without a transfer, to disconnect"),
    _row("stall_timeout", kinds.duration(1), 60.0, "time without a byte after which a transfer ends as incomplete"),
    _row("connect_timeout", kinds.duration(1), 30.0, "time a passive port waits for the client's data connection"),
    _row("drain_timeout", kinds.duration(0), 60.0, "time that running transfers get when the server stops"),
    _row("login_delay", kinds.duration(0), 2.0, "pause before a wrong password is answered"),
    _row("login_attempts", kinds.whole(1, 100), 3, "wrong passwords after which a connection is closed"),
    _row("max_sessions", _MANY, 500, "sessions at a time; 0 = any number"),
    _row("max_per_address", _MANY, 50, "sessions at a time from one address; 0 = any number"),
    _row("max_per_account", _MANY, 20, "sessions of one account, where it has no limit of its own; 0 = any number"),
    _landing(
        "least_free", kinds.size(), 256 << 20, "bytes that stay free on the disk; below, uploads are refused (452)"
    ),
    _landing("max_file", kinds.size(), 0, "largest file; 0 = any size"),
    _landing("part_hours", kinds.whole(1, 8760), 24, "hours for which an incomplete upload can be continued"),
)
