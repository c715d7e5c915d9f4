"""Property: whatever is wrong in whatever rows, good rows are applied, bad ones reported exactly, and mending the
rejected file and sending it again equals a clean import."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine.ledger.cases import Cases
from feedengine.service import homes
from service.place import Place

RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\n[safeguard]\nlimit = "off"'
COLUMNS = ("id", "item_name", "active", "suggested_score", "description")
#: A fault: the column, what is written into it, its code.
FAULTS = (
    ("active", "maybe", "BAD_FLAG"),
    ("suggested_score", "many", "BAD_INTEGER"),
    ("suggested_score", "500000001", "OUT_OF_RANGE"),
    ("item_name", "", "MISSING_FIELD"),
    ("item_name", "---", "NO_ALPHANUMERIC"),
    ("id", "", "MISSING_KEY"),
    ("item_name", "n" * 251, "TOO_LONG"),
)
Row = dict[str, str]
_numbers = itertools.count()


def written(rows: list[Row], form: str) -> bytes:
    if form == "jsonl":
        return "".join(json.dumps({name: row[name] for name in COLUMNS if row[name]}) + "\n" for row in rows).encode()
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", delimiter=";" if form == "semicolons.csv" else ",")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def read(content: str, form: str) -> list[Row]:
    if form == "jsonl":
        return [{name: str(json.loads(line).get(name, "")) for name in COLUMNS} for line in content.splitlines()]
    return list(csv.DictReader(io.StringIO(content, newline=""), delimiter=";" if form == "semicolons.csv" else ","))


def stored(place: Place) -> dict[str, Mapping[str, object]]:
    if "key_a1" not in place.store.keys():  # noqa: SIM118 - not a dict
        return {}
    with place.store.catalog("key_a1") as catalog:
        lookup = catalog.lookup("Products", "items")
        assert lookup is not None
        rows = lookup.records([f"I{number}" for number in range(40)])
        return {row["id"]: row for row in rows}


cell = st.text("abc é,;\"|\n'=", min_size=0, max_size=6)


@st.composite
def feeds(draw: st.DrawFn) -> tuple[list[Row], dict[int, tuple[str, str, str]]]:
    """Good rows, and a fault for some of them by their place."""
    count = draw(st.integers(1, 12))
    rows = [
        {
            "id": f"I{number}",
            "item_name": "n" + draw(cell).strip(),
            "active": draw(st.sampled_from(["true", "false", ""])),
            "suggested_score": str(draw(st.integers(-1, 99))),
            # Told apart, so that a row without an id is known again by the rest of it.
            "description": f"d{number}",
        }
        for number in range(count)
    ]
    places = draw(st.sets(st.integers(0, count - 1), max_size=count))
    return rows, {place: draw(st.sampled_from(FAULTS)) for place in sorted(places)}


@pytest.mark.feature("W39", "P31", "W44", "C14", "U15")
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(feeds(), st.sampled_from(["csv", "semicolons.csv", "jsonl"]), st.booleans())
def test_mending_the_rejected_rows_equals_a_clean_import(
    tmp_path_factory: pytest.TempPathFactory,
    feed: tuple[list[Row], dict[int, tuple[str, str, str]]],
    form: str,
    whole: bool,
) -> None:
    rows, faults = feed
    ext = form.rpartition(".")[2]
    place = Place(tmp_path_factory.mktemp("mend") / str(next(_numbers)), RULES)
    bad = [{**row, **({faults[at][0]: faults[at][1]} if at in faults else {})} for at, row in enumerate(rows)]
    first = place.land(place.name("delta", ext=ext), written(bad, form))
    place.work()
    task = place.task(first)
    counts = (task.report or {})["entities"]["items"]
    assert counts["rejected"] == len(faults) and counts["added"] == len(rows) - len(faults)
    assert set(stored(place)) == {f"I{at}" for at in range(len(rows)) if at not in faults}
    listed = [each for each in place.store.ledger.problems(task.id) if each["severity"] == "row"]
    assert sorted(
        (each["record_number"], each["column"], each["code"], (each["value"] or "")[:20]) for each in listed
    ) == [(at + 1, column, code, value[:20]) for at, (column, value, code) in faults.items()]
    assert len(Cases(place.store.ledger).list()[0]) == len(faults)
    if whole:
        again = written(rows, form)
    elif faults:
        kept = place.home / f"{homes.reports(task)}/rejected.{ext}".lstrip("/")
        rejected = read(kept.read_bytes().decode(), form)
        assert rejected == [bad[at] for at in faults]
        again = written(
            [{**row, faults[at][0]: rows[at][faults[at][0]]} for at, row in zip(faults, rejected, strict=True)], form
        )
    else:
        return
    second = place.land(place.name("delta", ext=ext), again)
    place.work()
    assert place.task(second).outcome in ("ok", "no_change", "duplicate")
    assert Cases(place.store.ledger).list()[0] == []
    clean = Place(tmp_path_factory.mktemp("clean") / str(next(_numbers)), RULES)
    clean.land(clean.name("delta", ext=ext), written(rows, form))
    clean.work()
    assert stored(place) == stored(clean)


def test_the_rejected_file_is_as_it_was_sent(tmp_path: Path) -> None:
    place = Place(tmp_path, RULES)
    content = b'\xef\xbb\xbfid;item_name;active\r\nA;a;true\r\nB;"b;\r\nb";maybe\r\n'
    number = place.land(place.name("delta"), content)
    place.work()
    kept = place.home / f"{homes.reports(place.task(number))}/rejected.csv".lstrip("/")
    assert kept.read_bytes() == b'\xef\xbb\xbfid;item_name;active\r\nB;"b;\r\nb";maybe\r\n'
