"""`feedengine schedule ...`: when sources are looked at, in their own time zones."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option

group = Group()


@group.command("list")
def list_schedules(context: Context) -> int:
    """List the sources with their schedules and the next time of each."""
    from feedengine.cli import fetching
    from feedengine.cli.render import source as render

    session = params.session(context)
    found = fetching.schedules(session, None, 1)
    session.out.show({"schema": "feedengine.schedules/1", "schedules": found}, render.schedules(found))
    return 0


@group.command("next")
def next_runs(
    context: Context,
    name: Annotated[str | None, Argument(metavar="NAME", help="Only this source.")] = None,
    count: Annotated[int, Option("--count", metavar="N", least=1, help="How many times.")] = 5,
) -> int:
    """Show the next times at which sources are looked at, clock changes taken into account."""
    from feedengine.cli import fetching
    from feedengine.cli.render import source as render

    session = params.session(context)
    found = fetching.schedules(session, name, count)
    session.out.show({"schema": "feedengine.schedules/1", "schedules": found}, render.upcoming(found))
    return 0
