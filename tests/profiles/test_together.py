"""Records together: windows that may not overlap and steps that may not lead back, against loops over all pairs."""

from __future__ import annotations

import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine import engine, profile
from feedengine.errors import FeedRejected, ProfileError
from identify.desk import SECRET, Desk, Row, entity, text
from shop_of_profiles import CATALOG, codes, opened

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "configurator.toml"
OPERATIONS = ("sync", "delta", "patchdeltacreate", "patchdeltaignore")
RUNS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

Records = dict[str, Row]


def after(stored: Records, operation: str, rows: list[Row]) -> Records:
    """The records after a file in which every id stands once, whatever they are together."""
    told = {row["id"]: {k: v for k, v in row.items() if v} for row in rows}
    if operation == "sync":
        return told
    if operation == "delta":
        return {**stored, **told}
    new = told if operation == "patchdeltacreate" else {}
    return {**new, **stored, **{key: {**stored[key], **row} for key, row in told.items() if key in stored}}


# windows


def ends(record: Row) -> tuple[Decimal | str | None, Decimal | str | None]:
    """First and last value; of dates as text."""
    return tuple(  # type: ignore[return-value]
        None if name not in record else record[name] if record[name].count("-") == 2 else Decimal(record[name])
        for name in ("from", "to")
    )


def overlap(one: Row, other: Row, excluded: bool) -> bool:
    """Whether two windows of one group share a value."""
    if any(one.get(name, "") != other.get(name, "") for name in ("sku", "book")):
        return False
    (a, b), (c, d) = ends(one), ends(other)

    def not_behind(first: object, last: object) -> bool:
        # `first` is where a window begins and `last` where the other one ends.
        if first is None or last is None:
            return True
        return first < last if excluded else first <= last  # type: ignore[operator, no-any-return]

    return not_behind(a, d) and not_behind(c, b)


def is_window(record: Row, excluded: bool) -> bool:
    first, last = ends(record)
    if first is None or last is None:
        return True
    return first < last if excluded else first <= last  # type: ignore[operator]


def judged(stored: Records, operation: str, rows: list[Row], excluded: bool) -> tuple[Records, set[tuple[str, int]]]:
    """What is left, and the faults."""
    wanted = after(stored, operation, rows)
    order = {row["id"]: at + 1 for at, row in enumerate(rows)}
    touched = {key: wanted[key] for key in order if key in wanted and wanted[key] != stored.get(key)}
    faults = {("BAD_WINDOW", order[key]) for key, record in touched.items() if not is_window(record, excluded)}
    fell = {key for key, record in touched.items() if not is_window(record, excluded)}
    while True:
        rows_there = {key: record for key, record in touched.items() if key not in fell}
        kept = {k: r for k, r in stored.items() if k not in rows_there and (operation != "sync" or k in order)}
        there = {**kept, **rows_there}
        more = {
            key
            for key, record in rows_there.items()
            if any(other != key and overlap(record, one, excluded) for other, one in there.items())
        }
        if not more:
            return there, faults
        faults |= {("WINDOW_OVERLAP", order[key]) for key in more}
        fell |= more


DATES = ["2026-01-01", "2026-01-02", "2026-01-31", "2026-02-01", "2026-12-31", ""]
NUMBERS = ["1", "1.5", "2", "10", "-3", "0010.0", ""]


def files(values: list[str]) -> st.SearchStrategy[list[tuple[str, list[Row]]]]:
    cells = {
        "id": st.sampled_from("1234567"), "sku": st.sampled_from(["A", "B", ""]), "book": st.sampled_from(["r", ""]),
        "from": st.sampled_from(values), "to": st.sampled_from(values), "amount": st.sampled_from(["5", "6"]),
    }  # fmt: skip
    rows = st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=6, unique_by=lambda row: row["id"])
    return st.lists(st.tuples(st.sampled_from(OPERATIONS), rows), min_size=1, max_size=4)


