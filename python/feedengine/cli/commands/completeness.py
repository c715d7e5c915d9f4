"""`feedengine completeness ENTITY`: how much of what could be said about records is said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option
from feedengine.errors import UsageError

Entity = Annotated[str, Argument(metavar="ENTITY", help="For instance products.")]


def command(
    context: Context,
    entity: Entity,
    field: Annotated[
        list[str] | None, Option("--field", metavar="NAME", help="Only this field; again for more. Else all declared.")
    ] = None,
    csv: Annotated[str | None, Option("--csv", metavar="FILE", help="Write every incomplete record as CSV.")] = None,
    limit: Annotated[int, Option("--limit", metavar="N", least=1, help="Most records to show.")] = 20,
    catalog: params.Catalog = None,
) -> int:
    """Show how many records have each field, and the records that lack most."""
    from feedengine.cli.render import completeness as render
    from feedengine.deliver.spreadsheet import write_file

    session = params.session(context)
    opened, section = session.catalog(catalog)
    spec = opened.entities.spec(entity)
    declared = [str(each["name"]) for each in spec["fields"][1:]]
    unknown = [each for each in field or () if each not in declared]
    if unknown:
        raise UsageError(f"{entity} have no field {', '.join(unknown)}; declared are {', '.join(declared)}.")
    fields = list(dict.fromkeys(field or declared))
    lookup = opened.lookup(section, entity)
    total, filled = lookup.filled(fields) if lookup else (0, dict.fromkeys(fields, 0))
    lacking = lookup.lacking(fields, None if csv else limit) if lookup else []
    rows = [
        {"id": key, "complete": round(100 * count / len(fields), 1), "missing": missing}
        for key, count, missing in lacking
    ]
    if csv is not None:
        write_file(Path(csv), ("id", "complete", "missing"), rows)
    share = sum(filled.values()) / (total * len(fields)) if total else 1.0
    document = {
        "schema": "feedengine.completeness/1", "catalog": f"{opened.key}/{section}", "entity": entity, "records": total,
        "complete": round(100 * share, 1), "fields": filled, "lacking": rows,
    }  # fmt: skip
    session.out.show(document, render.report(entity, total, share, filled, rows[:limit]))
    return 0
