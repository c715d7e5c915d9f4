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
    """Make what names GONE name KEEP, delete GONE, and give KEEP the ids that only GONE had. Asks first.

    A merge that was cut short goes on where it ended: type the same command again.
    """
    from feedengine import ingest
    from feedengine.remedy import duplicates, merging

    session = params.session(context)
    opened, section = session.catalog(catalog)
    merge = merging.Merging(session.store, f"{opened.key}/{section}", entity, keep, gone)
    rest = merge.begun()
    if rest is None:
        steps = duplicates.merge(session.store, opened, section, entity, keep, gone, forget=forget)
    else:
        steps = merging.again(opened, section, entity, gone, rest)
    opened.close()
    before = "" if rest is None else "This merge was begun and cut short; what is left of it: "
    session.confirm(f"{before}{'; '.join(each.said for each in steps)}?")

    def run(step: duplicates.Step) -> dict[str, object]:
        request = ingest.FeedRequest(
            step.path, catalog=f"{opened.key}/{section}", operation=step.operation, actor=session.actor, own=True,
            reason=f"merge of {gone} into {keep}{f': {reason}' if reason else ''}",
        )  # fmt: skip
        result = ingest.run(session.store, session.settings, request)
        return {"task": result.report["task"], "snapshot": result.report["new_snapshot"], "said": step.said}

    done = list(merge.carry_out(steps, run))
    document = {"schema": "feedengine.merge/1", "entity": entity, "keep": keep, "gone": gone, "tasks": done}
    session.out.show(document, [f"task {each['task']}: {each['said']}" for each in done])
    return 0
