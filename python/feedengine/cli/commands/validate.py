"""`feedengine validate FILE...`: parse and rules, no store needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Option

Files = Annotated[list[Path], Argument(metavar="FILE...", help="Feeds to check.")]
ErrorsCsv = Annotated[Path | None, Option("--errors-csv", metavar="FILE", help="Write every problem as CSV.")]


def command(
    context: Context,
    files: Files,
    errors_csv: ErrorsCsv = None,
    operation: params.Operation = None,
    catalog: params.Catalog = None,
    strict: params.Strict = False,
    memory_limit: params.MemoryLimit = None,
    threads: params.Threads = None,
    profile: params.Profile = None,
    entity: params.Entity = None,
) -> int:
    """Read feeds and apply the rules to them, without a store and without changing anything.

    Without a stored catalog, what depends on it is not checked: a patch may name any record. Exit code 5 when a feed
    would be rejected, 4 when rows of it would be.
    """
    from feedengine.cli.feeds import FeedOptions, configure
    from feedengine.cli.validating import validate

    session = params.session(context)
    configure(session, FeedOptions(strict=strict, memory_limit=memory_limit, threads=threads))
    return validate(
        session, files, operation=operation, catalog=catalog, errors_csv=errors_csv, strict=strict, profile=profile,
        entity=entity,
    )  # fmt: skip