@pytest.mark.feature("T4", "T23")
@RUNS
@given(st.one_of(files(DATES), files(NUMBERS)), st.booleans(), st.booleans())
def test_windows_are_those_of_the_model(sent: list[tuple[str, list[Row]]], excluded: bool, threaded: bool) -> None:
    columns = ["id", "sku", "book", "from", "to", "amount"]
    rule = {"group": ["sku", "book"], "from": "from", "to": "to", "end_excluded": excluded}
    spec = entity("prices", [text(name) for name in columns], windows=[rule])
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), [spec], **({"threads": 2, "block": 64, "memory": 0} if threaded else {}))
        stored: Records = {}
        for operation, rows in sent:
            answer = desk.send("prices", operation, columns, rows)
            stored, faults = judged(stored, operation, rows, excluded)
            assert {fault for fault in answer.faults() if fault[0] != "DELTA_NARROW"} == faults, (operation, rows)
            assert {record["id"]: record for record in desk.records("prices")} == stored, (operation, rows)
            assert answer.report["entities"]["prices"]["rejected"] == len(faults)


# circles


def closes(records: Records, rows: list[Row]) -> bool:
    """Whether a step of one of these rows leads back to where it begins."""
    steps = [
        (record["sku"], part) for record in records.values() if "sku" in record for part in record.get("parts", [])
    ]
    for row in rows:
        record = records.get(row["id"], {})
        for part in record.get("parts", []):
            reached = {part}
            for _ in steps:
                reached |= {end for begin, end in steps if begin in reached}
            if record.get("sku") in reached:
                return True
    return False


STEPS = {
    "id": st.sampled_from("1234"), "sku": st.sampled_from(["A", "B", "C", "D", ""]),
    "parts": st.sampled_from(["A", "B", "C|D", "D", "A|B", "E", ""]), "amount": st.sampled_from(["1", "2"]),
}  # fmt: skip
BUNDLES = st.lists(st.fixed_dictionaries(STEPS), min_size=1, max_size=4, unique_by=lambda row: row["id"])


@pytest.mark.feature("T24")
@RUNS
@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), BUNDLES), min_size=1, max_size=4), st.booleans())
def test_circles_are_those_of_the_model(sent: list[tuple[str, list[Row]]], threaded: bool) -> None:
    parts = {"name": "parts", "json": "parts", "place": "top", "kind": "list"}
    fields = [text("id"), text("sku"), parts, text("amount")]
    spec = entity("bundles", fields, acyclic=[{"from": "sku", "to": "parts"}])
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), [spec], **({"threads": 2, "block": 64, "memory": 0} if threaded else {}))
        stored: Records = {}
        for operation, rows in sent:
            answer = desk.send("bundles", operation, ["id", "sku", "parts", "amount"], rows)
            listed = [{k: v.split("|") if k == "parts" and v else v for k, v in row.items()} for row in rows]
            wanted = after(stored, operation, listed)
            changed = [row for row in listed if wanted.get(row["id"]) != stored.get(row["id"])]
            bad = closes(wanted, changed)
            assert ("REFERENCE_CYCLE" in {code for code, _ in answer.faults()}) == bad, (operation, rows)
            assert (answer.report["verdict"] == "invalid") == bad
            stored = stored if bad else wanted
            assert {record["id"]: record for record in desk.records("bundles")} == stored


@pytest.mark.feature("T24")
def test_steps_beyond_the_memory_are_refused_and_not_held() -> None:
    parts = {"name": "parts", "json": "parts", "place": "top", "kind": "list"}
    spec = entity("bundles", [text("id"), text("sku"), parts], acyclic=[{"from": "sku", "to": "parts"}])
    rows = [{"id": str(n), "sku": f"SKU-{n}", "parts": f"SKU-{n + 1}"} for n in range(10_000)]
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(
            FeedRejected, match="from sku to parts lead in a circle takes more memory than 1 MiB"
        ) as told:
            Desk(Path(folder), [spec], memory=0).send("bundles", "sync", ["id", "sku", "parts"], rows)
        assert told.value.code == "TOO_MANY_STEPS"
    with tempfile.TemporaryDirectory() as folder:
        enough = Desk(Path(folder), [spec], memory=64 << 20).send("bundles", "sync", ["id", "sku", "parts"], rows)
        assert enough.report["verdict"] == "apply"


