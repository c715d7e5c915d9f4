"""Showing a plan: shared by `plan` and by `--dry-run`. Nothing is written but the plan file that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli import planfile
from feedengine.cli.feeds import exit_code, has_changes
from feedengine.cli.render import refusal, report, text
from feedengine.errors import ExitCode

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.target import FeedRequest


def show_plan(session: Session, request: FeedRequest, *, save_to: Path | None = None, detailed: bool = False) -> int:
    """Plan a feed and show it; gives the exit code, 10 for changes where `detailed` asks for it."""
    from feedengine import ingest

    with session.watch() as watch:
        plan = ingest.plan(session.store, session.settings, request, watch)
    document = plan.report
    code = exit_code(document)
    if save_to is not None and code in (ExitCode.DONE, ExitCode.PARTIAL):
        target = plan.target
        planfile.save(save_to, document, request, (target.catalog, target.operation, target.force))
    _show(session, document)
    if save_to is not None:
        session.out.talk(_saved(session, document, save_to, code))
    if detailed and code in (ExitCode.DONE, ExitCode.PARTIAL):
        return int(ExitCode.CHANGES if has_changes(document) else ExitCode.DONE)
    return int(code)


def _show(session: Session, document: dict[str, Any]) -> None:
    out = session.out
    if out.machine:
        out.json(document)
        return
    out.talk(report.reading(document))
    for line in report.summary(document):
        out.data(line)
    verdict = document.get("verdict")
    if verdict == "refused":
        out.say(refusal.refusal(document))
    elif verdict == "invalid":
        out.say(text.paragraph("REJECTED", "the feed cannot be applied as it is. Nothing was changed."))
    elif verdict == "no_change":
        out.talk(report.outcome(document))
    else:
        out.talk(f"Plan      {document['id']} · nothing was changed")
    details = report.problems(document)
    if details:
        out.talk(["", *details])


def _saved(session: Session, document: dict[str, Any], path: Path, code: ExitCode) -> list[str]:
    if code not in (ExitCode.DONE, ExitCode.PARTIAL):
        return text.paragraph("", f"{path} was not written: a plan that cannot be applied is not saved.")
    file, base = document["file"], document["base_snapshot"]
    bound = f"snapshot {base}" if base else "an empty catalog"
    return text.flow(
        "Saved",
        [
            str(path),
            f"binds {file['name']} {str(file['fingerprint'])[:13]}… and {bound}",
            "valid until another snapshot is made",
        ],
    )
