"""`feedengine apply FILE|PLAN`: any feed by its name, or a saved plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context

FileOrPlan = Annotated[Path, Argument(metavar="FILE|PLAN", help="A feed, or a plan that `plan --out` saved.")]


def command(
    context: Context,
    file: FileOrPlan,
    catalog: params.Catalog = None,
    operation: params.Operation = None,
    removal_limit: params.RemovalLimit = None,
    hold_removals: params.HoldRemovals = False,
    force: params.Force = False,
    reason: params.Reason = None,
    strict: params.Strict = False,
    create: params.Create = False,
    dry_run: params.DryRun = False,
    memory_limit: params.MemoryLimit = None,
    threads: params.Threads = None,
    profile: params.Profile = None,
    entity: params.Entity = None,
) -> int:
    """Apply a feed as its name says (sync, delta, patchdelta, patchdeltacreate, patchdeltaignore, delete, whitelist).

    --operation and --catalog say it for a file whose name does not. A saved plan is applied only if the file and the
    current snapshot are those it was made for.
    """
    from feedengine.cli.applying import feed, saved_plan
    from feedengine.cli.feeds import FeedOptions
    from feedengine.cli.planfile import looks_like_plan

    session = params.session(context)
    options = FeedOptions(
        catalog, operation, force, reason, removal_limit, hold_removals, strict, memory_limit, threads, create,
        profile, entity,
    )  # fmt: skip
    if looks_like_plan(file):
        return saved_plan(session, file, options, dry_run=dry_run)
    return feed(session, file, options, verb="apply", dry_run=dry_run)
