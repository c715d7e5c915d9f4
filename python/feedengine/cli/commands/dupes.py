"""`feedengine dupes ENTITY`: records that are likely the same one twice."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option

Entity = Annotated[str, Argument(metavar="ENTITY", help="For instance customers.")]


def command(
    context: Context,
    entity: Entity,
    by: Annotated[str | None, Option("--by", metavar="COLUMN", help="Alike in this column; else by weak ids.")] = None,
    catalog: params.Catalog = None,
) -> int:
    """Show records whose names are the same but for case, blanks and punctuation, the oldest of each group first."""
    from feedengine.cli.render import conflicts as render
    from feedengine.remedy import duplicates

    session = params.session(context)
    opened, section = session.catalog(catalog)
    groups = duplicates.find(opened, section, entity, by)
    key = opened.entities.key(entity)
    document = {
        "schema": "feedengine.dupes/1", "catalog": f"{opened.key}/{section}", "entity": entity,
        "groups": [{"column": each.column, "records": each.records} for each in groups],
    }  # fmt: skip
    session.out.show(document, render.duplicates(entity, key, groups))
    return 0
