"""`feedengine export ...`: records that are sent as they are created or confirmed, and sending one again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option
from feedengine.errors import NotFound

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.ledger.exports import Exported

group = Group()

Name = Annotated[str | None, Argument(metavar="NAME", help="An export of the settings; all without it.")]
Record = Annotated[str, Argument(metavar="UUID", help="The record's id, as its folder is named after.")]


@group.command("list")
def list_records(
    context: Context,
    name: Name = None,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most records to show.")] = 20,
) -> int:
    """Show how far exports are, and the records that were sent last."""
    from feedengine.cli.render import export as render
    from feedengine.ledger.exports import Exports
    from feedengine.ledger.outbox import Outbox

    session = params.session(context)
    tables = session.settings.named["exports"]
    if name is not None and name not in tables:
        known = ", ".join(tables) or "none are set"
        raise NotFound(f"There is no export {name}; known: {known}.")
    exports = Exports(Outbox(session.store.ledger))
    progress = [exports.progress(each, keys["catalog"]) for each, keys in tables.items() if name in (None, each)]
    records = [{**each.as_dict(), "status": status} for each, status in exports.list(name, limit=limit)]
    document = {
        "schema": "feedengine.exports/1",
        "exports": [each.as_dict() for each in progress],
        "records": records,
    }
    session.out.show(document, render.listing(progress, records))
    return 0


@group.command("show")
def show(context: Context, record: Record) -> int:
    """Show where a record was sent, when, and whether it arrived."""
    from feedengine.cli.render import export as render
    from feedengine.ledger.outbox import Outbox

    session = params.session(context)
    outbox = Outbox(session.store.ledger)
    found = []
    for each in _found(session, record):
        sent = None
        with suppress(NotFound):
            # Deliveries are forgotten after `outbox.keep_days`.
            sent = outbox.get(each.delivery).as_dict() if each.delivery else None
        found.append({**each.as_dict(), "sent": sent})
    session.out.show({"schema": "feedengine.exported/1", "records": found}, render.details(found))
    return 0


@group.command("replay")
def replay(
    context: Context,
    record: Record,
    name: Annotated[str | None, Option("--export", metavar="NAME", help="Of one export only.")] = None,
) -> int:
    """Send a record again as it is now, whether it arrived or not; its folder is replaced where it is still there."""
    from feedengine.service import exporting
    from feedengine.service.outgoing import named

    session = params.session(context)
    lines, made = [], []
    for each in _found(session, record):
        if name in (None, each.export):
            numbers = exporting.replay(session.store, named(session.store, session.settings, each.export), each)
            made.append({"export": each.export, "record": record, "deliveries": numbers})
            lines += [f"{each.export} {record} is sent again: delivery {number}" for number in numbers]
    if not made:
        raise NotFound(f"{record} was not sent by the export {name}.", state="Nothing was sent.")
    session.out.show({"schema": "feedengine.replayed/1", "replayed": made}, lines)
    return 0


def _found(session: Session, record: str) -> list[Exported]:
    from feedengine.ledger.exports import Exports
    from feedengine.ledger.outbox import Outbox

    found = Exports(Outbox(session.store.ledger)).find(record)
    if not found:
        raise NotFound(
            f"No record {record} was sent.",
            state="It may not be as its export wants it (status), or be incomplete.",
            hints=[{"text": "See what waits", "argv": ["feedengine", "export", "list"]}],
        )
    return found
