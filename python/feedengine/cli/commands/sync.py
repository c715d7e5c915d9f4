"""`feedengine sync FILE`: a full feed; what it does not hold is removed."""

from __future__ import annotations

import typer

from feedengine.cli import params
from feedengine.cli.params import (
    Catalog,
    Create,
    FeedFile,
    Force,
    HoldRemovals,
    MemoryLimit,
    Operation,
    Reason,
    RemovalLimit,
    Strict,
    Threads,
)


def command(
    context: typer.Context,
    file: FeedFile,
    catalog: Catalog = None,
    operation: Operation = None,
    removal_limit: RemovalLimit = None,
    hold_removals: HoldRemovals = False,
    force: Force = False,
    reason: Reason = None,
    strict: Strict = False,
    create: Create = False,
    dry_run: params.DryRun = False,
    memory_limit: MemoryLimit = None,
    threads: Threads = None,
) -> int:
    """Apply a full feed: what it does not hold is removed, within the limit of the safeguard.

    The catalog is read from the file name (KEY_SECTION_sync_TIME.EXT) unless --catalog names it. A feed whose name
    says another operation is refused: use `feedengine apply` for it.
    """
    from feedengine.cli.applying import apply_feed
    from feedengine.cli.feeds import FeedOptions, configure, request

    session = params.session(context)
    options = FeedOptions(
        catalog=catalog,
        operation=operation,
        force=force,
        reason=reason,
        removal_limit=removal_limit,
        hold_removals=hold_removals,
        strict=strict,
        memory_limit=memory_limit,
        threads=threads,
        create=create,
    )
    configure(session, options)
    wanted = request(session, file, options, verb="sync")
    if dry_run:
        from feedengine.cli.planning import show_plan

        return show_plan(session, wanted)
    return apply_feed(session, wanted, strict=strict)
