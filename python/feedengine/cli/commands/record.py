"""`feedengine record ...`: one record created, changed or shown, without a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option
from feedengine.errors import RecordNotFound, UsageError

group = Group()

Entity = Annotated[str, Argument(metavar="ENTITY", help="What it is: an entity of the catalog's profile.")]


@group.command("put")
def put(
    context: Context,
    entity: Entity,
    values: Annotated[
        list[str] | None, Argument(metavar="FIELD=VALUE", help="Its values; a field that is not named stays.")
    ] = None,
    catalog: params.Catalog = None,
    json_file: Annotated[
        Path | None, Option("--json-file", metavar="FILE", help="The values as a JSON object; - reads them from stdin.")
    ] = None,
    operation: params.Operation = None,
    reason: params.Reason = None,
) -> int:
    """Create or change one record, as a feed of one row would: checked, planned, in the ledger, exported."""
    from feedengine.service import exporting, one_record

    session = params.session(context)
    named = "/".join(session.catalog_name(catalog))
    given = _given(values or [], json_file)
    done = one_record.put(
        session.store, session.settings, named, entity, given, actor=session.actor, reason=reason,
        operation=operation or one_record.OPERATION,
    )  # fmt: skip
    trouble: list[str] = []

    def log(event: str, *, level: str = "info", **facts: Any) -> None:
        trouble.extend([str(facts.get("error"))] if level == "error" else [])

    count = exporting.look(session.store, session.settings, named, log)
    session.out.talk([f"not exported yet: {each}" for each in trouble])
    document = {"schema": "feedengine.record-put/1", "catalog": named, "entity": entity, **done.as_dict()}
    said = f"{done.change} in {named} as snapshot {document['snapshot']}" if done.key else "nothing to change"
    exported = f"; {count:,} put out" if count else ""
    session.out.show(
        {**document, "exported": count}, [f"{entity} {done.key or ''}: {said}{exported}".replace(" :", ":")]
    )
    return 0


@group.command("get")
def get(
    context: Context,
    entity: Entity,
    wanted: Annotated[str, Argument(metavar="ID", help="Its id, or FIELD=VALUE; several records may have that.")],
    catalog: params.Catalog = None,
) -> int:
    """Show a record as it is now."""
    from feedengine.cli.render.text import clean, table
    from feedengine.service import one_record

    session = params.session(context)
    opened, section = session.catalog(catalog)
    if entity not in opened.entities.names:
        raise UsageError(f"There is no entity {entity}; known are {', '.join(opened.entities.names)}.")
    name, equals, value = wanted.partition("=")
    terms = [(name, value)] if equals else [(opened.entities.key(entity), wanted)]
    found = one_record.get(opened, section, entity, terms)
    if not found:
        raise RecordNotFound(f'There is no record of {entity} with {terms[0][0]} "{terms[0][1]}".')
    lines: list[str] = []
    for record in found:
        shown = [(clean(field), clean(_shown(value))) for field, value in record.items()]
        lines += [*([""] if lines else []), *table(shown)]
    document = {"schema": "feedengine.records/1", "catalog": f"{opened.key}/{section}", "entity": entity}
    session.out.show({**document, "records": found}, lines)
    return 0


def _given(values: list[str], file: Path | None) -> dict[str, Any]:
    """The values as typed, over those of the file."""
    given: dict[str, Any] = {}
    if file is not None:
        given = _read(file)
    for each in values:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f'"{each}" is no FIELD=VALUE.', state="Nothing was changed.")
        given[name] = value
    if not given:
        raise UsageError("Give the record's values: FIELD=VALUE, or --json-file FILE.", state="Nothing was changed.")
    return given


def _read(file: Path) -> dict[str, Any]:
    import sys

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8-sig")
        found = json.loads(text, parse_float=str)
    except FileNotFoundError:
        raise UsageError(f"There is no file {file}.", code="NO_FILE", state="Nothing was changed.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not JSON: {error}.", state="Nothing was changed.") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) and name for name in found):
        raise UsageError(f"{file} must hold one JSON object: field and value.", state="Nothing was changed.")
    return found


def _shown(value: Any) -> str:
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)
