"""`feedengine template ENTITY`: the file that a partner fills in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option

EntityName = Annotated[str, Argument(metavar="ENTITY", help="An entity of the profile.")]
ProfileOption = Annotated[
    str | None, Option("--profile", metavar="NAME|FILE", help="The profile; default the one of the settings.")
]
Format = Annotated[
    str | None, Option("--format", metavar="WORD", help="csv, xlsx, or guide: in words; default by --out, else csv.")
]
Out = Annotated[Path | None, Option("--out", metavar="FILE", help="Where it is written; default stdout.")]


def command(
    context: Context,
    entity: EntityName,
    profile: ProfileOption = None,
    format: Format = None,
    out: Out = None,
    catalog: params.Catalog = None,
    no_example: Annotated[bool, Option("--no-example", help="The header alone.")] = False,
) -> int:
    """Write the template of an entity: its columns and an example row, ready to be filled in and sent.

    A workbook has lists of allowed values and a sheet of notes; the guide says the same in words. A file that is made
    from a template is accepted by the profile.
    """
    from feedengine.cli import profiling

    session = params.session(context)
    made = profiling.chosen(session, profile, catalog)
    return profiling.template(session, made, entity, format, out, example=not no_example)
