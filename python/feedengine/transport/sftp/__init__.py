"""The SFTP server: the same accounts, homes and landing as the FTPS server, over SSH."""

from __future__ import annotations

from typing import Any

from feedengine.errors import ConfigError, Hint
from feedengine.transport.reception import Reception


def run(part: Any, desk: Reception) -> None:
    """The part's main loop (a `service.part.Part`). Returns when it was told to stop and transfers are over."""
    try:
        import asyncssh  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "sftp.enabled is set, but the package asyncssh is not installed.",
            state="The SFTP server was not started.",
            hints=[Hint("Install it", ("pip", "install", "feedengine[sftp]"))],
        ) from error
    from feedengine.transport.sftp.server import serve

    serve(part, desk)
