"""Whole rows: all faults at once, policies, conditions, patches, limits; and what a declaration cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checks.bench import SECRET, entity, field, plan, text
from feedengine import engine

PRICE = field("price", steps=[{"decimal": {"point": ",", "group": None}}], rules=[{"range": {"min": "0", "max": None}}])


@pytest.mark.feature("P28")
def test_all_faults_of_a_row_are_told_at_once(tmp_path: Path) -> None:
    spec = entity(
        PRICE,
        field("sku", rules=["required", {"length": {"max": 3}}, {"pattern": {"regex": "[A-Z]+"}}]),
        field("color", rules=[{"one_of": {"words": ["red", "blue"]}}]),
        field("stock", "integer", range=[0, 10]),
    )
    rows = [("A", "1,5", "ABC", "red", "3"), ("B", "x", "abcd", "pink", "11"), ("C", "-1", "", "blue", "many")]
    answer = plan(tmp_path, spec, text(("id", "price", "sku", "color", "stock"), rows))
    assert answer.faults == [
        (2, "BAD_DECIMAL", "price", "x"),
        (2, "BAD_PATTERN", "sku", "abcd"),
        (2, "NOT_ALLOWED", "color", "pink"),
        (2, "OUT_OF_RANGE", "stock", "11"),
        (2, "TOO_LONG", "sku", "abcd"),
        (3, "BAD_INTEGER", "stock", "many"),
        (3, "MISSING_FIELD", "sku", None),
        (3, "OUT_OF_RANGE", "price", "-1"),
    ]
    assert answer.rows == {"A": {"id": "A", "price": "1.5", "sku": "ABC", "color": "red", "stock": 3}}
    assert answer.counts["normalised"] == {"price": 1}
    assert [(row["member"], row["entity"], row["record"], row["line"]) for row in answer.rejected] == [
        ("things.csv", "things", 2, 3),
        ("things.csv", "things", 3, 4),
    ]


def test_each_fault_has_its_own_policy(tmp_path: Path) -> None:
    short: Any = {"length": {"max": 2}}
    spec = entity(field("a", rules=[(short, "warn")]), field("b", rules=[(short, "reject")]))
    feed = text(("id", "a", "b"), [("A", "long", ""), ("B", "", "long"), ("C", "ok", "ok")])
    answer = plan(tmp_path, spec, feed)
    assert answer.warnings == [(1, "TOO_LONG", "a", "long")]
    assert answer.faults == [(2, "TOO_LONG", "b", "long")]
    assert sorted(answer.rows) == ["A", "C"]
    totals = {(each["severity"], each["count"]) for each in answer.report["problems"]["by_code"]}
    assert totals == {("warning", 1), ("row", 1)}
    strict = entity(field("a", rules=[(short, "fail")]), field("b"))
    answer = plan(tmp_path, strict, feed)
    assert answer.report["verdict"] == "invalid"
    assert [each["severity"] for each in answer.report["problems"]["list"]] == ["file"]


def test_conditions_ask_for_fields(tmp_path: Path) -> None:
    conditions = [
        {"field": "limit", "when": "allowed", "is": ["Y"]},
        {"field": "note", "when": "limit", "is": [], "policy": "warn"},
    ]
    spec = entity(field("allowed"), field("limit"), field("note"), conditions=conditions)
    rows = [("A", "Y", "5", "x"), ("B", "Y", "", ""), ("C", "N", "", ""), ("D", "", "5", ""), ("E", "", "", "")]
    answer = plan(tmp_path, spec, text(("id", "allowed", "limit", "note"), rows))
    assert answer.faults == [(2, "REQUIRED_WHEN", "limit", None)]
    assert answer.warnings == [(4, "REQUIRED_WHEN", "note", None)]


def test_numbers_are_compared_with_other_fields_exactly(tmp_path: Path) -> None:
    spec = entity(
        field("sale", rules=[{"at_most": {"field": "price"}}]),
        field("price"),
        field("moq", "integer", rules=[{"multiple_of": {"field": "pack"}}]),
        field("pack", "integer"),
    )
    rows = [
        ("A", "0.30", "0.3", "12", "6"),
        ("B", "0.30000000000000000001", "0.3", "13", "6"),
        ("C", "5", "", "7", ""),
        ("D", "", "1", "0", "0"),
        ("E", "", "1", "5", "0"),
    ]
    answer = plan(tmp_path, spec, text(("id", "sale", "price", "moq", "pack"), rows))
    assert answer.faults == [
        (2, "NOT_MULTIPLE", "moq", "13"),
        (2, "OUT_OF_RANGE", "sale", "0.30000000000000000001"),
        (5, "NOT_MULTIPLE", "moq", "5"),
    ]


def test_a_patch_is_judged_by_what_it_mentions(tmp_path: Path) -> None:
    spec = entity(
        field("name", rules=["required"]), field("price", rules=[{"range": {"min": "0", "max": None}}]),
        field("limit"), conditions=[{"field": "limit", "when": "name", "is": ["x"]}],
    )  # fmt: skip
    # Records that are not there yet are made whole: what is not mentioned is missing.
    answer = plan(tmp_path, spec, text(("id", "price"), [("A", "1"), ("B", "-1")]), operation="patchdeltacreate")
    assert answer.faults == [
        (1, "MISSING_FIELD", "name", None),
        (2, "MISSING_FIELD", "name", None),
        (2, "OUT_OF_RANGE", "price", "-1"),
    ]
    answer = plan(tmp_path, spec, text(("id", "price"), [("A", "1"), ("B", "-1")]), operation="patchdeltaignore")
    assert answer.faults == [(2, "OUT_OF_RANGE", "price", "-1")]
    assert answer.counts["unknown"] == 1
    answer = plan(tmp_path, spec, text(("id", "name"), [("A", "x"), ("B", "")]), operation="patchdeltaignore")
    assert answer.faults == [(2, "MISSING_FIELD", "name", None)]


@pytest.mark.parametrize(("limit", "verdict"), [("2", "apply"), ("1", "invalid"), ("50%", "apply"), ("49%", "invalid")])
def test_too_many_rejected_rows_fail_the_file(tmp_path: Path, limit: str, verdict: str) -> None:
    spec = entity(PRICE)
    feed = text(("id", "price"), [("A", "1"), ("B", "x"), ("C", "2"), ("D", "y")])
    answer = plan(tmp_path, spec, feed, settings={"max_rejected": limit})
    assert answer.report["verdict"] == verdict
    codes = {each["code"] for each in answer.report["problems"]["by_code"] if each["fails_file"]}
    assert codes == ({"TOO_MANY_REJECTED"} if verdict == "invalid" else set())


def test_a_known_row_is_not_judged_again_but_a_changed_rule_is(tmp_path: Path) -> None:
    loose, strict = entity(field("a")), entity(field("a", rules=["integer"]))
    feed = text(("id", "a"), [("A", "x"), ("B", "2")])
    assert plan(tmp_path, loose, feed).counts["added"] == 2
    assert plan(tmp_path, strict, feed).faults == [(1, "BAD_INTEGER", "a", "x")]


COLUMNS = [field("sku"), field("name", aliases=["title"]), field("price")]


@pytest.mark.feature("W38")
@pytest.mark.parametrize(
    ("policy", "header", "code", "words"),
    [
        ({"order": "strict"}, "id,sku,name,price", None, ""),
        ({"order": "strict"}, "id,sku,title,price", None, ""),
        ({"order": "strict"}, "id,name,sku,price", "TEMPLATE_MISMATCH", 'out of order: "name", "sku"'),
        ({"order": "strict"}, "id,sku,price", "TEMPLATE_MISMATCH", 'missing: "name"'),
        ({"order": "strict"}, "id,sku,name,price,x", "TEMPLATE_MISMATCH", 'not in the template: "x"'),
        (
            {"order": "strict"},
            "id,price,x,sku",
            "TEMPLATE_MISMATCH",
            'missing: "name"; not in the template: "x"; out of order: "price", "sku"',
        ),
        ({"required": ["sku", "price"]}, "id,name", "MISSING_COLUMN", '"sku", "price"'),
        ({"required": ["name"]}, "id,title", None, ""),
        ({"unknown": "fail"}, "id,sku,x,y", "UNKNOWN_COLUMN", '"x", "y"'),
        ({"unknown": "warn"}, "id,sku,x", None, ""),
        ({"loose": True, "order": "strict"}, "ID,S_k-U, Na me ,PRICE", None, ""),
        ({"loose": True}, "Id,SKU,s k u", "DUPLICATE_COLUMN", ""),
    ],
)
def test_columns_are_those_of_the_profile(
    tmp_path: Path, policy: dict[str, Any], header: str, code: str | None, words: str
) -> None:
    spec = entity(*COLUMNS, columns={"order": "by_name", "unknown": "warn", "required": [], "loose": False, **policy})
    answer = plan(tmp_path, spec, f"{header}\nA{',v' * header.count(',')}\n")
    fatal = [each for each in answer.report["problems"]["list"] if each["severity"] == "file"]
    assert [each["code"] for each in fatal] == ([code] if code else [])
    assert answer.report["verdict"] == ("invalid" if code else "apply")
    if code:
        assert words in fatal[0]["message"]


def test_unknown_columns_may_be_kept(tmp_path: Path) -> None:
    columns = {"order": "by_name", "unknown": "keep", "required": [], "loose": False}
    spec = entity(field("sku"), columns=columns)
    answer = plan(tmp_path, spec, text(("id", "sku", "extra"), [("A", "1", "kept")]))
    assert answer.rows["A"] == {"id": "A", "sku": "1", "metadata:extra": "kept"}
    assert plan(tmp_path, spec, '{"id": "A", "sku": "1", "extra": "kept"}\n', name="t.jsonl").rows == answer.rows
    failing = entity(field("sku"), columns={**columns, "unknown": "fail"})
    answer = plan(tmp_path, failing, '{"id": "A", "sku": "1", "extra": "kept"}\n', name="t.jsonl")
    assert (answer.report["verdict"], answer.faults[0][1]) == ("invalid", "TEMPLATE_MISMATCH")


WRONG: list[tuple[dict[str, Any], str]] = [
    (entity(field("a", rules=[{"pattern": {"regex": "["}}])), "regular expression"),
    (entity(field("a", rules=[{"at_most": {"field": "b"}}])), "no field"),
    (entity(field("a", rules=[{"at_most": {"field": "a"}}])), "itself"),
    (entity(field("a", rules=[{"one_of": {"words": []}}])), "no allowed value"),
    (entity(field("a", rules=[{"one_of": {"words": ["x", "x"]}}])), "twice"),
    (entity(field("a", rules=[{"range": {"min": "2", "max": "1"}}])), "nothing lies"),
    (entity(field("a", rules=[{"range": {"min": "1e3", "max": None}}])), "no decimal number"),
    (entity(field("a", rules=[{"range": {"min": None, "max": None}}])), "needs"),
    (entity(field("a", rules=[{"length": {"min": 3, "max": 2}}])), "is none"),
    (entity(field("a", steps=[{"date": {"forms": ["DD.MM.YY"]}}])), "no form of a date"),
    (entity(field("a", steps=[{"decimal": {"point": ",", "group": ","}}])), "both"),
    (entity(field("a", steps=[{"unit": {"factors": [["kg", "2"]]}}])), "factor 1"),
    (entity(field("a", steps=[{"unit": {"factors": [["kg", "1"], ["g", "x"]]}}])), "no number"),
    (entity(field("a", steps=[{"flag": {"yes": ["J"], "no": ["j"]}}])), "twice"),
    (entity(field("a", steps=[{"map": {"words": [["x", "1"], ["x", "2"]]}}])), "twice"),
    (entity(field("a", steps=[{"split": {"separator": ";"}}])), "only a list"),
    (entity(field("a", "list", steps=[{"split": {"separator": ""}}])), "separator"),
    (entity(field("a", "json", steps=["trim"])), "no steps"),
    (entity(field("a"), field("a")), "means two fields"),
    (entity(field("a", aliases=["id"])), "means two fields"),
    (entity(conditions=[{"field": "a", "when": "id"}]), "not declared"),
    (entity(unique=["nothing"]), "not declared"),
    (entity(references=[{"entity": "others", "by": [["id", "id"]]}]), "no entity"),
    (entity(references=[{"entity": "things", "by": [["id", "x"]], "code": "NO_CODE"}]), "no fault called"),
]


@pytest.mark.parametrize(("spec", "words"), WRONG)
def test_a_declaration_that_cannot_be_meant_is_told_before_any_file(spec: dict[str, Any], words: str) -> None:
    amiss = engine.check_entities([spec])
    assert any(words in str(each["message"]) for each in amiss), amiss
    request = {"operation": "sync", "entities": [spec]}
    with pytest.raises(engine.InternalError, match="declared"):
        engine.Planner(request, SECRET)


def test_what_is_no_declaration_at_all_is_told_too() -> None:
    spec = entity(field("a"))
    assert engine.check_entities([spec]) == []
    assert engine.check_entities(list(engine.constructor_entities())) == []
    spec["fields"][1]["checks"] = [{"rule": "nonsense"}]
    assert "nonsense" in str(engine.check_entities([spec])[0]["message"])
    assert json.dumps(spec)
