"""`feedengine outbox ...`: what is to be sent, what was, and what could not be."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option
from feedengine.errors import UsageError

group = Group()

Number = Annotated[int, Argument(metavar="DELIVERY", help="The delivery's number.")]


@group.command("list")
def list_deliveries(
    context: Context,
    status: Annotated[
        list[str] | None, Option("--status", metavar="STATUS", help="WAITING, SENDING, SENT, DEAD or DROPPED.")
    ] = None,
    target: Annotated[str | None, Option("--target", metavar="NAME", help="Only those of one target.")] = None,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most deliveries to show.")] = 20,
) -> int:
    """List deliveries, newest first."""
    from feedengine.cli.render import outbox as render
    from feedengine.ledger.outbox import STATUSES, Outbox

    session = params.session(context)
    wanted = [each.upper() for each in status or ()]
    for each in wanted:
        if each not in STATUSES:
            raise UsageError(f'There is no status "{each}"; known are {", ".join(STATUSES)}.')
    outbox = Outbox(session.store.ledger)
    found = [each.as_dict() for each in outbox.list(status=wanted, target=target, limit=limit)]
    document = {"schema": "feedengine.deliveries/1", "counts": outbox.counts(), "deliveries": found}
    session.out.show(document, render.listing(found, outbox.counts()))
    return 0


@group.command("show")
def show(context: Context, delivery: Number) -> int:
    """Show one delivery: where to, how often it was tried, how its arrival was verified."""
    from feedengine.cli.render import outbox as render
    from feedengine.ledger.outbox import Outbox

    session = params.session(context)
    found = Outbox(session.store.ledger).get(delivery).as_dict()
    session.out.show({"schema": "feedengine.delivery/1", **found}, render.details(found))
    return 0


@group.command("retry")
def retry(context: Context, delivery: Number) -> int:
    """Try a delivery again at once, also one that was given up or dropped."""
    from feedengine.ledger.outbox import Outbox
    from feedengine.service.bell import ring
    from feedengine.service.sending import settle_incident

    session = params.session(context)
    found = Outbox(session.store.ledger).retry(delivery)
    settle_incident(session.store, found[0].target)
    ring(session.store, "courier")
    document = {"schema": "feedengine.deliveries/1", "deliveries": [each.as_dict() for each in found]}
    session.out.show(document, [f"delivery {each.id} ({each.name}) is sent again" for each in found])
    return 0


@group.command("drop")
def drop(context: Context, delivery: Number) -> int:
    """Take a delivery back that has not been sent, so that those after it may go. Asks first."""
    from feedengine.ledger.outbox import Outbox
    from feedengine.service.bell import ring
    from feedengine.service.sending import settle_incident

    session = params.session(context)
    outbox = Outbox(session.store.ledger)
    found = outbox.get(delivery)
    session.confirm(f"Never send {found.name} to {found.target}?")
    found = outbox.drop(delivery, session.actor)
    settle_incident(session.store, found.target)
    ring(session.store, "courier")
    session.out.show(
        {"schema": "feedengine.delivery/1", **found.as_dict()}, [f"delivery {delivery} ({found.name}) is dropped"]
    )
    return 0
