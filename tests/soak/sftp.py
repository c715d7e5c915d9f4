"""Partners that send over SFTP: one attempt, with the same results as over FTPS."""

from __future__ import annotations

import asyncio
import contextlib
import re
from importlib.util import find_spec
from typing import Any

from soak.feeds import Sent

_LATER = re.compile(r"again|later|still being", re.IGNORECASE)


def available() -> bool:
    """Whether the library is installed, which the service needs as well."""
    return find_spec("asyncssh") is not None


def attempt(
    host: str, port: int, sent: Sent, *, die_after: int | None = None, seconds: float = 30.0
) -> tuple[str, str]:
    """As `clients.attempt`."""
    begun: list[bool] = []
    try:
        return asyncio.run(asyncio.wait_for(_attempt(host, port, sent, die_after, begun), seconds))
    except TimeoutError:
        return "unknown" if begun else "nothing", "no answer"


async def _attempt(host: str, port: int, sent: Sent, die_after: int | None, begun: list[bool]) -> tuple[str, str]:
    import asyncssh

    connection: Any = None
    try:
        connection = await asyncssh.connect(
            host, port, username=sent.partner.login, password=sent.partner.password, known_hosts=None,
            client_keys=None, agent_path=None, config=None,
        )  # fmt: skip
        client = await connection.start_sftp_client()
        begun.append(True)
        file = await client.open(sent.name, "wb")
        for at in range(0, len(sent.content), 32768):
            if die_after is not None and at + 32768 > die_after and die_after < len(sent.content):
                return "nothing", "the client was killed"
            await file.write(sent.content[at : at + 32768])
        if die_after is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(file.close(), 0.0001)
            return "unknown", "the client was killed while the answer was due"
        await file.close()
        # The library's close says nothing where the connection is gone already. An answer to a question that comes
        # after it shows that it was asked, and answered.
        await client.realpath(".")
    except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError, OSError) as error:
        return "unknown" if begun else "nothing", f"{type(error).__name__}: {error}"
    except asyncssh.SFTPError as error:
        return "later" if _LATER.search(error.reason) else "refused", error.reason
    except asyncssh.Error as error:
        return "unknown" if begun else "nothing", str(error)
    finally:
        if connection is not None:
            connection.abort()
            with contextlib.suppress(Exception):
                await connection.wait_closed()
    return "stored", "closed"
