"""A plan or task report as text: what was read, the table of counts, the safeguard, the problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from feedengine.cli.render import text

Report = Mapping[str, Any]

_LABEL, _NOW, _ADDED, _CHANGED, _REMOVED, _UNCHANGED = 16, 14, 12, 11, 12, 12
_FATES = ("added", "changed", "unchanged", "listed", "rejected", "parked", "ignored")
_MOST_FIELDS = 3


def entities(report: Report) -> Mapping[str, Mapping[str, Any]]:
    """The entities of a report that hold or bring anything; none where the file could not be read."""
    found: Mapping[str, Mapping[str, Any]] = report.get("entities") or {}
    concerned = {name: each for name, each in found.items() if each["rows"] or each["before"] or each["after"]}
    return concerned or found


def reading(report: Report) -> list[str]:
    """What was read, and against what it was compared."""
    found = entities(report)
    sent = {name: each for name, each in found.items() if each["rows"]} or found
    parts = [f"{text.entity_words(name)} {text.number(each['rows'])}" for name, each in sent.items()]
    if not parts:
        return []
    lines = text.flow("Read", parts)
    rows = sum(each["rows"] for each in entities(report).values())
    taken = float((report.get("seconds") or {}).get("read") or 0)
    if taken:
        speed = text.rate(rows, taken)
        lines.append(" " * text.LEAD + f"{text.counted(rows, 'row')} · {text.seconds(taken)} · {speed}")
    base = report.get("base_snapshot")
    lines.append(f"Compared  with snapshot {base}" if base else "Compared  with nothing: this is the first load")
    return lines


def table(report: Report) -> list[str]:
    """The counts: now = added + changed + unchanged, and now = before + added - removed."""
    found = entities(report)
    if not found:
        return []
    section = str(report.get("catalog") or "/records").partition("/")[2].lower() or "records"
    head = ("now", "added", "changed", "removed", "unchanged")
    lines = [_row(text.cut(section, _LABEL - 3), head)]
    for name, each in found.items():
        after, added, changed = int(each["after"]), int(each["added"]), int(each["changed"])
        cells = (
            text.number(after),
            text.signed("+", added),
            text.signed("~", changed),
            text.signed("−", int(each["removed"])),
            text.number(after - added - changed),
        )
        lines.append(_row(text.entity_words(name), cells))
    return lines


def _row(label: str, cells: Iterable[str]) -> str:
    widths = (_NOW, _ADDED, _CHANGED, _REMOVED, _UNCHANGED)
    padded = "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return ("  " + label.ljust(_LABEL - 2) + padded[1:]).rstrip()


def rows(report: Report) -> list[str]:
    """Where the rows of the file went, for entities where some are in none of the table's columns."""
    lines = []
    for name, each in entities(report).items():
        if not any(each.get(fate) for fate in ("listed", "rejected", "parked", "ignored")):
            continue
        fates = [f"{text.number(each[fate])} {fate}" for fate in _FATES if each.get(fate)]
        parts = [*fates[:1], *(f"+ {fate}" for fate in fates[1:])]
        lead = f"  rows     {text.entity_words(name)} {text.number(each['rows'])} ="
        lines += text.flow(lead, parts, indent=len(lead) + 1, joint=" ")
    return lines


def removal(report: Report) -> list[str]:
    """The safeguard's measure, one part per entity, and its verdict."""
    guard = report.get("safeguard") or {}
    measured = [(name, each) for name, each in (guard.get("entities") or {}).items() if each.get("base")]
    if not measured:
        return []
    parts = [f"{text.share(each['share'])} of {text.entity_words(name)}" for name, each in measured]
    limits = {text.limit_words(each["limit"]) for _, each in measured}
    limit = f"limit {limits.pop()}" if len(limits) == 1 else "limits differ"
    lines = text.flow("  removal", [*parts, f"{limit}: {verdict_word(str(guard.get('decision')))}"], indent=11)
    for name, each in measured:
        if each.get("decision") == "warn":
            lines.append(f"           {text.entity_words(name)}: more than usual, below the limit")
    return lines


def must_exist(report: Report) -> list[str]:
    """What becomes of the records that lists name, where the feed takes any: a line a list."""
    lines = []
    guard = report.get("safeguard") or {}
    for each in guard.get("must_exist") or ():
        parts = [f"{text.cut(each['file'])}: {text.number(each['lost'])} of {text.number(each['base'])} lost"]
        if each["missing_before"]:
            parts.append(f"{text.number(each['missing_before'])} were not there before")
        # What a list refuses may be let through by force, or but for the removals.
        decision = str(guard.get("decision") if each["decision"] == "blocked" else each["decision"])
        parts.append(f"limit {text.limit_words(each['limit'])}: {verdict_word(decision)}")
        lines += text.flow("  must exist", parts, indent=14)
    return lines


def verdict_word(decision: str) -> str:
    """The safeguard's decision as a word."""
    return {"ok": "ok", "warn": "ok, but look", "blocked": "STOPPED", "forced": "forced", "held": "held"}.get(
        decision, decision
    )


