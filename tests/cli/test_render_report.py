"""Whole screens: a good feed, a refused one, one without changes, a rejected one."""

from __future__ import annotations

from typing import Any

import pytest

from cli.canned import BAD_NUMBER, GOOD, REFUSED, SAME, counts, guard
from feedengine.cli.render import refusal, report, steps, text
from feedengine.cli.render.error import error as error_lines
from feedengine.errors import BaseMoved, Hint


def screen(*blocks: list[str]) -> str:
    return "\n".join(line for block in blocks for line in block) + "\n"


def test_a_good_sync() -> None:
    assert screen(
        report.reading(GOOD), report.summary(GOOD), report.outcome(GOOD), [""], report.problems(GOOD), [""],
        steps.lines(steps.after(GOOD)),
    ) == """\
Read      items 2,013,975 · variations 5,120,402 · item groups 4,584
          7,138,961 rows · 4.1 s · 1.74 M rows/s
Compared  with snapshot 60

  products                now       added    changed     removed   unchanged
  items             2,013,934      +4,982    ~61,340      −4,369   1,947,612
  variations        5,120,402     +11,201   ~140,877      −9,950   4,968,324
  item groups           4,584          +2         ~9          −0       4,573

  rows     items 2,013,975 = 4,982 added + 61,340 changed + 1,947,612 unchanged
                             + 41 rejected
  removal  0.22% of items · 0.19% of variations · 0% of item groups
           limit 50%: ok
  changed fields  metadata:price 48,112 · active 17,004 · facet:Color 310
                  1 more
  problems 41 rows skipped, 3 warnings

Applied   snapshot 61 is current · 9.8 s · peak memory 612 MB

    41 × BAD_NUMBER
         the suggested score is not a whole number
         first at items.csv:97929 · item SKU-1101853 · suggested_score="12,99 €"
         → write whole numbers from -1 to 500000000
     3 × LONG_TEXT (warning)
         the description is over 1,000 characters
         first at items.csv
         → shorten it

  Every problem  feedengine task errors 62 --csv errors.csv
  What changed   feedengine diff key_7AeG/Products@60 key_7AeG/Products@61 --limit 20
  Undo it        feedengine snapshot rollback 60 --catalog key_7AeG/Products
"""  # fmt: skip


def test_a_refusal() -> None:
    assert screen(
        report.summary(REFUSED), refusal.refusal(REFUSED), [""],
        steps.lines(steps.complete(steps.after(REFUSED), ["--store", "my store"])),
    ) == """\

  products                now       added    changed     removed   unchanged
  items               811,204        +112     ~4,031  −1,202,842     807,061

  removal  59.7% of items · limit 50%: STOPPED

STOPPED   this feed would remove 1,202,842 of 2,013,934 items (59.7%); limit
          50%.
          Nothing was changed. Snapshot 61 is still current.

  Looks like    the file ends early: its last record has 4 of 17 columns
  Gone first    group "Shoes" −402,118 · group "Bags" −311,040 · 1 more

  Sent by mistake?     feedengine --store 'my store' task reject 62
  Look at it again     feedengine --store 'my store' task show 62
  Keep the rest, hold  feedengine --store 'my store' task approve 62 --hold-removals
  Really remove them   feedengine --store 'my store' task approve 62 --remove 1202842 --reason …
"""  # fmt: skip


def test_no_change() -> None:
    assert screen(report.outcome(SAME)) == (
        "No change 3 items: nothing differs from snapshot 61. No new snapshot. 3.2 s\n"
    )


def test_segments_and_value_guards_are_named() -> None:
    blocked: dict[str, Any] = {
        **REFUSED["safeguard"],
        "entities": {"items": guard(1, 100, "ok")},
        "signature": None,
        "gone_first": [],
        "segments": [
            {"entity": "items", "column": "facet:Brand", "value": "Acme", "lost": 9, "base": 10, "limit": "80%"}
        ],
        "values": [
            {"guard": "zero_share", "column": "metadata:price", "count": 60, "base": 100, "limit": "5%"},
            {"guard": "column_vanished", "column": "image_url"},
        ],
    }
    assert (
        screen(refusal.refusal({**REFUSED, "safeguard": blocked}))
        == """\
STOPPED   this feed would remove 9 of 10 items whose facet:Brand is "Acme";
          limit 80%.
          too many values of metadata:price became 0 (60 of 100 records).
          the column image_url is gone from this feed.
          Nothing was changed. Snapshot 61 is still current.
"""
    )


