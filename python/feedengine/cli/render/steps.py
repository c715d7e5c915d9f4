"""The commands to type next, by what became of a feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.cli.render import text
from feedengine.cli.render.report import entities
from feedengine.names import MERGE

Hint = Mapping[str, Any]
#: Codes of rows that might mean several records.
CONFLICTS = ("KEY_CONFLICT", "AMBIGUOUS_MATCH")


def after(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Next steps for a finished task; those the report brings win."""
    given = [dict(hint) for hint in report.get("hints") or ()]
    if given or not report.get("task"):
        return given
    task, catalog = str(report["task"]), str(report.get("catalog"))
    steps: list[dict[str, Any]] = []
    if report.get("verdict") == "refused":
        steps.append(_step("Sent by mistake?", "task", "reject", task))
    if report.get("verdict") in ("refused", "held"):
        steps += [_step("Look at it again", "task", "show", task), *_approvals(report, task)]
    problems = report.get("problems") or {}
    if problems.get("errors") or problems.get("warnings"):
        steps.append(_step("Every problem", "task", "errors", task, "--csv", "errors.csv"))
    if any(kind.get("code") in CONFLICTS for kind in problems.get("by_code") or ()):
        steps.append(_step("Say which record is meant", "conflicts", "list", "--catalog", catalog))
    if any(each.get("parked") for each in entities(report).values()):
        steps.append(_step("Rows that wait", "parked", "list", "--catalog", catalog))
    steps += [_step("Rows that waited", "task", "show", str(number)) for number in report.get("released") or ()]
    new, base = report.get("new_snapshot"), report.get("base_snapshot")
    if new and base:
        steps.append(_step("What changed", "diff", f"{catalog}@{base}", f"{catalog}@{new}", "--limit", "20"))
        steps.append(_step("Undo it", "snapshot", "rollback", str(base), "--catalog", catalog))
    return steps


def _approvals(report: Mapping[str, Any], task: str) -> list[dict[str, Any]]:
    removed = sum(int(each.get("removed") or 0) for each in entities(report).values())
    held = report.get("verdict") == "held"
    if held:
        removed = sum(((report.get("safeguard") or {}).get("held") or {}).values())
    really = _step("Really remove them", "task", "approve", task, "--remove", str(removed), "--reason", "…")
    if held or report.get("operation") == MERGE:
        return [really]
    return [_step("Keep the rest, hold", "task", "approve", task, "--hold-removals"), really]


def _step(words: str, *argv: str) -> dict[str, Any]:
    return {"text": words, "argv": ["feedengine", *argv]}


def complete(hints: Sequence[Hint], options: Sequence[str]) -> list[dict[str, Any]]:
    """The hints with the global options that this run was given, so that they can be typed as they stand."""
    found = []
    for hint in hints:
        argv = list(hint.get("argv") or ())
        if argv[:1] == ["feedengine"]:
            argv[1:1] = options
        found.append({"text": hint.get("text", ""), "argv": argv})
    return found


def lines(hints: Sequence[Hint]) -> list[str]:
    """The commands in two columns; a hint without a command is a sentence."""
    width = max((len(str(hint["text"])) for hint in hints if hint.get("argv")), default=0)
    found = []
    for hint in hints:
        if hint.get("argv"):
            found.append(f"  {str(hint['text']).ljust(width)}  {text.command(hint['argv'])}")
        else:
            found += text.paragraph("  →", text.clean(hint["text"]), indent=4)
    return found
