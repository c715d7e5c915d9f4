"""Defects that are known and not mended yet: each with the test that shows it and what is wrong.

A test named here is expected to fail; take its line out when the defect is mended. Nothing is skipped.
"""

from __future__ import annotations

import re

#: Pattern of the test's node id, and what is wrong.
KNOWN = {
    r"test_tasks\.py::TestTasks": "group duplicates and superseded rows are counted otherwise by the model",
}


def reason(node: str) -> str | None:
    """What is wrong with what the test `node` shows, if that is known."""
    return next((why for pattern, why in KNOWN.items() if re.search(pattern, node)), None)
