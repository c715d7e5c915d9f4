"""A publication as text: its files, what is in them, and why they are these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedengine.cli.render.text import counted, entity_words, paragraph, size, table


def plan(made: Mapping[str, Any], *, dry_run: bool) -> list[str]:
    """A plan, or what was put into the outbox."""
    since = f"since snapshot {made['from_snapshot']}" if made["from_snapshot"] is not None else "from nothing"
    lead = "Plan" if dry_run else "Publish"
    lines = paragraph(lead, f"{made['catalog']} to {made['target']}: snapshot {made['to_snapshot']} {since}")
    lines += paragraph("", made["why"])
    for entity, counts in made["changes"].items():
        if counts["added"] or counts["changed"] or counts["removed"]:
            said = f"+{counts['added']:,} ~{counts['changed']:,} −{counts['removed']:,}"
            lines += paragraph("", f"{entity_words(entity)} {said}")
    if made["files"]:
        rows = [
            (
                each["name"],
                " ".join(f"{count:,} {entity_words(entity)}" for entity, count in each["records"].items()),
                size(each.get("packed_bytes", each["bytes"])) + (" packed" if "packed_bytes" in each else ""),
            )
            for each in made["files"]
        ]
        lines += ["", *table(rows)]
    for note in made["notes"]:
        lines += ["", *paragraph("Note", note)]
    if made["refusal"]:
        lines += ["", *paragraph("STOPPED" if dry_run else "Forced", made["refusal"])]
    if made["publication"] is not None:
        lines += ["", f"publication {made['publication']}: {counted(len(made['files']), 'file')} in the outbox"]
    return lines
