"""`feedengine service ...`: what an operating system needs to run `feedengine serve`."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Context, Group, Option

group = Group()


@group.command("unit")
def unit(
    context: Context,
    user: Annotated[str, Option("--user", metavar="NAME", help="Who it runs as.")] = "feedengine",
) -> int:
    """Print a hardened systemd unit for this store and settings file; put it in /etc/systemd/system."""
    from feedengine.cli.unit import lines

    session = params.session(context)
    made = lines(session.settings, user)
    session.out.show({"schema": "feedengine.unit/1", "unit": "\n".join(made) + "\n"}, made)
    return 0
