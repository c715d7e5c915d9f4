"""Every step and every rule against its model, over made-up values."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.bench import entity, field, plan, text
from model import checks as model

STEPS: dict[str, list[Any]] = {
    "trim": ["trim"],
    "squeeze": ["squeeze"],
    "both": ["trim", "squeeze"],
    "nfc": ["nfc"],
    "upper": ["upper"],
    "lower": ["lower"],
    "german": [{"decimal": {"point": ",", "group": "."}}],
    "french": [{"decimal": {"point": ",", "group": " "}}],
    "plain": [{"decimal": {"point": ".", "group": None}}],
    "english": [{"decimal": {"point": ".", "group": ","}}],
    "currency": [{"currency": {"signs": ["EUR", "\u20ac", "$", "US$"]}}],
    "price": ["trim", {"currency": {"signs": ["EUR", "\u20ac"]}}, {"decimal": {"point": ",", "group": "."}}],
    "unit": [{"unit": {"factors": [["kg", "1"], ["g", "0.001"], ["lb", "0.45359237"]]}}],
    "weight": [{"unit": {"factors": [["m", "1"], ["cm", "0.01"]]}}, {"decimal": {"point": ",", "group": "."}}],
    "date": [{"date": {"forms": ["DD.MM.YYYY", "YYYYMMDD", "D/M/YYYY"]}}],
    "flag": [{"flag": {"yes": ["Y", "Ja", "1"], "no": ["N", "nein", "0"]}}],
    "map": [{"map": {"words": [["S", "small"], ["L", "large"], ["-", ""]]}}],
    "pad": ["gtin_pad"],
}
RULES: dict[str, list[Any]] = {
    "length": [{"length": {"min": 2, "max": 5}}],
    "integer": ["integer"],
    "decimal": [{"decimal": {"scale": 2}}],
    "range": [{"range": {"min": "-1.5", "max": "100"}}],
    "bounds": ["integer", {"range": {"min": "0", "max": None}}],
    "flag": ["flag"],
    "date": ["date"],
    "uuid": ["uuid"],
    "url": ["url"],
    "gtin": ["gtin"],
    "words": [{"one_of": {"words": ["red", "green", "gr\u00fcn", "a|b"]}}],
    "pattern": [{"pattern": {"regex": "[A-Z]{2,3}-[0-9]+|x"}}],
    "most": [{"at_most": {"field": "other"}}],
    "multiple": [{"multiple_of": {"field": "other"}}],
    "several": [
        {"length": {"max": 3}},
        "integer",
        {"pattern": {"regex": "[0-9]*"}},
        {"multiple_of": {"field": "other"}},
    ],
}
BLANK = st.sampled_from(["", " ", "\t", "\n", "\xa0", "\u3000", "  "])
DIGITS = st.text("0123456789", min_size=1, max_size=6)
NUMBERS = st.tuples(
    st.sampled_from(["", "-", "+", "\u2212"]),
    st.lists(DIGITS, min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from([".", ",", " ", "\u202f", "'"]).map(lambda sign: sign.join(parts))
    ),
    st.sampled_from(["", ".", ","]).flatmap(lambda point: DIGITS.map(lambda part: point + part if point else "")),
).map("".join)
SIGNS = st.sampled_from(["", "\u20ac", "$", "US$ ", "eur", "GBP"])
UNITS = st.sampled_from(["", "EUR", "kg", "g", "lb", "m", "cm", " %"])
AMOUNTS = st.tuples(SIGNS, BLANK, NUMBERS, BLANK, UNITS).map("".join)
DATES = st.dates().flatmap(
    lambda day: st.sampled_from(
        [
            f"{day:%d.%m.%Y}",
            f"{day:%Y%m%d}",
            f"{day.day}/{day.month}/{day:%Y}",
            day.isoformat(),
            "31.02.2026",
            "20250229",
        ]
    )
)
GTINS = st.text("0123456789", min_size=1, max_size=15)
WORDS = st.sampled_from(
    [
        "Y",
        "ja",
        "NEIN",
        "true",
        "False",
        "S",
        "L",
        "-",
        "red",
        "gr\u00fcn",
        "a",
        "AB-12",
        "ABCD-1",
        "x",
        "M\u00fcLL",
        "\u212b",
        "e\u0301",
    ]
)
FORMS = st.sampled_from(
    [
        *(
            "http://a",
            "https://a.example/x?y=1",
            "ftp://a",
            "http://",
            "https://a b",
            "HTTPS://A.EXAMPLE:8080/",
            "http://a..b",
        ),
        *("http://a:0/", "http://a:99999", "http://-a", "http://a_b.example./"),
        *(
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
            "f81d4fae7dec11d0a76500a0c91e6bf6",
        ),
        *("4006381333931", "4006381333932", "96385074", "036000291452", "00036000291452"),
    ]
)
VALUES = st.one_of(
    st.tuples(BLANK, st.one_of(NUMBERS, AMOUNTS, DATES, GTINS, WORDS, FORMS), BLANK).map("".join),
    st.one_of(
        NUMBERS, AMOUNTS, DATES, GTINS, WORDS, FORMS, st.integers().map(str), st.decimals(-200, 200, places=3).map(str)
    ),
    st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8),
)


def expected_steps(name: str, value: str) -> tuple[str | None, str | None]:
    """The value that is stored and the code of the fault: one of them, or neither for a blank."""
    try:
        return model.steps(STEPS[name], value) or None, None
    except model.Unreadable as error:
        return None, str(error)


@pytest.mark.feature("P28")
@pytest.mark.parametrize("name", STEPS)
@given(values=st.lists(VALUES, min_size=1, max_size=40))
def test_steps_are_those_of_the_model(name: str, values: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [(f"R{number}", value) for number, value in enumerate(values, 1)]
        spec = entity(field("value", steps=STEPS[name]))
        answer = plan(Path(folder), spec, text(("id", "value"), rows))
    changed = 0
    for number, value in enumerate(values, 1):
        stored, code = expected_steps(name, value)
        found = [fault[1:] for fault in answer.faults if fault[0] == number]
        assert found == ([(code, "value", value)] if code else []), value
        if not code:
            assert answer.rows[f"R{number}"].get("value") == stored, value
            changed += value != "" and stored != value
    assert answer.counts["normalised"].get("value", 0) == changed


@pytest.mark.feature("P28")
@pytest.mark.parametrize("name", RULES)
@given(
    rows=st.lists(
        st.tuples(VALUES, st.one_of(VALUES, st.sampled_from(["0", "2", "2.5", "0.1"]))), min_size=1, max_size=40
    )
)
def test_rules_are_those_of_the_model(name: str, rows: Sequence[tuple[str, str]]) -> None:
    rules = RULES[name]
    with tempfile.TemporaryDirectory() as folder:
        spec = entity(field("value", rules=rules), field("other"))
        feed = text(("id", "value", "other"), [(f"R{number}", *row) for number, row in enumerate(rows, 1)])
        answer = plan(Path(folder), spec, feed)
    told = any(rule == "integer" or "decimal" in rule for rule in rules)
    expected = []
    for number, (value, other) in enumerate(rows, 1):
        codes = [model.rule(rule, value, {"other": other}, told) for rule in rules] if value else []
        expected += [(number, code, "value", value) for code in codes if code]
    assert sorted(answer.faults) == sorted(expected)
    bad = {fault[0] for fault in expected}
    assert {row["record"] for row in answer.rejected} == bad
    assert (answer.counts["rejected"], answer.counts["added"]) == (len(bad), len(rows) - len(bad))


@given(items=st.lists(st.text("ab ;|X", max_size=4), max_size=5))
def test_lists_are_split_and_judged_item_by_item(items: list[str]) -> None:
    steps: list[Any] = ["trim", {"split": {"separator": ";"}}, "trim", "lower"]
    rules: list[Any] = [{"length": {"max": 2}}]
    value = ";".join(items)
    with tempfile.TemporaryDirectory() as folder:
        spec = entity(field("value", "list", steps=steps, rules=rules))
        answer = plan(Path(folder), spec, text(("id", "value"), [("R1", value)]))
    parts = [part.strip(" ").lower() for part in value.strip(" ").split(";")]
    kept = [part for part in parts if part]
    long = [part for part in kept if len(part) > 2]
    assert [fault[1:] for fault in answer.faults] == sorted(("TOO_LONG", "value", part) for part in long)
    if not long:
        assert answer.rows["R1"].get("value") == (kept or None)


@pytest.mark.parametrize(
    ("kind", "steps", "value", "stored"),
    [
        ("flag", [{"flag": {"yes": ["ja"], "no": ["nein"]}}], "Ja", True),
        ("integer", ["trim"], " 12 ", 12),
        ("integer", [{"decimal": {"point": ",", "group": "."}}], "1.200", 1200),
        ("list", ["trim"], " a |b", ["a", "b"]),
        ("text", ["trim"], "007", "007"),
    ],
)
def test_values_have_their_kind_behind_the_steps(
    tmp_path: Path, kind: str, steps: list[Any], value: str, stored: object
) -> None:
    spec = entity(field("value", kind, steps=steps))
    assert plan(tmp_path, spec, text(("id", "value"), [("R1", value)])).rows["R1"]["value"] == stored
    json_lines = f'{{"id": "R1", "value": "{value}"}}\n'
    assert plan(tmp_path, spec, json_lines, name="things.jsonl").rows["R1"]["value"] == stored


def test_html_loses_its_tags(tmp_path: Path) -> None:
    spec = entity(field("value", steps=["strip_html", "trim"]))
    answer = plan(tmp_path, spec, text(("id", "value"), [("R1", '<p>A "<b>fine</b>" thing &amp; more</p>')]))
    assert answer.rows["R1"]["value"] == 'A "fine" thing & more'
