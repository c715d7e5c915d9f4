"""`feedengine parked ...`: rows that wait for a record of another file, until when, and a person's word on them."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option
from feedengine.errors import UsageError

group = Group()

Number = Annotated[int | None, Argument(metavar="ROW", help="The row's number; all that wait where it is left out.")]


@group.command("list")
def list_rows(
    context: Context,
    state: Annotated[
        list[str] | None, Option("--state", metavar="STATE", help="waiting, taken, applied, expired, dropped...")
    ] = None,
    entity: Annotated[str | None, Option("--entity", metavar="NAME", help="Only those of one entity.")] = None,
    catalog: params.Catalog = None,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most rows to show.")] = 100,
) -> int:
    """List rows that wait, the oldest first: for which record, and until when."""
    from feedengine.cli.render import problems as render
    from feedengine.cli.session import parse_catalog
    from feedengine.ledger.parked import STATES, Parked

    session = params.session(context)
    for each in state or ():
        if each not in STATES:
            raise UsageError(f'There is no state "{each}"; known are {", ".join(STATES)}.')
    found, total = Parked(session.store.ledger).list(
        states=state or ["waiting", "taken"],
        catalog=parse_catalog(catalog) if catalog else None,
        entity=entity,
        limit=limit,
    )
    rows = [each.as_dict() for each in found]
    session.out.show({"schema": "feedengine.parked/1", "total": total, "rows": rows}, render.parked(rows, total))
    return 0


@group.command("retry")
def retry(context: Context, row: Number = None) -> int:
    """Look again for the records that rows wait for, and apply the rows whose record is there."""
    from feedengine import ingest
    from feedengine.ledger.parked import Parked
    from feedengine.service.bell import ring
    from feedengine.service.running import pid

    session = params.session(context)
    parked = Parked(session.store.ledger)
    count = parked.again([] if row is None else [parked.get(row).id])
    if pid(session.store) is not None:
        ring(session.store, "keeper")
        lines = [f"the service looks for the records of {count:,} rows"]
        tasks = []
    else:
        tasks = [
            task
            for key in parked.waiting_keys()
            for task in ingest.release(session.store, session.settings, key, session.actor)
        ]
        lines = [f"task {task} applied rows that waited" for task in tasks] or ["no record that is waited for has come"]
    session.out.show({"schema": "feedengine.parked-retry/1", "rows": count, "tasks": tasks}, lines)
    return 0


@group.command("drop")
def drop(context: Context, row: Number = None) -> int:
    """Say that a row, or all that wait, are never to be applied. Asks first."""
    from feedengine.ledger.parked import Parked

    session = params.session(context)
    parked = Parked(session.store.ledger)
    wanted = [parked.get(row)] if row is not None else parked.list(states=["waiting"])[0]
    session.confirm(f"Never apply {len(wanted):,} rows?" if row is None else f"Never apply row {row}?")
    count = parked.drop((each.id for each in wanted), actor=session.actor)
    session.out.show({"schema": "feedengine.parked-drop/1", "rows": count}, [f"{count:,} rows are dropped"])
    return 0
