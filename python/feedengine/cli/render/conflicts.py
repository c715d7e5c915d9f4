"""Conflicts as text: the list, and one row beside the records that it might mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from feedengine.cli.render import text
from feedengine.cli.render.problems import record

if TYPE_CHECKING:
    from feedengine.remedy.duplicates import Group

Problem = Mapping[str, Any]


def listing(found: Sequence[Problem], total: int) -> list[str]:
    """One line a conflict; says how many there are beyond those shown."""
    if not found:
        return ["no conflicts"]
    rows = [("conflict", "state", "days", "code", "entity", "row", "might be")]
    for each in found:
        related = ", ".join(each["related"])
        rows.append(
            (
                *(str(each["id"]), each["state"], str(each["age"]), each["code"], each["entity"]),
                *(text.cut(record(each), 40), text.cut(related, 80)),
            )
        )
    lines = text.table(rows, right=(0, 2))
    if total > len(found):
        lines.append(f"{text.number(len(found))} of {text.number(total)}; --limit shows more")
    return lines


def details(problem: Problem, fields: Sequence[Sequence[str]], related: Sequence[str]) -> list[str]:
    """The row and the records, field by field; a star where a record differs from the row."""
    lines = [f"{problem['code']}: {text.clean(problem['message'] or '')}", ""]
    count = len(fields[0]) - 2 if fields else 0
    rows = [("field", "the row", *(f"record {number}" for number in range(1, count + 1)))]
    for name, row, *records in fields:
        cells = (f"{text.cut(each, 36)}{' *' if row and each != row else ''}" for each in records)
        rows.append((text.cut(name, 30), text.cut(row, 36), *cells))
    lines += text.table(rows)
    if count < len(related):
        lines += ["", f"{len(related) - count} of the records that it might mean are gone"]
    if problem["state"] in ("open", "reopened"):
        lines += ["", f"→ feedengine conflicts resolve {problem['id']} --record ID"]
    return lines


def duplicates(entity: str, key: str, groups: Sequence[Group]) -> list[str]:
    """A block for each group of records that go by the same name."""
    if not groups:
        return [f"no {text.entity_words(entity)} that look alike"]
    lines: list[str] = []
    for group in groups:
        rows = [(str(record[key]), text.cut(record[group.column])) for record in group.records]
        lines += [*([""] if lines else []), *text.table([(key, group.column), *rows])]
        keep, gone = rows[0][0], rows[1][0]
        lines.append(f"→ feedengine merge {entity} {keep} {gone}")
    return lines
