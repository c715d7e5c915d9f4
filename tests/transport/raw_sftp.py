"""A connection to our SFTP server below the level of `Remote`, for what polite clients don't do."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncssh

from .sftp_server import NAME, PASSWORD, Server

WRITE = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT
TRUNC = WRITE | asyncssh.FXF_TRUNC


class Raw:
    """A connection below the level of `Remote`, for what polite clients don't do; on a loop of its own."""

    def __init__(self, server: Server, **how: Any) -> None:
        self.loop = asyncio.new_event_loop()
        given = {"username": NAME, "password": PASSWORD, "client_keys": None, **how}
        try:
            self.connection = self.run(
                asyncssh.connect(
                    "127.0.0.1", server.port, known_hosts=None, config=None, agent_path=None, preferred_auth="password",
                    **given,
                )
            )  # fmt: skip
        except BaseException:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()
            raise
        self.sftp = self.run(self.connection.start_sftp_client())

    def run(self, verb: Any) -> Any:
        async def waited() -> Any:
            return await verb

        return self.loop.run_until_complete(waited())

    def open(self, path: str, flags: int | str) -> Any:
        return self.run(self.sftp.open(path, flags, encoding=None))

    def die(self) -> None:
        """As if the cable was cut."""
        self.connection.abort()
        self.run(self.connection.wait_closed())
        self.loop.close()

    def leave(self) -> None:
        self.connection.close()
        self.run(self.connection.wait_closed())
        self.loop.close()
