"""`feedengine trace ID`: a record's life."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option


def command(
    context: Context,
    record: Annotated[str, Argument(metavar="ID", help="The record's id, or another of its identifiers.")],
    entity: Annotated[
        str | None, Option("--entity", metavar="NAME", help="Of which entity; the profile's first if left out.")
    ] = None,
    catalog: params.Catalog = None,
) -> int:
    """Show which file, record number and snapshot set each field of a record, from its first day on."""
    from feedengine.cli.render import trace as render
    from feedengine.cli.session import as_document, check_entity

    session = params.session(context)
    opened, section = session.catalog(catalog)
    entity = entity or opened.entities.first
    check_entity(entity, opened.entities.names)
    record = opened.meant(section, entity, record)
    life = [as_document(event) for event in opened.trace(section, entity, record)]
    if not life:
        from feedengine.errors import RecordNotFound

        raise RecordNotFound(f'No snapshot of {opened.key}/{section} holds "{record}" in {entity}.')
    document = {"schema": "feedengine.trace/1", "catalog": f"{opened.key}/{section}", "entity": entity, "id": record}
    session.out.show({**document, "events": life}, render.life(record, entity, life))
    return 0
