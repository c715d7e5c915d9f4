"""What an approval binds: the snapshot and the exact number that the person saw, and a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from feedengine.errors import BaseMoved, FileChanged, Hint, UsageError
from feedengine.names import MERGE

if TYPE_CHECKING:
    from feedengine.ingest.model import Plan
    from feedengine.ledger import Task


def removals(report: Mapping[str, Any]) -> int:
    """Records that a plan removes, over all entities."""
    entities = report["entities"]
    return sum(int(entry["removed"]) for entry in entities.values())


def plan_again(made: Plan) -> Hint:
    """The command that plans the same feed against what is current now."""
    target = made.target
    if target.operation == MERGE:
        return Hint("Give the command again that made the feed: it holds for one snapshot")
    argv = ("feedengine", "plan", str(made.request.path), "--catalog", target.catalog, "--operation", target.operation)
    return Hint("Plan again", argv)


def check_unchanged(made: Plan, saved: Mapping[str, Any]) -> None:
    """Raise FileChanged or BaseMoved unless `made` is the plan that was `saved`."""
    if saved["file"]["fingerprint"] != made.report["file"]["fingerprint"]:
        raise FileChanged(
            f"{made.request.path} is not the file that was planned",
            state=f"Nothing was changed. Snapshot {made.base.snapshot} is current.",
            hints=[plan_again(made)],
        )
    if saved["base_snapshot"] != made.base.snapshot:
        raise BaseMoved(
            f"the plan was made against snapshot {saved['base_snapshot']}",
            state=f"Nothing was changed. Snapshot {made.base.snapshot} is current.",
            hints=[plan_again(made)],
        )


def planned_on(snapshot: int) -> Callable[[Plan], None]:
    """The check of a feed that was written from what a snapshot holds: raises BaseMoved on any other."""

    def check(made: Plan) -> None:
        if made.base.snapshot != snapshot:
            raise BaseMoved(
                f"the feed was written from snapshot {snapshot}",
                state=f"Nothing was changed. Snapshot {made.base.snapshot} is current.",
                hints=[plan_again(made)],
            )

    return check


def check_approval(waiting: Task, remove: int | None, reason: str | None) -> Callable[[Plan], None]:
    """Check what can be checked at once; gives the check of the new plan.

    Raises UsageError for a missing reason. The returned function raises BaseMoved, FileChanged or UsageError.
    """
    if remove is not None and not (reason or "").strip():
        raise UsageError("removals are approved with a reason: --reason TEXT", state="Nothing was changed.")
    if remove is None and waiting.operation == MERGE:
        raise UsageError(
            "a merge is done as a whole or not at all: --remove N --reason TEXT, or reject it",
            state="Nothing was changed.",
        )
    seen = waiting.new_snapshot or waiting.base_snapshot or 0

    def check(made: Plan) -> None:
        check_unchanged(made, {"file": {"fingerprint": waiting.fingerprint}, "base_snapshot": seen})
        count = removals(made.report)
        if remove is not None and remove != count:
            raise UsageError(
                f"this would remove {count:,} records, not {remove:,}",
                state=f"Nothing was changed. Snapshot {made.base.snapshot} is current.",
                hints=[Hint("Look at it again", ("feedengine", "task", "show", str(waiting.id)))],
            )

    return check
