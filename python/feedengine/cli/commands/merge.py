"""`feedengine merge ENTITY KEEP GONE`: two records that are one."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option

Entity = Annotated[str, Argument(metavar="ENTITY", help="For instance customers.")]
Keep = Annotated[str, Argument(metavar="KEEP", help="The id of the record that stays.")]
Gone = Annotated[str, Argument(metavar="GONE", help="The id of the record that becomes a part of it.")]


def command(
    context: Context,
    entity: Entity,
    keep: Keep,
    gone: Gone,
    forget: Annotated[bool, Option("--forget-ids", help="Also where both have ids of their own in a field.")] = False,
    reason: params.Reason = None,
    catalog: params.Catalog = None,
    dry_run: params.DryRun = False,
) -> int:
    """Make what names GONE name KEEP, delete GONE, and give KEEP the ids that only GONE had. Asks first.

    It is one task and one snapshot, whose rollback undoes it.
    """
    from feedengine import ingest
    from feedengine.cli.applying import tell
    from feedengine.cli.feeds import exit_code
    from feedengine.cli.planning import show_plan
    from feedengine.errors import BaseMoved, Hint
    from feedengine.ingest.approval import planned_on
    from feedengine.names import MERGE
    from feedengine.remedy import duplicates, feeds

    session = params.session(context)
    opened, section = session.catalog(catalog)
    merge = duplicates.merge(opened, section, entity, keep, gone, forget=forget)
    opened.close()
    if not dry_run:
        session.confirm(f"{'; '.join(merge.said)}?")
    request = ingest.FeedRequest(
        feeds.write_all(session.store, f"merge_{entity}", merge.rows),
        catalog=f"{opened.key}/{section}", operation=MERGE, actor=session.actor, own=True,
        reason=f"merge of {gone} into {keep}{f': {reason}' if reason else ''}",
    )  # fmt: skip
    if dry_run:
        try:
            return show_plan(session, request)
        finally:
            feeds.drop(request.path)
    try:
        with session.watch() as watch:
            result = ingest.run(session.store, session.settings, request, watch, planned_on(merge.snapshot))
    except BaseMoved as moved:
        moved.hints = [Hint("Merge them again", ("feedengine", "merge", entity, keep, gone))]
        raise
    tell(session.out, result.report)
    return int(exit_code(result.report))