def fields(report: Report) -> list[str]:
    """The fields that changed most."""
    counts: dict[str, int] = {}
    for each in entities(report).values():
        for name, count in (each.get("fields") or {}).items():
            counts[name] = counts.get(name, 0) + int(count)
    top = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = [f"{text.cut(name, 40)} {text.number(count)}" for name, count in top[:_MOST_FIELDS]]
    if len(top) > _MOST_FIELDS:
        parts.append(f"{len(top) - _MOST_FIELDS} more")
    lines = text.flow("  changed fields", parts, indent=18) if parts else []
    new = [name for each in entities(report).values() for name in each.get("new_columns") or ()]
    return lines + (text.flow("  new columns", [text.cut(name, 40) for name in new], indent=18) if new else [])


def problem_count(report: Report) -> list[str]:
    """One line on what was wrong with the feed."""
    problems = report.get("problems") or {}
    skipped = sum(int(each.get("rejected") or 0) for each in entities(report).values())
    errors, warnings = int(problems.get("errors") or 0), int(problems.get("warnings") or 0)
    parts = []
    if skipped:
        parts.append(f"{text.counted(skipped, 'row')} skipped")
    elif errors:
        parts.append(text.counted(errors, "error"))
    if warnings:
        parts.append(text.counted(warnings, "warning"))
    return [f"  problems {', '.join(parts)}"] if parts else []


def problems(report: Report) -> list[str]:
    """Each kind of problem with its count, its first place and what to do about it."""
    found = report.get("problems") or {}
    kinds = found.get("by_code") or ()
    lines: list[str] = []
    for kind in kinds:
        first = kind.get("first") or {}
        lead = f"{text.number(int(kind['count'])):>6} × {kind['code']}"
        note = " (warning)" if kind.get("severity") == "warning" else ""
        lines.append(lead + note)
        lines += text.paragraph("", text.clean(first.get("message") or kind.get("hint") or ""), indent=9)
        example = _place(first)
        if example:
            lines += text.flow("", [f"first at {example[0]}", *example[1:]], indent=9)
        if kind.get("hint") and first.get("message"):
            lines += text.paragraph("", f"→ {kind['hint']}", indent=9)
    total = int(found.get("errors") or 0) + int(found.get("warnings") or 0)
    listed = int(found.get("listed", len(found.get("list") or ())))
    if kinds and listed < total:
        lines.append(f"         {text.number(listed)} of {text.number(total)} are listed one by one")
    return lines


def _place(fault: Mapping[str, Any]) -> list[str]:
    where = str(fault.get("member") or fault.get("file") or "")
    if not where:
        return []
    line, byte = fault.get("line"), fault.get("byte")
    place = (
        f"{text.cut(where, 40)}:{line}" if line else f"{text.cut(where, 40)} byte {byte}" if byte else text.cut(where)
    )
    parts = [place]
    if fault.get("key"):
        parts.append(f"{text.one_of(str(fault.get('entity') or 'records'))} {text.cut(fault['key'], 30)}")
    if fault.get("column"):
        value = fault.get("value")
        shown = f'="{text.cut(value, 30)}"' if value is not None else ""
        parts.append(f"{text.cut(fault['column'], 30)}{shown}")
    return parts


def summary(report: Report) -> list[str]:
    """The result of a feed as data: the table and the lines under it."""
    block = table(report)
    if not block:
        return []
    below = [*rows(report), *removal(report), *must_exist(report), *fields(report), *problem_count(report)]
    return ["", *block, *([""] if below else []), *below, ""]


def outcome(report: Report) -> list[str]:
    """The sentence that says what became of the feed."""
    verdict = report.get("verdict")
    if verdict == "no_change":
        return _no_change(report)
    if report.get("new_snapshot"):
        return _applied(report)
    return []


def _no_change(report: Report) -> list[str]:
    held = [f"{text.number(each['after'])} {text.entity_words(name)}" for name, each in entities(report).items()]
    base = report.get("base_snapshot")
    said = f"{', '.join(held)}: nothing differs from snapshot {base}. No new snapshot.{_taken(report)}"
    return text.paragraph("No change", said)


def _applied(report: Report) -> list[str]:
    number = report["new_snapshot"]
    parts = [f"snapshot {number} is current"]
    total = sum(float(each) for each in (report.get("seconds") or {}).values())
    if total:
        parts.append(text.seconds(total))
    if report.get("peak_rss_bytes"):
        parts.append(f"peak memory {text.size(int(report['peak_rss_bytes']))}")
    lines = text.flow("Applied", parts)
    if (report.get("safeguard") or {}).get("decision") == "held" or report.get("outcome") == "held":
        held = [
            f"{text.number(count)} {text.entity_words(name)}"
            for name, count in ((report.get("safeguard") or {}).get("held") or {}).items()
            if count
        ]
        task = report.get("task")
        which = f" of task {task}" if task else ""
        lines += text.paragraph("HELD", f"the removals{which} ({' · '.join(held)}) wait for approval")
    if report.get("force"):
        lines += text.paragraph(
            "Forced", f"the removal safeguard was skipped; reason: {report.get('reason') or 'none given'}"
        )
    return lines


def _taken(report: Report) -> str:
    total = sum(float(each) for each in (report.get("seconds") or {}).values())
    return f" {text.seconds(total)}" if total else ""