# the example, from a profile to a query


@pytest.mark.feature("T4", "T23", "T24")
def test_prices_and_bundles_of_the_example(tmp_path: Path) -> None:
    shop = opened(tmp_path, EXAMPLE)
    shop.send("products_2026-11-21.csv", "sku,name\nCHAIR,Chair\nDESK,Desk\nSET,Set\nROOM,Room\n")
    head = "sku,pricebook,currency,from_quantity,valid_from,valid_to,promotion,amount,cost\n"
    report = shop.send("prices_2026-11-21.csv", head + (
        "CHAIR,retail,EUR,1,2026-01-01,,,50,30\n"
        "CHAIR,retail,EUR,10,2026-01-01,,,45,30\n"
        "CHAIR,retail,EUR,1,2026-12-01,2026-12-31,xmas,40,30\n"
        "CHAIR,retail,USD,1,2026-01-01,2026-06-30,,55,\n"
        "CHAIR,retail,USD,1,2026-07-01,,,56,\n"
        "DESK,retail,EUR,1,2026-01-01,2026-07-01,,90,60\n"
        "DESK,retail,EUR,1,2026-07-01,,,95,60\n"
        "DESK,trade,EUR,1,2026-01-01,,,55,60\n"
    ))  # fmt: skip
    # Two prices of the desk share a day, and the third is below what it costs.
    assert codes(report) == {"WINDOW_OVERLAP": 2, "OUT_OF_RANGE": 1}
    assert {each["record"] for each in report["problems"]["list"]} == {6, 7, 8}
    assert report["entities"]["prices"]["added"] == 5
    # Against the catalog: the delta overlaps with what is stored, and tells so.
    head_of_price = shop.folder / "prices_2026-11-22.csv"
    head_of_price.write_text(head + "CHAIR,retail,USD,1,2026-08-01,,,1,\n")
    plan = shop.engine.plan(head_of_price, catalog=CATALOG, operation="delta")
    (fault,) = plan.report["problems"]["list"]
    assert (fault["code"], fault["family"], fault["column"]) == ("WINDOW_OVERLAP", "duplicate_keys", "valid_from")
    assert fault["message"] == "its window from valid_from to valid_to overlaps with a stored record's"
    # The price of a day and a quantity, by the query of the documentation.
    (query,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8"), re.DOTALL)
    with duckdb.connect() as con:
        con.register("prices", pa.table(shop.engine.rows(catalog=CATALOG, entity="prices")))

        def price(day: str, quantity: int) -> list[tuple[str, str]]:
            found = con.execute(query, {"day": day, "quantity": quantity}).fetchall()
            return sorted((row[2], row[3]) for row in found if row[0] == "CHAIR")

        assert price("2026-06-30", 1) == [("EUR", "50"), ("USD", "55")]
        assert price("2026-07-01", 12) == [("EUR", "45"), ("USD", "56")]
        assert price("2026-12-31", 12) == [("EUR", "40"), ("USD", "56")]
        assert price("2025-12-31", 1) == []
    bundles = "sku,component,quantity\nSET,CHAIR,4\nSET,DESK,1\nROOM,SET,2\n"
    assert codes(shop.send("bundles_2026-11-21.csv", bundles)) == {}
    circle = shop.folder / "bundles_2026-11-22.csv"
    circle.write_text(bundles + "CHAIR,ROOM,1\n")
    report = shop.engine.plan(circle, catalog=CATALOG).report
    (fault,) = report["problems"]["list"]
    assert (report["verdict"], fault["code"], fault["record"]) == ("invalid", "REFERENCE_CYCLE", 4)
    assert fault["message"] == "component leads back to where it began: CHAIR > ROOM > SET > CHAIR"


@pytest.mark.feature("T4", "T23", "T24")
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('no_overlap = [{ from = "begins", to = "until" }]', "names a field that the entity does not have"),
        ('no_overlap = [{ from = "begins", to = "name" }]', 'needs dates or numbers; "name" is text'),
        ('no_overlap = [{ from = "begins", to = "amount" }]', "compares a date with a number"),
        ('no_overlap = [{ from = "begins", to = "begins" }]', "begins and ends with"),
        ('no_overlap = [{ group = ["tags"], from = "begins", to = "ends" }]', 'told by the list "tags"'),
        ('no_cycle = [{ from = "tags", to = "name" }]', 'cannot begin at the list "tags"'),
        ('no_cycle = [{ from = "name", to = "nothing" }]', "names a field that the entity does not have"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_told(rule: str, said: str) -> None:
    fields = 'id = "text"\nname = "text"\nbegins = "date"\nends = "date"\namount = "decimal"\ntags = "list"\n'
    with pytest.raises(ProfileError) as raised:
        profile.loads(f'name = "acme"\n[entities.prices]\n{rule}\n[entities.prices.fields]\n{fields}')
    assert said in str(raised.value)


@pytest.mark.feature("T4")
def test_rows_that_others_hang_on_do_not_fall_so_late() -> None:
    declared = (
        'name = "acme"\n[entities.prices]\nno_overlap = [{ from = "begins", to = "ends", policy = "POLICY" }]\n'
        '[entities.prices.fields]\nid = "text"\nmail = { unique = true }\nbegins = "date"\nends = "date"\n'
    )
    for policy in ("fail", "warn"):
        assert profile.loads(declared.replace("POLICY", policy)).entities
    with pytest.raises(ProfileError, match="must fail the file or be a warning here"):
        profile.loads(declared.replace("POLICY", "reject"))


@pytest.mark.feature("T4")
@pytest.mark.parametrize(
    ("ruled", "asked", "verdict", "overlapping"),
    [
        (True, {"safeguard": {"on_block": "hold"}}, "refused", 0),
        (False, {"safeguard": {"on_block": "hold"}}, "held", 0),
        (True, {"hold_removals": True}, "held", 3),
        (True, {"force": True}, "apply", 0),
    ],
)
def test_removals_that_are_held_leave_no_overlap(
    tmp_path: Path, ruled: bool, asked: dict[str, Any], verdict: str, overlapping: int
) -> None:
    window = {"group": ["sku"], "from": "from", "to": "to"}
    names = ["id", "sku", "from", "to"]
    desk = Desk(tmp_path, [entity("things", [text(name) for name in names], windows=[window] if ruled else [])])
    days = [{"sku": sku, "from": "2026-01-01", "to": "2026-12-31"} for sku in "ABC"]
    desk.send("things", "sync", names, [{"id": f"old{at}", **day} for at, day in enumerate(days)])
    feed = tmp_path / "next.csv"
    feed.write_text("id,sku,from,to\n" + "".join(f"new{at},{','.join(day.values())}\n" for at, day in enumerate(days)))
    request = {"operation": "sync", "entity": "things", "entities": desk.specs, "base": desk.base, "threads": 1}
    request |= {"settings": {"rows": "reject"}, "temp_dir": str(tmp_path), **asked}
    planner = engine.Planner(request, SECRET)
    planner.scan(feed)
    while (want := planner.next_want()) is not None:
        planner.supply(desk.stored("things", want["columns"], None))
    report = planner.decide()
    assert report["verdict"] == verdict
    assert report["entities"]["things"]["rejected"] == overlapping


@pytest.mark.feature("T4")
def test_windows_of_records_whose_ids_the_engine_makes_are_compared_with_stored_ones(tmp_path: Path) -> None:
    window = {"group": ["sku"], "from": "from", "to": "to", "policy": "warn"}
    names = ["price_id", "sku", "from", "to"]
    fields = [text("system_id"), *[text(name) for name in names]]
    desk = Desk(tmp_path, [entity("prices", fields, windows=[window], identity=[{"field": "price_id"}])])
    day = {"sku": "A", "from": "2026-01-01", "to": "2026-12-31"}
    assert not desk.send("prices", "delta", names, [{"price_id": "1", **day}]).faults()
    assert desk.send("prices", "delta", names, [{"price_id": "2", **day}]).faults() == {("WINDOW_OVERLAP", 1)}
    assert not desk.send("prices", "delta", names, [{"price_id": "3", **day, "sku": "B"}]).faults()
