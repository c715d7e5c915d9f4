"""What can be wrong with a feed, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass

FILE, ROW, WARNING = "file", "row", "warning"

SEVERITY = {
    # reading
    "SHORT_ROW": WARNING,
    "LONG_ROW": FILE,
    "UNKNOWN_COLUMN": WARNING,
    "UNKNOWN_MEMBER": WARNING,
    "MISSING_COLUMN": FILE,
    "DUPLICATE_COLUMN": FILE,
    "EMPTY_COLUMN": FILE,
    "EMPTY_FILE": FILE,
    "BAD_FLAG": ROW,
    "BAD_INTEGER": ROW,
    "BAD_JSON": ROW,
    "BAD_TYPE": ROW,
    "ID_NOT_TEXT": WARNING,
    "NOT_TEXT": WARNING,
    "NOT_LIST": WARNING,
    "FLAT_JSONL": WARNING,
    "UNKNOWN_ENTITY": FILE,
    # meaning
    "EMPTY_ENTITY": FILE,
    "DUPLICATE_ITEM": WARNING,
    "UNKNOWN_ID": WARNING,
    "UNKNOWN_RECORD": FILE,
    "MISSING_KEY": ROW,
    "MISSING_FIELD": ROW,
    "TOO_LONG": ROW,
    "LONG_TEXT": WARNING,
    "NO_ALPHANUMERIC": ROW,
    "OUT_OF_RANGE": ROW,
    "EXTRA_COLUMN": FILE,
    "ORPHAN": ROW,
    "UNKNOWN_GROUP": WARNING,
    "GROUP_CYCLE": FILE,
    "UNKNOWN_PARENT": FILE,
    "SEVERAL_ROOTS": WARNING,
    "GROUP_HAS_CHILDREN": FILE,
    "CASCADED": WARNING,
    "VARIATION_MOVED": WARNING,
    "ADD_UNDER_CREATE": FILE,
    "ADD_NEEDS_PATCH": ROW,
    "DUPLICATE_SECTION": FILE,
    "DATA_TOO_LARGE": ROW,
    "AVERAGE_TOO_LARGE": FILE,
    "DELTA_NARROW": WARNING,
    "CONFLICTING_NAMES": WARNING,
    "DANGLING_GROUP": WARNING,
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong; ``record`` counts data records from 1, 0 is the file or its header."""

    code: str
    entity: str | None = None
    record: int = 0
    key: str | None = None
    column: str | None = None
    message: str = ""
    raised: str | None = None  # the severity a setting gives it, where it differs from the table

    @property
    def severity(self) -> str:
        """How bad it is."""
        return self.raised or SEVERITY[self.code]
