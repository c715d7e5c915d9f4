"""`feedengine guard backtest`: the safeguard's limits, tried on the feeds that came."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Context, Group, Option
from feedengine.errors import UsageError

group = Group()


@group.command("backtest")
def backtest(
    context: Context,
    last: Annotated[int, Option("--last", metavar="N", least=1, help="So many feeds, the newest.")] = 90,
    since: Annotated[str | None, Option("--since", metavar="DATE", help="Only feeds that came then or later.")] = None,
    limit: Annotated[
        list[str] | None,
        Option("--limit", metavar="LIMIT", help="A limit to try: 20%, 500 or off; again for more. Else a ladder."),
    ] = None,
    entity: Annotated[str | None, Option("--entity", metavar="NAME", help="Look at this entity alone.")] = None,
    catalog: params.Catalog = None,
) -> int:
    """Show how many past feeds each limit would have refused, which and when, and a limit that suits them."""
    from feedengine.cli.render import guard as render
    from feedengine.ingest import hindsight
    from feedengine.settings import kinds

    session = params.session(context)
    key, section = session.catalog_name(catalog)
    try:
        limits = [kinds.limit(each) for each in limit or hindsight.LADDER]
    except ValueError as error:
        raise UsageError(f"--limit {error}.") from error
    page = session.store.ledger.list(key=key, section=section, since=since, limit=last)
    found = [loss for loss in hindsight.losses(page.tasks) if entity in (None, loss.entity)]
    rows = [{"limit": each, "refused": [loss.__dict__ for loss in hindsight.refused(each, found)]} for each in limits]
    document = {
        "schema": "feedengine.backtest/1", "catalog": f"{key}/{section}", "feeds": len({loss.task for loss in found}),
        "limits": rows, "held_to": {loss.entity: loss.limit for loss in found}, "proposal": hindsight.proposal(found),
    }  # fmt: skip
    session.out.show(document, render.backtest(document))
    return 0
