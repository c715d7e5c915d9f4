"""`feedengine send FILE TARGET`: bring a file to another server, exactly once, however often it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option


def command(
    context: Context,
    file: Annotated[Path, Argument(metavar="FILE", help="The file; it is copied first and may go afterwards.")],
    target: Annotated[str, Argument(metavar="TARGET", help="A name of the settings, a URL, or a folder with a /.")],
    name: Annotated[str | None, Option("--as", metavar="NAME", help="What it is called there.")] = None,
    wait: Annotated[bool, Option("--wait", help="Wait until it has arrived, and for the report of it.")] = False,
    timeout: Annotated[
        int, Option("--timeout", metavar="SECONDS", least=1, help="The longest time to wait; then exit with 7.")
    ] = 3600,
) -> int:
    """Send a file: it is put into the outbox, uploaded under a temporary name, verified and renamed. Without --wait
    the service sends it; a URL with a login is sent to at once, since only this command knows the password."""
    from feedengine.cli.sending import send

    return send(params.session(context), file, target, name, wait, timeout)
