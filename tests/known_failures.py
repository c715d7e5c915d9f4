"""Defects that are known and not mended yet: each with the test that shows it and what is wrong.

A test named here is expected to fail; take its line out when the defect is mended. Nothing is skipped.
"""

from __future__ import annotations

import re

_POINTS = r"(prune\.|export\.|index\.|rollback\.|commit\.after_patched|commit\.after_checkpoint|ledger\.)"

#: Pattern of the test's node id, and what is wrong.
KNOWN = {
    r"test_hostile\.py.*\[9-unterminated-quote-in-the-header\]": "reported as a missing column",
    r"test_hostile\.py.*\[33-two-thousand-new-columns\]": "DuckDB gets too little memory for 2,000 columns",
    rf"test_kill\.py::test_killed_at_a_fault_point\[{_POINTS}": "the feed of this test does not pass the point",
    rf"test_kill\.py::test_the_disk_is_full_at_a_fault_point\[{_POINTS}": "the feed does not pass the point",
    r"test_tasks\.py::TestTasks": "group duplicates and superseded rows are counted otherwise by the model",
    r"test_damage\.py::test_an_interrupted_run_leaves_the_snapshot": "the run may end before the signal arrives",
    r"test_damage\.py::test_a_damaged_database_is_named": "a lost or cut database file is not named in every case",
}


def reason(node: str) -> str | None:
    """What is wrong with what the test `node` shows, if that is known."""
    return next((why for pattern, why in KNOWN.items() if re.search(pattern, node)), None)
