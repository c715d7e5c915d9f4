"""`feedengine sync FILE`: a full feed; what it does not hold is removed."""

from __future__ import annotations

from feedengine.cli import params
from feedengine.cli.declare import Context


def command(
    context: Context,
    file: params.FeedFile,
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
    """Apply a full feed: what it does not hold is removed, within the limit of the safeguard.

    The catalog is read from the file name (KEY_SECTION_sync_TIME.EXT) unless --catalog names it. A feed whose name
    says another operation is refused: use `feedengine apply` for it.
    """
    from feedengine.cli.applying import feed
    from feedengine.cli.feeds import FeedOptions

    options = FeedOptions(
        catalog, operation, force, reason, removal_limit, hold_removals, strict, memory_limit, threads, create,
        profile, entity,
    )  # fmt: skip
    return feed(params.session(context), file, options, verb="sync", dry_run=dry_run)
