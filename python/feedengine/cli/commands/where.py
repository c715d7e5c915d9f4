"""`feedengine where FILE`: what became of a file, in one line."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option

Name = Annotated[str, Argument(metavar="FILE", help="A file's name; folders in front of it do not count.")]


def command(
    context: Context,
    file: Name,
    every: Annotated[bool, Option("--all", help="Every file of that name, not the newest only.")] = False,
) -> int:
    """Say where a file is: landed, queued, running, applied, rejected; and in which folder it is now."""
    from feedengine.cli.render import text
    from feedengine.errors import NotFound
    from feedengine.service import whereabouts

    session = params.session(context)
    found = whereabouts.find(session.store, file)
    if not found:
        raise NotFound(
            f"No file {file} has arrived.",
            hints=[{"text": "The files that did", "argv": ["feedengine", "task", "list"]}],
        )
    shown = found if every else found[:1]
    document = {"schema": "feedengine.where/1", "files": [each.as_dict() for each in shown], "total": len(found)}
    session.out.show(document, [text.clean(each.line) for each in shown])
    return 0
