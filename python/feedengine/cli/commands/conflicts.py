"""`feedengine conflicts ...`: rows that might mean several records, and a person's word on which one it is."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option

group = Group()

Number = Annotated[int, Argument(metavar="PROBLEM", help="The conflict's number, as the list shows it.")]


@group.command("list")
def list_conflicts(
    context: Context,
    every: Annotated[bool, Option("--all", help="Those that are settled, too.")] = False,
    entity: Annotated[str | None, Option("--entity", metavar="NAME", help="Only those of one entity.")] = None,
    catalog: params.Catalog = None,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most conflicts to show.")] = 100,
) -> int:
    """List rows that wait for somebody to say which record they mean."""
    from feedengine.cli.render import conflicts as render
    from feedengine.cli.session import parse_catalog
    from feedengine.ledger.cases import CONFLICTS, STATES, Cases

    session = params.session(context)
    found, total = Cases(session.store.ledger).list(
        states=STATES if every else ["open"],
        codes=CONFLICTS,
        catalog=parse_catalog(catalog) if catalog else None,
        entity=entity,
        limit=limit,
    )
    rows = [each.as_dict() for each in found]
    session.out.show(
        {"schema": "feedengine.conflicts/1", "total": total, "conflicts": rows}, render.listing(rows, total)
    )
    return 0


@group.command("show")
def show(context: Context, conflict: Number) -> int:
    """Show the row and the records that it might mean, side by side."""
    from feedengine.cli.render import conflicts as render
    from feedengine.ledger.cases import Cases
    from feedengine.remedy import conflicts

    session = params.session(context)
    case = Cases(session.store.ledger).get(conflict)
    records = conflicts.candidates(session.store, case)
    document = {"schema": "feedengine.conflict/1", **case.as_dict(), "candidates": records}
    session.out.show(document, render.details(case.as_dict(), conflicts.side_by_side(case, records), case.related))
    return 0


@group.command("resolve")
def resolve(
    context: Context,
    conflict: Number,
    record: Annotated[str, Option("--record", metavar="ID", help="The id of the record that the row means.")],
    reason: params.Reason = None,
) -> int:
    """Apply the row to the record that it means, as a task of its own; the conflict is closed by it."""
    from feedengine import ingest
    from feedengine.cli.applying import tell
    from feedengine.cli.feeds import exit_code
    from feedengine.ledger.cases import Cases
    from feedengine.remedy import conflicts

    session = params.session(context)
    case = Cases(session.store.ledger).get(conflict)
    path, operation = conflicts.feed(session.store, session.settings, case, record)
    why = reason or f"conflict {conflict}: the row means {record}"
    request = ingest.FeedRequest(
        path, catalog=case.catalog, operation=operation, reason=why, actor=session.actor, own=True
    )
    with session.watch() as watch:
        result = ingest.run(session.store, session.settings, request, watch)
    tell(session.out, result.report)
    return int(exit_code(result.report))


@group.command("dismiss")
def dismiss(
    context: Context,
    conflict: Number,
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Why the row is not to be applied; kept with it.")],
) -> int:
    """Say that the row is not to be applied, now and when it comes again."""
    from feedengine.ledger.cases import Cases

    session = params.session(context)
    found = Cases(session.store.ledger).dismiss(conflict, actor=session.actor, reason=reason)
    session.out.show({"schema": "feedengine.case/1", **found.as_dict()}, [f"conflict {conflict} is dismissed"])
    return 0
