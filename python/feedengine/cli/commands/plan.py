"""`feedengine plan FILE`: everything but the write; a saved plan can be applied later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Context, Option

Out = Annotated[Path | None, Option("--out", metavar="FILE", help="Save the plan, for `feedengine apply FILE`.")]


def command(
    context: Context,
    file: params.FeedFile,
    out: Out = None,
    catalog: params.Catalog = None,
    operation: params.Operation = None,
    removal_limit: params.RemovalLimit = None,
    hold_removals: params.HoldRemovals = False,
    force: params.Force = False,
    reason: params.Reason = None,
    strict: params.Strict = False,
    create: params.Create = False,
    detailed_exitcode: params.DetailedExitCode = False,
    memory_limit: params.MemoryLimit = None,
    threads: params.Threads = None,
    profile: params.Profile = None,
    entity: params.Entity = None,
) -> int:
    """Show what a feed would change, without changing anything.

    The same code as the real run, up to the write. A saved plan is bound to the file's content and to the snapshot it
    was made against: `feedengine apply` refuses it when either is another one.
    """
    from feedengine.cli.feeds import FeedOptions, configure, request
    from feedengine.cli.planning import show_plan

    session = params.session(context)
    options = FeedOptions(
        catalog, operation, force, reason, removal_limit, hold_removals, strict, memory_limit, threads, create,
        profile, entity,
    )  # fmt: skip
    configure(session, options)
    wanted = request(session, file, options, verb="plan")
    return show_plan(session, wanted, save_to=out, detailed=detailed_exitcode)
