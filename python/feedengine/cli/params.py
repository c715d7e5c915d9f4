"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from feedengine.cli.declare import Argument, Context, Option

if TYPE_CHECKING:
    from feedengine.cli.session import Session

Catalog = Annotated[str | None, Option("--catalog", metavar="KEY/SECTION", help="Which catalog is meant.")]
Operation = Annotated[
    str | None, Option("--operation", metavar="NAME", help="What the feed does, instead of its name's word.")
]
Profile = Annotated[
    str | None,
    Option("--profile", metavar="NAME|FILE", help="What the feed is; for a new catalog, or its new profile."),
]
Entity = Annotated[str | None, Option("--entity", metavar="NAME", help="The entity that the file holds.")]
Force = Annotated[bool, Option("--force", help="Skip the removal safeguard, and only that; wants --reason.")]
Reason = Annotated[str | None, Option("--reason", metavar="TEXT", help="Why; kept with the task.")]
RemovalLimit = Annotated[
    str | None, Option("--removal-limit", metavar="50%|20000", help="Most removals: a share, or rows.")
]
HoldRemovals = Annotated[
    bool, Option("--hold-removals", help="If removals exceed the limit, apply the rest and hold them.")
]
Strict = Annotated[bool, Option("--strict", help="A single bad row rejects the feed.")]
MemoryLimit = Annotated[str | None, Option("--memory-limit", metavar="512MiB", help="Memory to use; at least 256MiB.")]
Threads = Annotated[int | None, Option("--threads", metavar="N", help="Threads to use; 0 = one per core.")]
Create = Annotated[bool, Option("--create", help="Create the catalog if it is not known yet.")]
DetailedExitCode = Annotated[
    bool, Option("--detailed-exitcode", help="Exit with 10 when there are changes, 0 when there are none.")
]
DryRun = Annotated[bool, Option("--dry-run", help="Show what would happen and write nothing.")]
FeedFile = Annotated[Path, Argument(metavar="FILE", help="The feed: csv, json, jsonl, or tar, gz, zst of them.")]


def session(context: Context) -> Session:
    """The session that the entry point made."""
    found: Session = context.obj
    return found
