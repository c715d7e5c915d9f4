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
) -> int:
    """Make what names GONE name KEEP, delete GONE, and give KEEP the ids that only GONE had. Asks first."""
    from feedengine import ingest
    from feedengine.remedy import duplicates

    session = params.session(context)
    opened, section = session.catalog(catalog)
    steps = duplicates.merge(session.store, opened, section, entity, keep, gone, forget=forget)
    opened.close()
    session.confirm(f"{'; '.join(each.said for each in steps)}?")
    done = []
    for step in steps:
        request = ingest.FeedRequest(
            step.path, catalog=f"{opened.key}/{section}", operation=step.operation, actor=session.actor, own=True,
            reason=f"merge of {gone} into {keep}{f': {reason}' if reason else ''}",
        )  # fmt: skip
        result = ingest.run(session.store, session.settings, request)
        done.append({"task": result.report["task"], "snapshot": result.report["new_snapshot"], "said": step.said})
    document = {"schema": "feedengine.merge/1", "entity": entity, "keep": keep, "gone": gone, "tasks": done}
    session.out.show(document, [f"task {each['task']}: {each['said']}" for each in done])
    return 0
