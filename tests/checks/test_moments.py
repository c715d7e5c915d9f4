"""Days that come as moments: midnight is the day, as spreadsheets and data frames write it; a time is a fault."""

from __future__ import annotations

import datetime as dt
import io
import random
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.bench import Answer, entity, field, plan, text
from sheets.write import Workbook

FORMS: list[list[str] | None] = [None, ["YYYY-MM-DD"], ["D.M.YYYY", "YYYYMMDD"], ["MM/DD/YYYY"], ["YYYYDDMM"]]
# Nanoseconds of eight bytes end in the year 2262, a workbook's first date system begins in 1904 at the latest.
DAYS = st.dates(dt.date(1904, 1, 2), dt.date(2261, 12, 31))
TIMES = st.sampled_from([dt.timedelta(0)] * 4 + [dt.timedelta(seconds=1), dt.timedelta(hours=23, minutes=59)])
#: A column's type, whether its moments are in UTC, and whether it is written in twelve bytes.
KINDS = {
    "seconds": (pa.timestamp("s"), False, False),
    "millis": (pa.timestamp("ms"), False, False),
    "micros": (pa.timestamp("us"), False, False),
    "nanos": (pa.timestamp("ns"), False, False),
    "millis in UTC": (pa.timestamp("ms", tz="UTC"), True, False),
    "nanos in UTC": (pa.timestamp("ns", tz="UTC"), True, False),
    # Stored in UTC: whose day it was there is not for the reader to guess.
    "elsewhere": (pa.timestamp("us", tz="America/New_York"), True, False),
    "96 bits": (pa.timestamp("ns"), False, True),
}


def things(forms: list[str] | None) -> Any:
    """A day, and days in a list, written so; and a text that may look like one."""
    steps = [] if forms is None else [{"date": {"forms": forms}}]
    return entity(
        field("day", steps=steps, rules=["date"]),
        field("days", "list", steps=[{"split": {"separator": ","}}, *steps], rules=["date"]),
        field("note"),
    )


def written(moment: dt.datetime, forms: list[str] | None) -> str:
    """How a sender of text writes the day."""
    form = (forms or ["YYYY-MM-DD"])[0]
    for letters, digits in {
        "YYYY": f"{moment.year:04}",
        **({"MM": f"{moment.month:02}"} if "MM" in form else {"M": str(moment.month)}),
        **({"DD": f"{moment.day:02}"} if "DD" in form else {"D": str(moment.day)}),
    }.items():
        form = form.replace(letters, digits)
    return form


def digest(answer: Answer) -> Any:
    return answer.report["entities"]["things"]["digest"]


@pytest.mark.feature("P2", "P38", "W37")
@settings(max_examples=30, deadline=None)
@given(
    days=st.lists(DAYS, min_size=1, max_size=5),
    times=st.lists(TIMES, min_size=5, max_size=5),
    forms=st.sampled_from(FORMS),
    kind=st.sampled_from(sorted(KINDS)),
    dice=st.randoms(use_true_random=False),
)
def test_a_midnight_is_its_day_and_no_other_moment_is(
    days: list[dt.date], times: list[dt.timedelta], forms: list[str] | None, kind: str, dice: random.Random
) -> None:
    moments = [dt.datetime.combine(day, dt.time()) + time for day, time in zip(days, times[: len(days)], strict=True)]
    ids = [f"{number:03}" for number in range(len(moments))]
    good = [(key, moment) for key, moment in zip(ids, moments, strict=True) if moment.time() == dt.time()]
    in_text = text(("id", "day", "days"), [(key, *[written(moment, forms)] * 2) for key, moment in good])
    type_, in_utc, old = KINDS[kind]
    stored = [moment.replace(tzinfo=dt.UTC) if in_utc else moment for moment in moments]
    table = pa.table(
        {"id": ids, "day": pa.array(stored, type_), "days": pa.array([[each] for each in stored], pa.list_(type_))}
    )
    parquet = io.BytesIO()
    pq.write_table(table, parquet, use_deprecated_int96_timestamps=old)
    book = Workbook(dice).write(
        [["id", "day", "days"], *([key, moment, moment] for key, moment in zip(ids, moments, strict=True))]
    )
    with tempfile.TemporaryDirectory() as folder:
        spec = things(forms)
        expected = plan(Path(folder), spec, in_text)
        assert expected.faults == [] or not good
        for name, content, end in (
            ("things.parquet", parquet.getvalue(), "Z" if in_utc else ""),
            ("things.xlsx", book, ""),
        ):
            answer = plan(Path(folder), spec, content, name=name)
            assert [fault for fault in answer.faults if fault[0]] == [
                (number, "BAD_DATE", column, moment.isoformat() + end)
                for number, moment in enumerate(moments, 1)
                if moment.time() != dt.time()
                for column in ("day", "days")
            ]
            assert answer.rows == {
                key: {"id": key, "day": f"{moment:%Y-%m-%d}".zfill(10), "days": [f"{moment:%Y-%m-%d}".zfill(10)]}
                for key, moment in good
            }
            if good:
                assert digest(answer) == digest(expected), name


@pytest.mark.feature("W37", "W38")
def test_a_time_of_day_is_told_with_what_to_send_instead(tmp_path: Path) -> None:
    day = pa.array([dt.datetime(2026, 11, 21, 8, 30), dt.datetime(2026, 11, 21, 0, 0, 0, 1)], pa.timestamp("us"))
    parquet = io.BytesIO()
    pq.write_table(pa.table({"id": ["A", "B"], "day": day}), parquet)
    for forms, wanted in ((None, "YYYY-MM-DD"), (["DD.MM.YYYY", "YYYYMMDD"], "DD.MM.YYYY or YYYYMMDD")):
        told = f"day has a time of day, and a date has none: send the day alone, as {wanted}"
        for name, content in (
            ("things.parquet", parquet.getvalue()),
            ("things.csv", "id,day\nA,2026-11-21T08:30:00\nB,2026-11-21 00:00\n"),
        ):
            answer = plan(tmp_path, things(forms), content, name=name)
            assert [(each[0], each[1]) for each in answer.faults if each[0]] == [(1, "BAD_DATE"), (2, "BAD_DATE")]
            assert [each["message"] for each in answer.report["problems"]["list"] if each["record"]] == [told, told]


@pytest.mark.feature("P2")
def test_a_text_keeps_its_moment(tmp_path: Path) -> None:
    """Where no date is declared nothing is guessed: the same column of another file may have times."""
    note = pa.array([dt.datetime(2026, 11, 21), dt.datetime(2026, 11, 21, 8, 30)], pa.timestamp("ms"))
    parquet = io.BytesIO()
    pq.write_table(pa.table({"id": ["A", "B"], "note": note}), parquet)
    answer = plan(tmp_path, things(None), parquet.getvalue(), name="things.parquet")
    assert {key: row["note"] for key, row in answer.rows.items()} == {
        "A": "2026-11-21T00:00:00",
        "B": "2026-11-21T08:30:00",
    }
