"""Rolling back as a task of the ledger, so that it is recorded like everything else that makes a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedengine.cli.render import text
from feedengine.errors import FeedEngineError

if TYPE_CHECKING:
    from feedengine.cli.session import Session


def roll_back(session: Session, number: int, named: str | None, reason: str | None) -> int:
    """Make a new snapshot that equals an old one. Raises SnapshotNotFound, CatalogBusy."""
    from feedengine import ingest

    ingest.recover(session.store)
    opened, section = session.catalog(named)
    current = opened.base(section).snapshot
    opened.snapshot(number)
    ledger, actor = session.store.ledger, session.actor
    task = ledger.begin(
        key=opened.key, section=section, operation="rollback", actor=actor, reason=reason, type="rollback",
        base_snapshot=current,
    )  # fmt: skip
    try:
        made = opened.rollback(section, number, task=task, reason=reason, actor=actor)
    except BaseException as error:
        described = error.as_dict() if isinstance(error, FeedEngineError) else {"code": "FAILED", "message": str(error)}
        outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        ledger.fail(task, outcome, error=described)
        raise
    new = made.as_dict()
    report = {
        "schema": "feedengine.rollback/1",
        "task": task,
        "catalog": f"{opened.key}/{section}",
        "to": number,
        "base_snapshot": current,
        "new_snapshot": new["snapshot"],
        "counts": new["counts"],
    }
    ledger.finish(task, "ok", new_snapshot=new["snapshot"], report=report)
    lines = text.flow(
        "Rolled back", ["to", f"snapshot {number};", f"snapshot {new['snapshot']}", "is current"], joint=" ", indent=12
    )
    undo = ["feedengine", *session.out.given, "snapshot", "rollback", str(current), "--catalog", report["catalog"]]
    if session.out.machine:
        session.out.json({**report, "hints": [{"text": "Undo it", "argv": undo}]})
    else:
        session.out.talk([*lines, f"  Undo it  {text.command([str(word) for word in undo])}"])
    return 0
