"""The engine's answer against the model's, number by number."""

from __future__ import annotations

from model.apply import Outcome
from model.spec import ENTITIES
from model.state import plain_table
from shop import Answer, Shop

COUNTS = (
    *("rows", "before", "after", "added", "changed", "unchanged", "removed", "rejected", "ignored", "listed"),
    *("duplicates", "merged", "unknown", "cascaded", "deactivated", "active_before", "lost", "data_bytes"),
)
# Reported once for the file by the engine or once a record by the model: only their presence is compared.
ONCE = {
    *("DELTA_NARROW", "DANGLING_GROUP", "SEVERAL_ROOTS", "FLAT_JSONL", "GROUP_CYCLE", "GROUP_HAS_CHILDREN"),
    *("EXTRA_COLUMN", "AVERAGE_TOO_LARGE"),
}


def same_answer(answer: Answer, outcome: Outcome) -> None:
    """Verdict, faults, counts and safeguard of one feed."""
    assert answer.verdict == outcome.verdict, (answer.report["problems"], outcome.faults)
    expected = outcome.codes()
    if outcome.verdict == "invalid":
        # several things may be wrong at once, and reading stops at the first step that fails
        assert answer.codes, "invalid without a fault"
        assert set(answer.codes) <= set(expected), (answer.codes, expected)
        return
    # The engine knows columns that no record holds any more: they too can be missing from a delta.
    found = {code for code in answer.codes if code in expected or code != "DELTA_NARROW"}
    assert found == set(expected), (answer.codes, expected)
    for code, records in expected.items():
        if code not in ONCE:
            assert answer.codes[code] == records, (code, answer.codes[code], records)
    for entity in ENTITIES:
        got = {name: answer.count(entity, name) for name in COUNTS}
        want = {name: outcome.counts[entity][name] for name in COUNTS}
        if entity not in answer.report["entities"]:
            want.update(before=0, after=0, active_before=0, data_bytes=0)
        assert got == want, (entity, {name: (got[name], want[name]) for name in COUNTS if got[name] != want[name]})
        if "ORPHAN" in expected:
            continue  # what a skipped row would have changed is counted by the engine, which skips it later
        fields = answer.report["entities"].get(entity, {}).get("fields", {})
        assert fields == outcome.fields[entity], (entity, fields, outcome.fields[entity])
    balance(answer)


def balance(answer: Answer) -> None:
    """Every row is counted once, and the totals follow (architecture, section 4)."""
    for entity, one in answer.report["entities"].items():
        ways = ("added", "changed", "unchanged", "rejected", "parked", "ignored", "listed")
        assert one["rows"] == 0 or one["rows"] == sum(one[name] for name in ways), (entity, one)
        if answer.verdict != "held":
            assert one["after"] == one["before"] + one["added"] - one["removed"], (entity, one)


def same_state(shop: Shop, outcome: Outcome, section: str = "Products") -> None:
    """The whole catalog, record by record."""
    for entity in ENTITIES:
        want = plain_table(outcome.state.table(section, entity))
        assert shop.table(entity) == want, entity
