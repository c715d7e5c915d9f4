"""Running a request and telling what became of it: shared by sync and apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feedengine.cli.feeds import exit_code
from feedengine.cli.output import Output
from feedengine.cli.render import refusal, report

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.ingest import FeedRequest


def apply_feed(session: Session, request: FeedRequest, *, strict: bool) -> int:
    """Plan, guard and commit one feed; gives the exit code. What stops it is raised."""
    from feedengine import ingest

    with session.watch() as watch:
        result = ingest.run(session.store, session.settings, request, watch)
    tell(session.out, result.report)
    return int(exit_code(result.report, strict=strict))


def tell(out: Output, document: Mapping[str, Any]) -> None:
    """Show a finished task: the counts as data, the rest as talk."""
    if out.machine:
        out.json(document)
        return
    out.talk(report.reading(document))
    out.summary(report.summary(document))
    stopped = refusal.refusal(document) if document.get("verdict") == "refused" else []
    (out.say if stopped else out.talk)(stopped or report.outcome(document))
    details = report.problems(document)
    if details:
        out.talk(["", *details])
    steps = refusal.next_steps(list(document.get("hints") or ()))
    if steps:
        out.talk(["", *steps])
