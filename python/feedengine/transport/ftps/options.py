"""What the FTPS server is told by the settings, in one typed and checked object."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from feedengine.settings import Settings
from feedengine.transport.landing import Rules

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Options:
    """Rows of `[ftps]`; times in seconds, ports as a range, files as absolute paths."""

    host: str
    port: int
    implicit_port: int
    passive_ports: range
    passive_wait: float
    masquerade: str
    proxy_from: tuple[Network, ...]
    certificate: Path
    key: Path | None
    tls_min: str
    session_reuse: str
    tls_eof: str
    login_timeout: float
    idle_timeout: float
    stall_timeout: float
    connect_timeout: float
    drain_timeout: float
    login_delay: float
    login_attempts: int
    max_sessions: int
    max_per_address: int
    max_per_account: int
    checkers: int = 2

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """As the settings say; files are found from where the settings file is."""

        def get(name: str) -> object:
            return settings.get(f"ftps.{name}")

        first, last = str(get("passive_ports")).split("-")
        base = settings.file.parent if settings.file else Path.cwd()
        certificate, key = str(get("certificate")), str(get("key"))
        plain = {name: get(name) for name in _PLAIN}
        return cls(
            passive_ports=range(int(first), int(last) + 1),
            proxy_from=tuple(ip_network(each, strict=False) for each in settings.get("ftps.proxy_from")),
            certificate=base / certificate,
            key=base / key if key else None,
            checkers=int(settings.get("accounts.checkers")),
            **plain,  # type: ignore[arg-type]
        )

    def behind(self, address: str) -> bool:
        """Whether this address is a balancer that must send a PROXY header."""
        if not self.proxy_from:
            return False
        found = ip_address(address)
        return any(found in network for network in self.proxy_from)


_PLAIN = (
    "host port implicit_port passive_wait masquerade tls_min session_reuse tls_eof login_timeout idle_timeout "
    "stall_timeout connect_timeout drain_timeout login_delay login_attempts max_sessions "
    "max_per_address max_per_account"
).split()


def rules(settings: Settings) -> Rules:
    """Landing's limits, as the settings say."""
    return Rules(
        least_free=settings.get("landing.least_free"),
        most_bytes=settings.get("landing.max_file"),
        part_hours=settings.get("landing.part_hours"),
    )
