"""`feedengine diff A B`: two files, two snapshots, or one of each."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option

_SIDE = "A file, a snapshot's number, snapshot:N, or KEY/SECTION@N."


def command(
    context: Context,
    a: Annotated[str, Argument(metavar="A", help=f"Before. {_SIDE}")],
    b: Annotated[str, Argument(metavar="B", help="After; likewise.")],
    form: Annotated[str, Option("--format", metavar="FORM", help="table, csv, jsonl, daff or html.")] = "table",
    fields: Annotated[
        str | None, Option("--fields", metavar="A,B", help="Only these fields, separated by commas.")
    ] = None,
    limit: Annotated[
        int | None, Option("--limit", metavar="N", least=0, help="Most records to show; a table shows 20.")
    ] = None,
    only: Annotated[str | None, Option("--only", metavar="KIND", help="added, changed or removed.")] = None,
    entity: Annotated[str | None, Option("--entity", metavar="NAME", help="Only this entity.")] = None,
    catalog: params.Catalog = None,
    detailed_exitcode: params.DetailedExitCode = False,
    memory_limit: params.MemoryLimit = None,
    threads: params.Threads = None,
    profile: params.Profile = None,
) -> int:
    """Show which records and fields differ between A and B. All are counted, however few are shown."""
    from feedengine.cli.comparing import Comparison, compare

    session = params.session(context)
    session.flag("engine.memory_limit", "--memory-limit", memory_limit)
    session.flag("engine.threads", "--threads", threads)
    wanted = tuple(part.strip() for part in (fields or "").split(",") if part.strip())
    return compare(session, a, b, Comparison(form, wanted, limit, only, entity, catalog, detailed_exitcode, profile))
