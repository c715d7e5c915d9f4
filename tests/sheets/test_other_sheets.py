"""Of a workbook with several tables one is read: where nobody chose it, the others that hold records are told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.bench import Answer, entity, field, plan
from feedengine.deliver import template
from feedengine.profile import loads
from sheets.write import book

Sheet = tuple[str, str, Sequence[Sequence[object]] | str]
KEY, WORDS = ["id", "note"], ["kind", "size"]
HEADS = [KEY, ["Number", "Price"], WORDS, ["id"], ["Remarks"], []]


@dataclass(frozen=True)
class Other:
    """Another sheet: its first row, how many follow, and whether it is in sight."""

    head: list[str]
    rows: int
    state: str = "visible"

    @property
    def holds_records(self) -> bool:
        """By the obvious rule: a key, or several columns that are not a template's lists of words, and a row."""
        is_table = "id" in self.head or (len(self.head) > 1 and self.head != WORDS)
        return self.state == "visible" and self.rows > 0 and is_table

    def table(self) -> list[list[object]]:
        rows: list[list[object]] = [[f"{column}{at}" for column in self.head] for at in range(self.rows)]
        return [list(self.head), *rows]


def things() -> Any:
    """Records with a note and two closed lists of words."""
    words = {"one_of": {"words": ["a"]}}
    return entity(field("note"), field("kind", rules=[words]), field("size", rules=[words]))


def told(answer: Answer) -> list[tuple[str, str | None]]:
    """Message and value of each warning on sheets."""
    found = [each for each in answer.report["problems"]["list"] if each["code"] == "UNREAD_SHEET"]
    return [(each["message"], each["value"]) for each in found]


def read(folder: Path, others: list[Other], *, first: int = 0, **sheet: object) -> Answer:
    """The workbook's sheet `Main` with two records, at the place `first`, between others called `Other 0` and so on."""
    sheets: list[Sheet] = [(f"Other {number}", other.state, other.table()) for number, other in enumerate(others)]
    main: list[list[object]] = [list(KEY), ["A", "x"], ["B", "y"]]
    sheets.insert(first, ("Main", "visible", main))
    answer = plan(folder, things(), book(sheets), name="things.xlsx", format={"sheet": sheet} if sheet else {})
    return answer


OTHERS = st.builds(
    Other, st.sampled_from(HEADS), st.integers(0, 2), st.sampled_from(["visible", "visible", "hidden", "veryHidden"])
)


@pytest.mark.feature("P38")
@given(st.lists(OTHERS, max_size=8))
def test_sheets_that_hold_records_are_named(tmp_path_factory: pytest.TempPathFactory, others: list[Other]) -> None:
    folder = tmp_path_factory.mktemp("book")
    answer = read(folder, others)
    names = [f"Other {number}" for number, other in enumerate(others) if other.holds_records]
    assert set(answer.rows) == {"A", "B"} and answer.faults == []
    if not names:
        assert told(answer) == []
        return
    shown = ", ".join(f'"{name}"' for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    holds = "holds" if len(names) == 1 else "hold"
    assert told(answer) == [(f'only the sheet "Main" is read; {shown} {holds} rows, too', ", ".join(names))]
    # Who names the sheet knows of the others.
    assert told(read(folder, others, name="Main")) == []


@pytest.mark.feature("P38")
def test_the_setting_that_chooses_is_told(tmp_path: Path) -> None:
    other = Other(KEY, 1)
    [fault] = read(tmp_path, [other]).report["problems"]["list"]
    assert fault["severity"] == "warning" and "format.sheet.name" in fault["hint"]
    assert read(tmp_path, [other], name="Other 0").rows == {"id0": {"id": "id0", "note": "note0"}}


@pytest.mark.feature("P38")
def test_a_cover_in_front_is_told_with_where_the_records_are(tmp_path: Path) -> None:
    answer = read(tmp_path, [Other(["Price list", "2026"], 3)], first=1)
    [fault] = [each for each in answer.report["problems"]["list"] if each["code"] == "MISSING_COLUMN"]
    assert fault["message"].endswith(
        'only the sheet "Other 0" is read; "Main" holds rows, too (format.sheet.name chooses)'
    )


@pytest.mark.feature("P38")
def test_another_sheet_that_is_damaged_or_endless_is_not_our_business(tmp_path: Path) -> None:
    main: list[list[object]] = [list(KEY), ["A", "x"]]
    blank = "".join(f'<row r="{number}"><c r="A{number}" s="1"/></row>' for number in range(1, 60_000))
    for data in ("<row><c t='s'><v>99</v></c></row>", "<row", blank):
        content = book([("Main", "visible", main), ("Other", "visible", data)])
        answer = plan(tmp_path, things(), content, name="things.xlsx")
        assert (answer.faults, answer.warnings, set(answer.rows)) == ([], [], {"A"})


TEMPLATE = """
name = "words"
[entities.things.fields]
id = { required = true, example = "A" }
kind = { type = "enum", words = ["a", "b"], example = "a" }
size = { type = "enum", words = ["S", "M", "L"], example = "M" }
"""


@pytest.mark.feature("P38", "W6")
def test_a_template_that_is_filled_in_says_nothing(tmp_path: Path) -> None:
    """Its sheets of words and notes are ours."""
    profile = loads(TEMPLATE)
    declared = profile.entity("things")
    template.write(profile, declared, tmp_path / "template.xlsx", "xlsx")
    content = (tmp_path / "template.xlsx").read_bytes()
    answer = plan(tmp_path, declared.spec, content, name="things.xlsx")
    assert (answer.rows, answer.warnings) == ({"A": {"id": "A", "kind": "a", "size": "M"}}, [])
