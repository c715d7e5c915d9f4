"""The FTPS server: pyftpdlib's protocol and loop, with our own TLS, data connections, landing and limits."""

from __future__ import annotations

from typing import Any

from feedengine.transport.reception import Reception


def run(part: Any, desk: Reception) -> None:
    """The main loop of the part `ftps` (a `service.part.Part`); returns when it was told to stop."""
    from feedengine.transport.ftps.server import serve

    serve(part, desk)
