"""Matching as a sender meets it: first import, updates by ids, conflicts, rows that wait, trees."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from feedengine import engine
from feedengine.errors import InternalError
from identify.desk import SECRET, Desk, Row, Spec, entity, text
from identify.model import KEY

PRODUCT = (KEY, "sku_id", "reference_id", "name")
CUSTOMER = (KEY, "reference_id", "company_name", "phone")


def products() -> Spec:
    return entity(
        "products", [text(name) for name in PRODUCT],
        identity=[{"field": KEY}, {"field": "reference_id"}, {"field": "sku_id"}], unique=["sku_id", "reference_id"],
    )  # fmt: skip


def customers() -> Spec:
    return entity(
        "customers", [text(name) for name in CUSTOMER],
        identity=[{"field": KEY}, {"field": "reference_id"}, {"field": "company_name", "weak": True}],
    )  # fmt: skip


def inventory(missing: str = "park") -> Spec:
    to = {
        "entity": "products",
        "by": [["sku_id", "sku_id"]],
        "missing": missing,
        "code": "UNKNOWN_SKU",
        "required": True,
    }
    return entity("inventory", [text("sku_id", required=True), text("available")], references=[to])


def addresses() -> Spec:
    by = [["customer_system_id", KEY], ["customer_reference_id", "reference_id"]]
    to = {"entity": "customers", "by": by, "code": "UNKNOWN_CUSTOMER", "required": True}
    fields = [text(name) for name in (KEY, "reference_id", "customer_system_id", "customer_reference_id")]
    return entity("addresses", fields, identity=[{"field": KEY}, {"field": "reference_id"}], references=[to])


def categories() -> Spec:
    path = {"field": "path", "separator": ">", "escape": "\\"}
    identity = [{"field": KEY}, {"field": "reference_id"}, {"field": "path"}]
    fields = [text(name) for name in (KEY, "reference_id", "path")]
    return entity("categories", fields, identity=identity, unique=["path"], path=path)


def by(desk: Desk, name: str, field: str) -> dict[str, Row]:
    return {str(record.get(field)): record for record in desk.records(name)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path, [products(), customers(), inventory(), addresses(), categories()])
    rows = [{"sku_id": f"S{n}", "reference_id": f"R{n}", "name": f"Chair {n}"} for n in range(3)]
    desk.send("products", "patchdeltacreate", ["sku_id", "reference_id", "name"], rows)
    return desk


@pytest.mark.feature("W33", "W4", "T14")
def test_a_first_import_makes_ids_and_a_second_one_finds_them(desk: Desk, tmp_path: Path) -> None:
    made = by(desk, "products", "sku_id")
    ids = {record[KEY] for record in made.values()}
    assert len(ids) == 3 and all(uuid.UUID(one).version == 4 for one in ids)
    rows = [{"sku_id": f"S{n}", "reference_id": f"R{n}", "name": f"Chair {n}"} for n in reversed(range(3))]
    again = desk.send("products", "patchdeltacreate", ["name", "sku_id", "reference_id"], rows)
    assert again.report["verdict"] == "no_change"
    assert again.report["entities"]["products"]["matched_by"] == {KEY: 0, "reference_id": 3, "sku_id": 0}
    other = Desk(tmp_path, [products()], threads=2, block=64)
    other.send("products", "patchdeltacreate", ["sku_id", "reference_id", "name"], list(reversed(rows)))
    assert by(other, "products", "sku_id") == made, "the same file on the same state hands out the same ids"


@pytest.mark.feature("W4")
def test_an_id_is_never_handed_out_again(desk: Desk) -> None:
    old = by(desk, "products", "sku_id")["S0"][KEY]
    columns = ["sku_id", "reference_id", "name"]
    desk.send("products", "delete", ["reference_id"], [{"reference_id": "R0"}])
    assert set(by(desk, "products", "sku_id")) == {"S1", "S2"}
    desk.send("products", "patchdeltacreate", columns, [{"sku_id": "S0", "reference_id": "R0", "name": "Chair 0"}])
    assert by(desk, "products", "sku_id")["S0"][KEY] != old


@pytest.mark.feature("W22", "W35")
def test_a_reference_id_changes_under_its_system_id(desk: Desk) -> None:
    key = by(desk, "products", "sku_id")["S1"][KEY]
    row = {KEY: key.upper(), "reference_id": "NEW-1"}
    answer = desk.send("products", "patchdeltacreate", [KEY, "reference_id"], [row])
    assert answer.report["entities"]["products"]["changed"] == 1 and not answer.faults()
    assert by(desk, "products", "sku_id")["S1"] == {
        KEY: key, "sku_id": "S1", "reference_id": "NEW-1", "name": "Chair 1"
    }  # fmt: skip


@pytest.mark.feature("W23", "W35")
@pytest.mark.parametrize(
    "row",
    [
        {"sku_id": "S0", "reference_id": "R1"},
        {"sku_id": "S0", "reference_id": "R9"},
        {"sku_id": "S9", "reference_id": "R0"},
    ],
)
def test_ids_of_two_records_are_a_conflict_that_names_both(desk: Desk, row: Row) -> None:
    before = by(desk, "products", "sku_id")
    answer = desk.send("products", "patchdeltacreate", ["sku_id", "reference_id"], [row])
    [fault] = answer.listed("KEY_CONFLICT")
    meant = {
        r[KEY] for r in before.values() if r["sku_id"] == row["sku_id"] or r["reference_id"] == row["reference_id"]
    }
    assert (
        set(fault["related"]) == meant and fault["family"] == "duplicate_keys" and fault["key"] == row["reference_id"]
    )
    assert answer.report["entities"]["products"]["rejected"] == 1 and by(desk, "products", "sku_id") == before


@pytest.mark.feature("W21")
def test_all_rows_of_a_duplicate_pair_are_left_out(desk: Desk) -> None:
    rows = [
        {"sku_id": "N1", "reference_id": "Q1"}, {"sku_id": "N1", "reference_id": "Q2"},
        {"sku_id": "N3", "reference_id": "Q3"}, {"sku_id": "S0", "reference_id": "R0", "name": "x"},
        {"sku_id": "N5", "reference_id": "Q5"}, {"sku_id": "N6", "reference_id": "Q5"},
    ]  # fmt: skip
    answer = desk.send("products", "patchdeltacreate", ["sku_id", "reference_id", "name"], rows)
    assert answer.faults() == {("DUPLICATE_KEY", at) for at in (1, 2, 5, 6)}
    assert [fault["column"] for fault in answer.listed("DUPLICATE_KEY")] == ["sku_id"] * 2 + ["reference_id"] * 2
    assert "records too: 2" in answer.listed("DUPLICATE_KEY")[0]["message"]
    assert [fault["value"] for fault in answer.listed("DUPLICATE_KEY")] == ["N1"] * 2 + ["Q5"] * 2
    assert set(by(desk, "products", "sku_id")) == {"S0", "S1", "S2", "N3"}


@pytest.mark.feature("W21", "W37")
def test_rows_that_mean_one_record_by_different_ids_are_told_by_what_they_gave(desk: Desk) -> None:
    key = by(desk, "products", "sku_id")["S0"][KEY]
    rows = [
        {"sku_id": "S0", "name": "one"}, {"reference_id": "R0", "name": "other"},
        {"sku_id": "S1", "name": "x"}, {"reference_id": "R2", "name": "y"},
    ]  # fmt: skip
    answer = desk.send("products", "patchdeltacreate", ["sku_id", "reference_id", "name"], rows)
    told = [(f["record"], f["column"], f["value"], f["related"], f["message"]) for f in answer.listed("DUPLICATE_KEY")]
    said = "the stored record with this {} is meant by other records of the file too: {}"
    assert told == [
        (1, "sku_id", "S0", [key], said.format("sku_id", 2)),
        (2, "reference_id", "R0", [key], said.format("reference_id", 1)),
    ]
    named = desk.send("products", "patchdeltacreate", [KEY, "name"], [{KEY: key, "name": at} for at in "ab"])
    assert [(f["column"], f["value"], f["related"]) for f in named.listed("DUPLICATE_KEY")] == [(KEY, key, [key])] * 2


@pytest.mark.feature("W23", "W26", "W30", "W37")
def test_what_is_wrong_with_an_id_is_shown_as_it_was_sent(desk: Desk) -> None:
    desk.send("categories", "patchdeltacreate", ["reference_id", "path"], [{"reference_id": "G1", "path": "Garden"}])
    rows = [{"reference_id": "G1", "path": "Yard"}, {"reference_id": "G1", "path": "Park"}]
    moved = desk.send("categories", "patchdeltacreate", ["reference_id", "path"], rows)
    assert [(f["column"], f["value"]) for f in moved.listed("PATH_CONFLICT")] == [("path", "Yard"), ("path", "Park")]
    rows = [{"sku_id": "S0", "reference_id": "R1"}]
    crossed = desk.send("products", "patchdeltacreate", ["sku_id", "reference_id"], rows)
    assert [(f["column"], f["value"]) for f in crossed.listed("KEY_CONFLICT")] == [("sku_id", "S0")]
    first = [{"reference_id": f"C{at}", "company_name": name} for at, name in enumerate(("Acme", "Twin", "TWIN"))]
    desk.send("customers", "patchdeltacreate", ["reference_id", "company_name"], first)
    names = [{"company_name": "ACME!", "phone": "1"}, {"company_name": "twin", "phone": "2"}]
    guessed = desk.send("customers", "patchdeltacreate", ["company_name", "phone"], names)
    found = {
        code: [(f["column"], f["value"]) for f in guessed.listed(code)] for code in ("WEAK_MATCH", "AMBIGUOUS_MATCH")
    }
    assert found == {"WEAK_MATCH": [("company_name", "ACME!")], "AMBIGUOUS_MATCH": [("company_name", "twin")]}


@pytest.mark.feature("W22")
def test_two_records_swap_their_ids_in_one_file(desk: Desk) -> None:
    keys = {sku: record[KEY] for sku, record in by(desk, "products", "sku_id").items()}
    rows = [
        {KEY: keys["S0"], "sku_id": "S1", "reference_id": "R1"},
        {KEY: keys["S1"], "sku_id": "S0", "reference_id": "R0"},
    ]
    answer = desk.send("products", "patchdeltacreate", [KEY, "sku_id", "reference_id"], rows)
    assert not answer.faults()
    after = by(desk, "products", "sku_id")
    assert (after["S1"][KEY], after["S0"][KEY]) == (keys["S0"], keys["S1"])
    half = desk.send("products", "patchdeltacreate", [KEY, "sku_id"], [{KEY: keys["S0"], "sku_id": "S2"}])
    assert half.faults() == {("KEY_CONFLICT", 1)}, "S2 keeps its own"


@pytest.mark.feature("W33")
def test_a_system_id_that_nobody_handed_out_is_refused(desk: Desk) -> None:
    rows = [{KEY: str(uuid.UUID(int=7)), "sku_id": "S0"}, {KEY: "mine", "sku_id": "S7"}]
    answer = desk.send("products", "patchdeltacreate", [KEY, "sku_id"], rows)
    assert answer.faults() == {("UNKNOWN_SYSTEM_ID", 1), ("UNKNOWN_SYSTEM_ID", 2)}


@pytest.mark.feature("W26")
def test_a_name_is_the_last_resort_and_never_a_guess(desk: Desk) -> None:
    columns = ["reference_id", "company_name", "phone"]
    rows = [
        {"reference_id": "C1", "company_name": "Acme Ltd."}, {"company_name": "Bolt & Co"},
        {"reference_id": "C3", "company_name": "Twin"}, {"reference_id": "C4", "company_name": "TWIN"},
    ]  # fmt: skip
    desk.send("customers", "patchdeltacreate", columns, rows)
    rows = [
        {"company_name": "ACME  ltd", "phone": "1"},
        {"reference_id": "B1", "company_name": "bolt&co", "phone": "2"},
        {"company_name": "twin", "phone": "3"},
        {"reference_id": "C9", "company_name": "Acme Ltd.", "phone": "4"},
    ]
    answer = desk.send("customers", "patchdeltacreate", columns, rows)
    assert answer.faults() == {("WEAK_MATCH", 1), ("WEAK_MATCH", 2), ("AMBIGUOUS_MATCH", 3)}
    after = by(desk, "customers", "reference_id")
    assert len(answer.listed("AMBIGUOUS_MATCH")[0]["related"]) == 2
    assert (after["C1"]["phone"], after["B1"]["phone"], after["C9"]["phone"]) == ("1", "2", "4")
    assert len(after) == 5, "another reference id is another customer, whatever the name"
    assert answer.report["entities"]["customers"]["matched_by"] == {KEY: 0, "reference_id": 0, "company_name": 2}


@pytest.mark.feature("W25")
def test_stock_of_unknown_products_waits_and_the_rest_goes_on(desk: Desk) -> None:
    rows = [{"sku_id": "S0", "available": "5"}, {"sku_id": "S9", "available": "007"}, {"available": "1"}]
    answer = desk.send("inventory", "patchdeltacreate", ["sku_id", "available"], rows)
    counts = answer.report["entities"]["inventory"]
    assert (counts["rows"], counts["added"], counts["parked"], counts["rejected"]) == (3, 1, 1, 1)
    assert answer.parked["inventory"] == [
        {
            "entity": "inventory", "record": 2, "line": 3, "identity": [["sku_id", "S9"]],
            "values": {"sku_id": "S9", "available": "007"},
            "sent": None,
            "waits_for": {"entity": "products", "field": "sku_id", "value": "S9"},
        }
    ]  # fmt: skip
    assert {code for code, at in answer.faults() if at == 2} == {"PARKED"}
    assert by(desk, "inventory", "sku_id") == {"S0": {"sku_id": "S0", "available": "5"}}


@pytest.mark.feature("W29")
def test_addresses_belong_to_customers_by_either_id(desk: Desk) -> None:
    desk.send(
        "customers", "patchdeltacreate", ["reference_id", "company_name"], [{"reference_id": "C1", "company_name": "A"}]
    )
    key = desk.records("customers")[0][KEY]
    rows = [
        {"reference_id": "A1", "customer_reference_id": "C1"},
        {"reference_id": "A2", "customer_system_id": key.upper()},
        {"reference_id": "A3", "customer_reference_id": "C9"},
        {"reference_id": "A4"},
    ]
    columns = ["reference_id", "customer_system_id", "customer_reference_id"]
    answer = desk.send("addresses", "patchdeltacreate", columns, rows)
    assert answer.faults() == {("UNKNOWN_CUSTOMER", 3), ("UNKNOWN_CUSTOMER", 4)}
    assert set(by(desk, "addresses", "reference_id")) == {"A1", "A2"}
    third = next(fault for fault in answer.listed("UNKNOWN_CUSTOMER") if fault["record"] == 3)
    assert (third["column"], third["value"], third["key"]) == ("customer_reference_id", "C9", "A3")
    assert third["line"] == 4 and third["family"] == "unknown_references"


@pytest.mark.feature("W30")
def test_trees_need_every_step_and_one_place_for_each_record(desk: Desk) -> None:
    rows = [
        {"reference_id": "1", "path": "Electronics > Phones > Cases"},
        {"reference_id": "2", "path": "Electronics>Phones"},
        {"reference_id": "3", "path": "Electronics"},
        {"reference_id": "4", "path": r"Toys > A \> B > Small"},
        {"reference_id": "5", "path": "Garden"}, {"reference_id": "5", "path": "Electronics > Garden"},
        {"reference_id": "6", "path": "Electronics > > Cables"},
    ]  # fmt: skip
    answer = desk.send("categories", "patchdeltacreate", ["reference_id", "path"], rows)
    assert answer.faults() == {("MISSING_LINK", 4), ("PATH_CONFLICT", 5), ("PATH_CONFLICT", 6), ("BAD_PATH", 7)}
    assert answer.listed("MISSING_LINK")[0]["value"] == "Toys"
    assert set(by(desk, "categories", "reference_id")) == {"1", "2", "3"}
    moved = desk.send(
        "categories",
        "patchdeltacreate",
        ["reference_id", "path"],
        [{"reference_id": "1", "path": "Electronics > Cases"}],
    )
    assert not moved.faults() and by(desk, "categories", "reference_id")["1"]["path"] == "Electronics > Cases"


@pytest.mark.feature("W35")
def test_json_rows_find_their_records_too(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "products.jsonl"
    rows = [{"reference_id": "R2", "name": "Stool"}, {"sku_id": "N1", "reference_id": "Q1"}]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    answer = desk.run(path, "patchdeltacreate", "products")
    assert not answer.faults()
    assert by(desk, "products", "sku_id")["S2"]["name"] == "Stool" and len(desk.records("products")) == 4


def test_what_the_feed_needs_must_be_known_first(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_text("sku_id,reference_id\nS0,R0\n")
    request = {
        "operation": "sync", "entities": desk.specs, "entity": "inventory", "base": desk.base, "temp_dir": str(tmp_path)
    }  # fmt: skip
    planner = engine.Planner(request, SECRET)
    assert planner.directories() == [{"entity": "products", "columns": [KEY, "reference_id", "sku_id"]}]
    with pytest.raises(InternalError, match="products are not known"):
        planner.scan(path)


@pytest.mark.feature("W29", "W30")
def test_what_goes_while_others_name_it_is_told(desk: Desk) -> None:
    desk.send("inventory", "patchdeltacreate", ["sku_id", "available"], [{"sku_id": f"S{n}"} for n in range(3)])
    key = by(desk, "products", "sku_id")["S1"][KEY]
    answer = desk.send("products", "delete", ["sku_id"], [{"sku_id": "S1"}])
    [fault] = answer.listed("DANGLING_REFERENCE")
    assert (fault["entity"], fault["column"], fault["related"]) == ("inventory", "sku_id", [key])
    rows = [{"reference_id": str(n), "path": path} for n, path in enumerate(["A", "A > B", "A > B > C", "D"])]
    desk.send("categories", "patchdeltacreate", ["reference_id", "path"], rows)
    moved = desk.send("categories", "patchdeltacreate", ["reference_id", "path"], [{"reference_id": "0", "path": "E"}])
    assert [fault["message"] for fault in moved.listed("DANGLING_REFERENCE")] == [
        "1 records of categories name a record that is gone then"
    ]
    rows = [{"reference_id": "3", "path": "A"}, {"reference_id": "1", "path": "A > B2"}]
    answer = desk.send("categories", "patchdeltacreate", ["reference_id", "path"], rows)
    assert len(answer.listed("DANGLING_REFERENCE")) == 1, "A > B > C has lost A > B; A is there again"
