"""Reports as the engine and the flow write them, small enough to read."""

from __future__ import annotations

from typing import Any

NOTHING = {
    "rows": 0, "before": 0, "after": 0, "added": 0, "changed": 0, "unchanged": 0, "removed": 0, "rejected": 0,
    "parked": 0, "ignored": 0, "listed": 0, "duplicates": 0, "merged": 0, "unknown": 0, "cascaded": 0,
    "deactivated": 0, "blank_lines": 0, "active_before": 0, "lost": 0, "data_bytes": 0, "fields": {},
    "new_columns": [],
}  # fmt: skip


def counts(**given: Any) -> dict[str, Any]:
    """The counts of one entity."""
    return {**NOTHING, **given}


def guard(lost: int, base: int, decision: str, limit: str = "50%") -> dict[str, Any]:
    """The safeguard's measure of one entity."""
    return {"lost": lost, "base": base, "limit": limit, "share": lost / base if base else 0.0, "decision": decision}


def fault(code: str, severity: str, message: str, **more: Any) -> dict[str, Any]:
    """One problem."""
    empty = {"file": "feed.tar.gz", "member": "items.csv", "record": 0, "line": 0, "byte": 0, "entity": "items"}
    rest = {"key": None, "column": None, "value": None, "hint": ""}
    return {**empty, **rest, "code": code, "severity": severity, "message": message, **more}


BAD_NUMBER = fault(
    "BAD_NUMBER", "row", "the suggested score is not a whole number", line=97_929, record=97_928, key="SKU-1101853",
    column="suggested_score", value="12,99 €", hint="write whole numbers from -1 to 500000000",
)  # fmt: skip
LONG_TEXT = fault("LONG_TEXT", "warning", "the description is over 1,000 characters", hint="shorten it")

GOOD: dict[str, Any] = {
    "schema": "feedengine.task/1",
    "id": "9f2c51d0aa10be77",
    "task": 62,
    "state": "DONE",
    "outcome": "ok_with_errors",
    "operation": "sync",
    "force": False,
    "catalog": "key_7AeG/Products",
    "file": {"name": "feed.tar.gz", "bytes": 402_118_200, "fingerprint": "xxh3:0f3a", "container": "tar.gz of csv"},
    "base_snapshot": 60,
    "new_snapshot": 61,
    "entities": {
        "items": counts(
            rows=2_013_975, before=2_013_321, after=2_013_934, added=4_982, changed=61_340, unchanged=1_947_612,
            removed=4_369, rejected=41, fields={"metadata:price": 48_112, "active": 17_004, "facet:Color": 310,
                                                "url": 9},
        ),
        "variations": counts(
            rows=5_120_402, before=5_119_151, after=5_120_402, added=11_201, changed=140_877, unchanged=4_968_324,
            removed=9_950,
        ),
        "item_groups": counts(rows=4_584, before=4_582, after=4_584, added=2, changed=9, unchanged=4_573),
    },
    "safeguard": {
        "decision": "ok",
        "entities": {
            "items": guard(4_369, 2_013_321, "ok"),
            "variations": guard(9_950, 5_119_151, "ok"),
            "item_groups": guard(0, 4_582, "ok"),
        },
        "signature": None,
        "segments": [],
        "values": [],
        "gone_first": [],
    },
    "verdict": "apply",
    "problems": {
        "errors": 41,
        "warnings": 3,
        "listed": 44,
        "by_code": [
            {"code": "BAD_NUMBER", "severity": "row", "count": 41, "hint": BAD_NUMBER["hint"], "first": BAD_NUMBER},
            {"code": "LONG_TEXT", "severity": "warning", "count": 3, "hint": LONG_TEXT["hint"], "first": LONG_TEXT},
        ],
        "list": [BAD_NUMBER, LONG_TEXT],
    },
    "seconds": {"read": 4.1, "compare": 2.2, "write": 3.5},
    "peak_rss_bytes": 612_000_000,
}  # fmt: skip

REFUSED: dict[str, Any] = {
    **GOOD,
    "state": "FAILED",
    "outcome": "refused",
    "verdict": "refused",
    "base_snapshot": 61,
    "new_snapshot": None,
    "entities": {
        "items": counts(
            rows=811_204, before=2_013_934, after=811_204, added=112, changed=4_031, unchanged=807_061,
            removed=1_202_842, lost=1_202_842,
        ),
    },
    "safeguard": {
        "decision": "blocked",
        "entities": {"items": guard(1_202_842, 2_013_934, "blocked")},
        "signature": {
            "kind": "unfinished_record",
            "message": "the file ends early: its last record has 4 of 17 columns",
        },
        "segments": [],
        "values": [],
        "gone_first": [
            {"column": "group_ids", "value": "Shoes", "lost": 402_118},
            {"column": "group_ids", "value": "Bags", "lost": 311_040},
            {"column": "facet:Brand", "value": "Acme", "lost": 5},
        ],
    },
    "problems": {"errors": 0, "warnings": 0, "listed": 0, "by_code": [], "list": []},
}  # fmt: skip

SAME: dict[str, Any] = {
    **GOOD,
    "outcome": "no_change",
    "verdict": "no_change",
    "base_snapshot": 61,
    "new_snapshot": None,
    "entities": {"items": counts(rows=3, before=3, after=3, unchanged=3)},
    "problems": REFUSED["problems"],
    "seconds": {"read": 3.0, "compare": 0.2, "write": 0.0},
}
