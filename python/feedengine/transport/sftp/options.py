"""What the SFTP server is told by the settings, in one typed object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from feedengine.settings import Settings


@dataclass(frozen=True)
class Options:
    """Rows of `[sftp]`; times in seconds, files as paths."""

    host: str
    port: int
    host_keys: tuple[Path, ...]
    ciphers: tuple[str, ...]
    login_timeout: float
    idle_timeout: float
    drain_timeout: float
    login_delay: float
    login_attempts: int
    max_sessions: int
    max_per_address: int
    max_per_account: int
    checkers: int

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """As the settings say; key files are relative to the settings file."""
        base = settings.file.parent if settings.file else Path.cwd()
        return cls(
            host_keys=tuple(base / each for each in settings.get("sftp.host_keys")),
            ciphers=tuple(settings.get("sftp.ciphers")),
            checkers=int(settings.get("accounts.checkers")),
            **{name: settings.get(f"sftp.{name}") for name in _PLAIN},
        )


_PLAIN = (
    "host port login_timeout idle_timeout drain_timeout login_delay login_attempts max_sessions max_per_address "
    "max_per_account"
).split()
