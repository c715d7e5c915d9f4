"""`feedengine problems ...`: what is wrong with which record since when, who owns it, and what was mended."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option
from feedengine.errors import UsageError

group = Group()

Number = Annotated[int, Argument(metavar="PROBLEM", help="The problem's number.")]


@group.command("list")
def list_problems(
    context: Context,
    owner: Annotated[str | None, Option("--owner", metavar="NAME", help="Only those of one owner.")] = None,
    entity: Annotated[str | None, Option("--entity", metavar="NAME", help="Only those of one entity.")] = None,
    code: Annotated[list[str] | None, Option("--code", metavar="CODE", help="Only those of one kind.")] = None,
    state: Annotated[
        list[str] | None,
        Option("--state", metavar="STATE", help="open, reopened, fixed or dismissed; open takes in reopened."),
    ] = None,
    task: Annotated[int | None, Option("--task", metavar="TASK", help="Only those shown last by one task.")] = None,
    catalog: params.Catalog = None,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most problems to show.")] = 100,
) -> int:
    """List open problems by owner, the oldest first."""
    from feedengine.cli.render import problems as render
    from feedengine.cli.session import parse_catalog
    from feedengine.ledger.cases import STATES, Cases

    session = params.session(context)
    for each in state or ():
        if each not in STATES:
            raise UsageError(f'There is no state "{each}"; known are {", ".join(STATES)}.')
    found, total = Cases(session.store.ledger).list(
        states=state or ["open"],
        catalog=parse_catalog(catalog) if catalog else None,
        owner=owner,
        entity=entity,
        codes=[each.upper() for each in code or ()],
        task=task,
        limit=limit,
    )
    rows = [each.as_dict() for each in found]
    document = {"schema": "feedengine.cases/1", "total": total, "shown": len(rows), "problems": rows}
    session.out.show(document, render.listing(rows, total))
    return 0


@group.command("show")
def show(context: Context, problem: Number) -> int:
    """Show one problem: the record, what is wrong, since when, and which tasks showed and mended it."""
    from feedengine.cli.render import problems as render
    from feedengine.ledger.cases import Cases

    session = params.session(context)
    found = Cases(session.store.ledger).get(problem).as_dict()
    session.out.show({"schema": "feedengine.case/1", **found}, render.details(found))
    return 0


@group.command("dismiss")
def dismiss(
    context: Context,
    problem: Number,
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Why nothing is to be done; kept with it.")],
) -> int:
    """Say that nothing is to be done about a problem: it is open no more, also when files show it again."""
    from feedengine.ledger.cases import Cases

    session = params.session(context)
    found = Cases(session.store.ledger).dismiss(problem, actor=session.actor, reason=reason)
    session.out.show({"schema": "feedengine.case/1", **found.as_dict()}, [f"problem {problem} is dismissed"])
    return 0
