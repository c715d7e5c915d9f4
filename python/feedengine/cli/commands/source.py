"""`feedengine source ...`: where feeds are fetched from, how that goes, and doing it now."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option

group = Group()

Name = Annotated[str, Argument(metavar="NAME", help="The source's name in the settings.")]


@group.command("list")
def list_sources(context: Context) -> int:
    """List the sources of the settings: where each is, when it runs next, how the last run went."""
    from feedengine.cli import fetching
    from feedengine.cli.render import source as render

    session = params.session(context)
    found = fetching.overview(session)
    session.out.show({"schema": "feedengine.sources/1", "sources": found}, render.listing(found))
    return 0


@group.command("show")
def show(
    context: Context,
    name: Name,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most files to show.")] = 20,
) -> int:
    """Show one source: its settings, how it fares, the files that came from it."""
    from feedengine.cli import fetching
    from feedengine.cli.render import source as render

    session = params.session(context)
    found = fetching.details(session, name, limit)
    session.out.show({"schema": "feedengine.source/1", **found}, render.details(found))
    return 0


@group.command("check")
def check(context: Context, name: Name) -> int:
    """Connect to a source and list it; nothing is loaded or changed, here or there."""
    from feedengine.cli import fetching
    from feedengine.cli.render import source as render

    session = params.session(context)
    found = fetching.check(session, name)
    session.out.show({"schema": "feedengine.source-check/1", **found}, render.checked(found))
    return 0


@group.command("run")
def run(context: Context, name: Name) -> int:
    """Look at a source now, whatever its schedule, and put what is new into the queue."""
    from feedengine.cli import fetching
    from feedengine.cli.render import source as render

    session = params.session(context)
    found = fetching.run(session, name)
    session.out.show({"schema": "feedengine.source-run/1", **found}, render.ran(found))
    return 0


@group.command("pause")
def pause(
    context: Context,
    name: Name,
    reason: Annotated[str | None, Option("--reason", metavar="TEXT", help="Why; kept with the source.")] = None,
) -> int:
    """Don't look at a source until it is resumed."""
    from feedengine.ledger.sources import Sources
    from feedengine.service.fetching.source import source

    session = params.session(context)
    source(session.settings, name)
    Sources(session.store.ledger).pause(name, session.actor, reason or "no reason given")
    session.out.show({"schema": "feedengine.source-paused/1", "name": name, "paused": True}, [f"{name} is paused"])
    return 0


@group.command("resume")
def resume(context: Context, name: Name) -> int:
    """Look at a paused source again, at once if the service runs."""
    from feedengine.ledger.incidents import Incidents
    from feedengine.ledger.sources import Sources
    from feedengine.service.bell import ring
    from feedengine.service.fetching.source import source

    session = params.session(context)
    source(session.settings, name)
    Sources(session.store.ledger).resume(name)
    Incidents(session.store.ledger).close("source_failing", name)
    ring(session.store, "fetcher")
    session.out.show({"schema": "feedengine.source-paused/1", "name": name, "paused": False}, [f"{name} is resumed"])
    return 0
