"""`feedengine incident ...`: what is wrong, who knows of it, and the mails and webhooks about it."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option

group = Group()

Number = Annotated[int, Argument(metavar="NUMBER", help="An incident's number, as the list shows it.")]


@group.command("list")
def show(context: Context, every: Annotated[bool, Option("--all", help="Those that are closed, too.")] = False) -> int:
    """Show open incidents, the newest first."""
    from feedengine.cli.render import status as render
    from feedengine.ledger.incidents import Incidents

    session = params.session(context)
    found = Incidents(session.store.ledger).list(open_only=not every)
    document = {"schema": "feedengine.incidents/1", "incidents": [each.as_dict() for each in found]}
    session.out.show(document, render.incidents(found))
    return 0


@group.command("ack")
def acknowledge(context: Context, number: Number) -> int:
    """Say that you know: no more reminders of this incident. It stays open until its cause is gone."""
    from feedengine.ledger.incidents import Incidents

    session = params.session(context)
    found = Incidents(session.store.ledger).acknowledge(number, session.actor)
    session.out.show(
        {"schema": "feedengine.incident/1", **found.as_dict()},
        [f"incident {number} ({found.kind} {found.key}) is known to {found.acknowledged_by}"],
    )
    return 0


@group.command("messages")
def messages(
    context: Context, limit: Annotated[int, Option("--limit", metavar="N", help="How many to show.", least=1)] = 20
) -> int:
    """Show the mails and webhooks that were and are to be sent, the newest first."""
    from feedengine.cli.render import status as render
    from feedengine.ledger.messages import Messages

    session = params.session(context)
    found = Messages(session.store.ledger).list(limit=limit)
    rows = [{name: value for name, value in each.as_dict().items() if name != "body"} for each in found]
    session.out.show({"schema": "feedengine.messages/1", "messages": rows}, render.messages(found))
    return 0


@group.command("resend")
def resend(context: Context) -> int:
    """Try mails and webhooks that were given up, or wait for their next attempt, at once."""
    from feedengine.ledger.messages import Messages
    from feedengine.service.bell import ring

    session = params.session(context)
    count = Messages(session.store.ledger).retry()
    ring(session.store, "courier")
    session.out.show({"schema": "feedengine.messages-resend/1", "count": count}, [f"{count} are tried again"])
    return 0


@group.command("test")
def test(context: Context) -> int:
    """Send a test to everybody of mail.to and every webhook, now; exit code 7 where one did not arrive."""
    from datetime import UTC, datetime

    from feedengine.cli.render import text
    from feedengine.errors import ExitCode
    from feedengine.service.posting import try_out
    from feedengine.service.telling import sender_of

    session = params.session(context)
    found = try_out(session.settings, sender_of(session.settings), datetime.now(UTC))
    rows = [{"place": place, "error": error.as_dict() if error else None} for place, error in found]
    lines = [f"{place}: {text.clean(error.message) if error else 'arrived'}" for place, error in found]
    session.out.show(
        {"schema": "feedengine.messages-test/1", "places": rows},
        lines or ["nobody is to be told: mail.host and mail.to are empty, there is no [webhooks.NAME]"],
    )
    return int(ExitCode.TRANSPORT if any(error for _, error in found) else ExitCode.DONE)