def test_lists_of_what_must_exist_are_named() -> None:
    entry = {
        "entity": "items", "column": "id", "file": "sellers.csv", "listed": 51, "missing_before": 2,
        "base": 49, "counts_missing": False, "lost": 2, "share": 2 / 49, "limit": "2%", "decision": "blocked",
        "first": ["A1", "A2"],
    }  # fmt: skip
    calm = {**entry, "decision": "ok", "lost": 0, "first": []}
    whole = {**entry, "counts_missing": True, "base": 51, "lost": 20, "share": 20 / 51, "limit": "9", "first": []}
    blocked = {**REFUSED["safeguard"], "entities": {}, "signature": None, "gone_first": []}
    lists = {**REFUSED, "safeguard": {**blocked, "must_exist": [entry, calm, whole]}}
    assert (
        screen(refusal.refusal(lists))
        == """\
STOPPED   this feed would remove or deactivate 2 of 49 items that sellers.csv
          names (4.08%); limit 2%. The first that go: A1, A2.
          this feed would leave 20 of 51 items that sellers.csv names missing or
          inactive (39.2%); limit 9 rows.
          Nothing was changed. Snapshot 61 is still current.
"""
    )
    assert (
        screen(report.must_exist({"safeguard": {"must_exist": [calm]}}))
        == "  must exist  sellers.csv: 0 of 49 lost · 2 were not there before · limit 2%: ok\n"
    )
    forced = {"safeguard": {"decision": "forced", "must_exist": [{**entry, "missing_before": 0}]}}
    assert screen(report.must_exist(forced)) == "  must exist  sellers.csv: 2 of 49 lost · limit 2%: forced\n"


def test_held_removals() -> None:
    held = {
        **GOOD,
        "verdict": "held",
        "outcome": "held",
        "safeguard": {
            **REFUSED["safeguard"],
            "decision": "held",
            "entities": {"items": guard(61, 100, "held")},
            "held": {"items": 60},
        },
        "problems": REFUSED["problems"],
    }
    assert (
        screen(report.outcome(held), steps.lines(steps.after(held)[:2]))
        == """\
Applied   snapshot 61 is current · 9.8 s · peak memory 612 MB
HELD      the removals of task 62 (60 items) wait for approval
  Look at it again    feedengine task show 62
  Really remove them  feedengine task approve 62 --remove 60 --reason …
"""
    )


def test_force_is_said_with_its_reason() -> None:
    forced = {**GOOD, "force": True, "reason": "season ended"}
    assert report.outcome(forced)[1] == "Forced    the removal safeguard was skipped; reason: season ended"


def test_the_table_adds_up_for_operations_that_leave_records_alone() -> None:
    patch = {**GOOD, "entities": {"items": counts(rows=10, before=1_000, after=1_000, changed=9, unchanged=1)}}
    assert report.table(patch)[1] == ("  items                 1,000          +0         ~9          −0         991")


def test_every_line_of_a_report_fits_80_columns() -> None:
    long = {
        **BAD_NUMBER,
        "member": "items" * 30,
        "key": "k" * 250,
        "column": "metadata:" + "n" * 900,
        "value": "v" * 200,
    }
    wide = {
        **GOOD,
        "problems": {
            **GOOD["problems"],
            "by_code": [{"code": "BAD_NUMBER", "severity": "row", "count": 1, "hint": "", "first": long}],
        },
    }
    for line in [*report.reading(wide), *report.summary(wide), *report.problems(wide)]:
        assert len(line) <= 80, line


def test_feed_text_cannot_drive_the_terminal() -> None:
    evil = {**BAD_NUMBER, "key": "a\x1b[2Jb", "value": "\r\nSTOPPED", "message": "x\x07"}
    shown = report.problems(
        {"problems": {"by_code": [{"code": "X", "severity": "row", "count": 1, "hint": "", "first": evil}]}}
    )
    assert all(line.isprintable() for line in shown), shown


def test_an_error_says_what_happened_the_state_and_what_to_type() -> None:
    moved = BaseMoved(
        "snapshot 60 is no longer the newest of key_7AeG/Products: 61 was committed meanwhile",
        state="Nothing was changed.",
        hints=[Hint("Plan again", ("feedengine", "plan", "a b.csv")), Hint("Or look first.")],
    )
    assert (
        screen(error_lines(moved))
        == """\
ERROR     Snapshot 60 is no longer the newest of key_7AeG/Products: 61 was
          committed meanwhile. [BASE_MOVED]
          Nothing was changed.

  Plan again  feedengine plan 'a b.csv'
  → Or look first.
"""
    )


@pytest.mark.parametrize(
    ("entity", "one"),
    [
        ("items", "item"),
        ("item_groups", "item_group"),
        ("categories", "category"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("address", "address"),
        ("inventory", "inventory"),
        ("prices", "price"),
    ],
)
def test_a_record_is_called_by_its_entity(entity: str, one: str) -> None:
    assert text.one_of(entity) == one
