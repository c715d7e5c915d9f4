"""The screen of a refused feed: what it would remove, why that may be, and what would go first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from feedengine.cli.render import text
from feedengine.cli.render.report import Report, entities

_GONE = 2


def refusal(report: Report) -> list[str]:
    """STOPPED, the state, the likely cause and what would go first; empty when nothing was refused."""
    guard = report.get("safeguard") or {}
    reasons = [*_forbidden(report), *_entities(report, guard), *_segments(guard), *_lists(guard), *_values(guard)]
    if not reasons:
        return []
    lines: list[str] = []
    for at, reason in enumerate(reasons):
        lines += text.paragraph("STOPPED" if at == 0 else "", reason)
    lines += [" " * text.LEAD + state(report)]
    signature = guard.get("signature")
    causes: list[str] = []
    if signature:
        causes += text.paragraph(
            "  Looks like", text.clean(signature.get("message") or signature.get("kind")), indent=16
        )
    gone = guard.get("gone_first") or ()
    if gone:
        parts = [
            f'{_column(each["column"])} "{text.cut(each["value"], 24)}" −{text.number(int(each["lost"]))}'
            for each in gone
        ]
        shown = parts[:_GONE] + ([f"{len(parts) - _GONE} more"] if len(parts) > _GONE else [])
        causes += text.flow("  Gone first", shown, indent=16)
    return [*lines, *([""] if causes else []), *causes]


def state(report: Report) -> str:
    """What state the catalog is in after a refusal."""
    base = report.get("base_snapshot")
    return f"Nothing was changed. Snapshot {base} is still current." if base else "Nothing was changed."


def _forbidden(report: Report) -> Iterable[str]:
    """Force that the settings do not allow."""
    if report.get("force_refused"):
        yield text.clean(report["force_refused"]["message"]) + "."


def _entities(report: Report, guard: Mapping[str, Any]) -> Iterable[str]:
    for name, each in (guard.get("entities") or {}).items():
        if each.get("decision") != "blocked":
            continue
        deactivated = int((entities(report).get(name) or {}).get("deactivated") or 0)
        verb = "remove or deactivate" if deactivated else "remove"
        yield (
            f"this feed would {verb} {text.number(int(each['lost']))} of {text.number(int(each['base']))} "
            f"{text.entity_words(name)} ({text.share(each['share'])}); limit {text.limit_words(each['limit'])}."
        )


def _segments(guard: Mapping[str, Any]) -> Iterable[str]:
    for each in guard.get("segments") or ():
        yield (
            f"this feed would remove {text.number(int(each['lost']))} of {text.number(int(each['base']))} "
            f'{text.entity_words(each["entity"])} whose {text.cut(each["column"])} is "{text.cut(each["value"], 30)}"; '
            f"limit {text.limit_words(each['limit'])}."
        )


def _lists(guard: Mapping[str, Any]) -> Iterable[str]:
    for each in guard.get("must_exist") or ():
        if each.get("decision") != "blocked":
            continue
        verb, after = ("leave", " missing or inactive") if each["counts_missing"] else ("remove or deactivate", "")
        first = ", ".join(text.cut(one, 40) for one in each["first"])
        yield (
            f"this feed would {verb} {text.number(int(each['lost']))} of {text.number(int(each['base']))} "
            f"{text.entity_words(each['entity'])} that {text.cut(each['file'])} names{after} "
            f"({text.share(each['share'])}); limit {text.limit_words(each['limit'])}."
            + (f" The first that go: {first}." if first else "")
        )


def _values(guard: Mapping[str, Any]) -> Iterable[str]:
    words = {
        "zero_share": "too many values of {} became 0",
        "null_rise": "too many records lose their {}",
        "column_vanished": "the column {} is gone from this feed",
    }
    for each in guard.get("values") or ():
        sentence = words.get(str(each.get("guard")), f"the guard {each.get('guard')} of {{}} does not hold")
        count, base = each.get("count"), each.get("base")
        extra = f" ({text.number(int(count))} of {text.number(int(base))} records)" if count and base else ""
        yield sentence.format(text.cut(each.get("column"))) + extra + "."


def _column(name: str) -> str:
    return text.cut(name.removeprefix("facet:").removeprefix("metadata:").removesuffix("_ids"), 24)
