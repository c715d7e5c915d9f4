"""How complete records are as text: by field, then those that lack most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.cli.render import text


def report(
    entity: str, total: int, share: float, filled: Mapping[str, int], lacking: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The sum, a table by field, a table of records."""
    if not total:
        return [f"no {text.entity_words(entity)}"]
    lines = [f"{text.number(total)} {text.entity_words(entity)}, {text.share(share)} complete", ""]
    fields = sorted(filled.items(), key=lambda each: each[1])
    lines += text.table(
        [
            ("field", "filled", "share"),
            *((name, text.number(count), text.share(count / total)) for name, count in fields),
        ],
        right=(1, 2),
    )
    if lacking:
        rows = [(str(each["id"]), f"{each['complete']}%", text.cut(", ".join(each["missing"]), 70)) for each in lacking]
        lines += ["", *text.table([("record", "complete", "missing"), *rows], right=(1,))]
    return lines
