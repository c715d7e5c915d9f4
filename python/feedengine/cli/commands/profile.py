"""`feedengine profile ...`: what a partner's feed is, and whether the file that says so is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option

group = Group()

Named = Annotated[str, Argument(metavar="NAME|FILE", help="A profile that ships with the engine, or a file.")]


@group.command("list")
def list_profiles(context: Context) -> int:
    """List the profiles that ship with the engine, and those that the settings name."""
    from feedengine.cli import profiling
    from feedengine.cli.render import profile as render

    session = params.session(context)
    found = profiling.overview(session)
    session.out.show({"schema": "feedengine.profiles/1", "profiles": found}, render.listing(found))
    return 0


@group.command("show")
def show(
    context: Context,
    profile: Named,
    entity: Annotated[str | None, Option("--entity", metavar="NAME", help="This one with all its fields.")] = None,
) -> int:
    """Show a profile: how files are named, its entities, how rows find their records; with --json all of it."""
    from feedengine.cli import profiling
    from feedengine.cli.render import profile as render

    session = params.session(context)
    made = profiling.load(profile)
    one = profiling.entity_of(made, entity) if entity else None
    session.out.show(profiling.document(made, one), render.fields(made, one) if one else render.shown(made))
    return 0


@group.command("check")
def check(context: Context, profile: Named) -> int:
    """Check a profile: every key, name, rule and reference; exit code 2 when something is wrong."""
    from feedengine.cli import profiling
    from feedengine.cli.render import profile as render

    session = params.session(context)
    made = profiling.load(profile)
    document = {"schema": "feedengine.profile-check/1", "ok": True, **profiling.summary(made)}
    session.out.show(document, render.checked(made))
    return 0


@group.command("infer")
def infer(
    context: Context,
    sample: Annotated[Path, Argument(metavar="SAMPLE", help="A file as the partner sends it: CSV, in any encoding.")],
    name: Annotated[
        str | None, Option("--name", metavar="NAME", help="The entity's name; default by the file.")
    ] = None,
    out: Annotated[Path | None, Option("--out", metavar="FILE", help="Where it is written; default stdout.")] = None,
) -> int:
    """Draft a profile from a sample: encoding, delimiter, types, keys, what is required.

    What the sample leaves open is said in comments. The draft is a beginning to be read and corrected; it accepts the
    sample.
    """
    from feedengine.cli import profiling

    return profiling.infer(params.session(context), sample, name, out)
