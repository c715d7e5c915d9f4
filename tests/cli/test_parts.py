"""The parts of the command line by themselves: options, cells, changes, plans, progress, exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.canned import GOOD, REFUSED, SAME, counts
from feedengine.cli import changes, planfile
from feedengine.cli.feeds import exit_code, has_changes
from feedengine.cli.options import split
from feedengine.cli.render import diff
from feedengine.cli.watch import Log, line
from feedengine.deliver.spreadsheet import safe, write_file
from feedengine.errors import UsageError


def test_global_options_are_taken_from_anywhere() -> None:
    options, rest = split(["-q", "sync", "f.csv", "--store", "s", "--json", "--reason", "x", "--config=c.toml"])
    assert (options.quiet, options.json, options.store, options.config) == (True, True, "s", "c.toml")
    assert rest == ["sync", "f.csv", "--reason", "x"]


def test_after_two_dashes_nothing_is_an_option() -> None:
    options, rest = split(["trace", "--", "--json"])
    assert (options.json, rest) == (False, ["trace", "--", "--json"])


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-x", "'-x"),
        ("@a", "'@a"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("a=b", "a=b"),
        (-5, "-5"),
        (True, "true"),
        (None, ""),
        (["=a", "b"], "'=a|b"),
    ],
)
def test_cells_are_harmless_in_spreadsheets(value: Any, cell: str) -> None:
    assert safe(value) == cell


def test_a_csv_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    assert write_file(path, ["key", "value"], [{"key": "a", "value": 'x,"y"\n'}, {"key": "=cmd"}]) == 2
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [["key", "value"], ["a", 'x,"y"\n'], ["'=cmd", ""]]
    assert [entry.name for entry in tmp_path.iterdir()] == ["errors.csv"]


BEFORE = [
    {"_row": 1, "id": "A", "item_name": "Boot", "group_ids": ["x"], "metadata:price": "1"},
    {"_row": 2, "id": "B", "item_name": "=Bag", "group_ids": None, "metadata:price": "2"},
]
AFTER = [
    {"id": "A", "item_name": "Boot", "group_ids": ["x", "y"], "metadata:price": "9"},
    {"id": "C", "item_name": "<Cap>", "group_ids": None, "metadata:price": ""},
]


def found() -> list[changes.Change]:
    return list(changes.of_files("items", BEFORE, AFTER))


def test_changes_of_files_and_of_snapshots_are_the_same() -> None:
    flat: list[dict[str, Any]] = [
        {
            "_change": "changed",
            **AFTER[0],
            **{f"before:{name}": BEFORE[0][name] for name in BEFORE[0] if name != "_row"},
        },
        {"_change": "added", **AFTER[1], "before:id": None},
        {"_change": "removed", "id": "B", "item_name": None, "before:item_name": "=Bag", "before:metadata:price": "2"},
    ]
    kinds = [(change.kind, change.id) for change in changes.of_snapshots("items", flat)]
    assert kinds == [(change.kind, change.id) for change in found()]
    assert next(changes.of_snapshots("items", flat)).fields == ("group_ids", "metadata:price")


def test_only_and_fields() -> None:
    kept = list(changes.wanted(found(), only="changed", fields=["metadata:price"]))
    assert [change.as_dict() for change in kept] == [
        {
            "entity": "items",
            "change": "changed",
            "id": "A",
            "fields": {"metadata:price": {"before": "1", "after": "9"}},
        }
    ]
    assert list(changes.wanted(found(), only="changed", fields=["url"])) == []


def test_diff_as_a_table() -> None:
    assert list(diff.lines(found(), "table")) == [
        "~ item A",
        "    group_ids: x → x|y",
        "    metadata:price: 1 → 9",
        "+ item C  <Cap>",
        "− item B  =Bag",
    ]


def test_diff_as_csv() -> None:
    rows = list(csv.reader(io.StringIO("\n".join(diff.lines(found(), "csv")))))
    assert rows == [
        ["entity", "change", "id", "field", "before", "after"],
        ["items", "changed", "A", "group_ids", "x", "x|y"],
        ["items", "changed", "A", "metadata:price", "1", "9"],
        ["items", "added", "C", "item_name", "", "<Cap>"],
        ["items", "added", "C", "metadata:price", "", ""],
        ["items", "removed", "B", "item_name", "'=Bag", ""],
        ["items", "removed", "B", "metadata:price", "2", ""],
    ]


def test_diff_as_json_lines() -> None:
    assert [json.loads(line) for line in diff.lines(found(), "jsonl")][1:] == [
        {"entity": "items", "change": "added", "id": "C", "after": {"item_name": "<Cap>", "metadata:price": ""}},
        {"entity": "items", "change": "removed", "id": "B", "before": {"item_name": "=Bag", "metadata:price": "2"}},
    ]


def test_diff_as_daff() -> None:
    assert list(diff.lines(found(), "daff")) == [
        "@@,id,item_name,group_ids,metadata:price",
        "->,A,Boot,x->x|y,1->9",
        "+++,C,<Cap>,,",
        "---,B,'=Bag,,2",
    ]


def test_diff_as_html_escapes_feed_text() -> None:
    page = "".join(diff.lines(found(), "html"))
    assert "&lt;Cap&gt;" in page and "<Cap>" not in page
    assert "<td><del>1</del> <ins>9</ins></td>" in page
    assert page.endswith("</table></html>")
    assert "No changes." in "".join(diff.lines([], "html"))


def test_exit_codes_of_reports() -> None:
    assert exit_code(GOOD) == 4
    assert exit_code(GOOD, strict=True) == 5
    assert exit_code(REFUSED) == 3
    assert exit_code(SAME) == 0
    assert exit_code({**SAME, "verdict": "invalid"}) == 5
    assert exit_code({**SAME, "verdict": "held"}) == 4
    assert (has_changes(GOOD), has_changes(SAME)) == (True, False)


def test_a_saved_plan_reads_back(tmp_path: Path) -> None:
    from feedengine.target import FeedRequest

    feed = tmp_path / "feed.csv"
    feed.write_text("id\n")
    path = tmp_path / "feed.plan"
    asked = FeedRequest(path=feed, reason="why", create=True)
    planfile.save(path, {**SAME, "entities": {"items": counts()}}, asked, ("key_a/Products", "delta", True))
    assert planfile.looks_like_plan(path) and not planfile.looks_like_plan(feed)
    saved, request = planfile.load(path, "me@here")
    assert (saved["schema"], saved["base_snapshot"]) == ("feedengine.plan/1", 61)
    assert (request.catalog, request.operation, request.force) == ("key_a/Products", "delta", True)
    assert (request.path, request.reason, request.actor, request.create) == (feed, "why", "me@here", True)
    feed.unlink()
    with pytest.raises(UsageError, match="that was planned is gone"):
        planfile.load(path, "me@here")


def test_a_damaged_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "feed.plan"
    for text in ('{"schema": "feedengine.plan/1", ', '{"schema": "feedengine.plan/2", "request": {}}'):
        path.write_text(text)
        assert planfile.looks_like_plan(path)
        with pytest.raises(UsageError):
            planfile.load(path, "me")


def test_log_lines_come_every_five_seconds() -> None:
    now = [0.0]
    out = io.StringIO()
    log = Log(out, clock=lambda: now[0])
    log.phase("reading", file="items.csv")
    for second in range(1, 12):
        now[0] = float(second)
        log.progress(rows=second * 1_700_000, done_bytes=second, total_bytes=20)
    lines = [text.partition(" ")[2] for text in out.getvalue().splitlines()]
    assert lines == [
        "reading items.csv 25 % 8,500,000 rows 1.70 M rows/s",
        "reading items.csv 50 % 17,000,000 rows 1.70 M rows/s",
    ]
    assert "\r" not in out.getvalue()


def test_a_progress_line_without_facts() -> None:
    assert line("comparing", {}, 1.0) == "comparing"
    assert line("reading", {"rows": 1}, 0.0) == "reading 1 row"
