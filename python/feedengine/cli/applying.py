"""Applying a feed or a saved plan and telling what became of it: shared by sync, apply and task approve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli import planfile
from feedengine.cli.feeds import FeedOptions, configure, exit_code, request
from feedengine.cli.output import Output
from feedengine.cli.render import report, steps
from feedengine.errors import BaseMoved, UsageError

if TYPE_CHECKING:
    from feedengine.cli.session import Session


def feed(session: Session, file: Path, options: FeedOptions, *, verb: str, dry_run: bool) -> int:
    """Plan, guard and commit one feed; gives the exit code. What stops it is raised."""
    configure(session, options)
    wanted = request(session, file, options, verb=verb)
    if dry_run:
        from feedengine.cli.planning import show_plan

        return show_plan(session, wanted)
    from feedengine import ingest

    with session.watch() as watch:
        result = ingest.run(session.store, session.settings, wanted, watch)
    tell(session.out, result.report)
    return int(exit_code(result.report, strict=options.strict))


def saved_plan(session: Session, path: Path, options: FeedOptions, *, dry_run: bool) -> int:
    """Apply a plan that was saved, if its file and its base are still the same. Raises BaseMoved, FileChanged."""
    allowed = FeedOptions(memory_limit=options.memory_limit, threads=options.threads)
    if options != allowed:
        raise UsageError("A saved plan is applied as it was made: only --memory-limit and --threads may be added.")
    configure(session, options)
    saved, wanted = planfile.load(path, session.actor)
    _same_base(session, saved, path)
    if dry_run:
        from feedengine.cli.planning import show_plan

        return show_plan(session, wanted)
    from feedengine import ingest
    from feedengine.ingest.approval import check_unchanged

    with session.watch() as watch:
        plan = ingest.plan(session.store, session.settings, wanted, watch)
        check_unchanged(plan, saved)
        result = ingest.run_planned(session.store, session.settings, plan, watch)
    tell(session.out, result.report)
    return int(exit_code(result.report))


def _same_base(session: Session, saved: Mapping[str, Any], path: Path) -> None:
    """Compare snapshots before a big file is read again; ingest compares once more when it has planned."""
    key, _, section = str(saved.get("catalog")).partition("/")
    store = session.store
    if key not in store.keys():  # noqa: SIM118 - a method of the store, not of a dict
        current = 0
    else:
        with store.catalog(key) as opened:
            current = opened.base(section).snapshot
    if current != saved.get("base_snapshot"):
        file = str(saved["request"]["path"])
        raise BaseMoved(
            f"The plan was made against snapshot {saved.get('base_snapshot')}; snapshot {current} is current.",
            state="Nothing was changed.",
            hints=[{"text": "Plan again", "argv": ["feedengine", "plan", file, "--out", str(path)]}],
        )


def tell(out: Output, document: Mapping[str, Any]) -> None:
    """Show a finished task: the counts as data, the rest as talk."""
    hints = steps.complete(steps.after(document), out.given)
    if out.machine:
        out.json({**document, "hints": hints})
        return
    out.talk(report.reading(document))
    out.summary(report.summary(document))
    out.talk(report.outcome(document))
    for block in (report.problems(document), steps.lines(hints)):
        if block:
            out.talk(["", *block])
