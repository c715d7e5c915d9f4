"""`feedengine publish CATALOG TARGET`: make a receiver the same as a catalog, with the smallest feeds that do."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option

Snapshot = Annotated[int | None, Option("--from", metavar="N", least=0, help="The snapshot the receiver has.")]


def command(
    context: Context,
    catalog: Annotated[str, Argument(metavar="CATALOG", help="Which catalog: key/section.")],
    target: Annotated[str, Argument(metavar="TARGET", help="A name of the settings, a URL, or a folder with a /.")],
    from_snapshot: Snapshot = None,
    to_snapshot: Annotated[int | None, Option("--to", metavar="N", least=1, help="The one it is to have.")] = None,
    full: Annotated[bool, Option("--full", help="One full feed, whatever was sent before.")] = False,
    dry_run: params.DryRun = False,
    wait: Annotated[bool, Option("--wait", help="Wait until all files have arrived.")] = False,
    timeout: Annotated[
        int, Option("--timeout", metavar="SECONDS", least=1, help="The longest time to wait; then exit with 7.")
    ] = 3600,
    force: params.Force = False,
    reason: params.Reason = None,
) -> int:
    """Send what changed since the last publication to this target, as sync, delta, patchdelta and delete feeds: the
    fewest bytes that are right. What the receiver's removal safeguard would refuse is not sent without --force."""
    from feedengine.cli.publishing import publish
    from feedengine.service.publishing import Wish

    session = params.session(context)
    opened, section = session.catalog(catalog)
    wish = Wish(section, from_snapshot, to_snapshot, full, force, reason, session.actor)
    return publish(session, opened, target, wish, dry_run=dry_run, wait=wait, timeout=timeout)
