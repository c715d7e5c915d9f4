"""Keys of several columns: as a dictionary of tuples has them, whatever the columns hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine import profile
from feedengine.errors import IncompatibleProfile, ProfileError
from identify.desk import Desk, Row, entity, text
from shop_of_profiles import codes, opened

PARTS = ("sku", "book", "quantity")
QUANTITY = {"name": "quantity", "json": "quantity", "place": "top", "kind": "integer"}
SPEC = entity("prices", [text("id"), text("sku"), text("book"), QUANTITY, text("amount")], composed=list(PARTS))
COLUMNS = ["sku", "book", "quantity", "amount"]
OPERATIONS = ("sync", "delta", "patchdelta", "patchdeltacreate", "patchdeltaignore", "delete", "whitelist")


def joined(key: tuple[str, ...]) -> str:
    """The key as text."""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in key)


def after(stored: dict[tuple[str, ...], Row], operation: str, rows: list[Row]) -> dict[tuple[str, ...], Row]:
    """The records after a file in which every key stands once at most and none is empty."""
    told = {tuple(row[name] for name in PARTS): {k: v for k, v in row.items() if v} for row in rows}
    if operation == "delete":
        return {key: record for key, record in stored.items() if key not in told}
    if operation == "whitelist":
        return {key: record for key, record in stored.items() if key in told}
    if operation == "sync":
        return told
    if operation == "delta":
        return {**stored, **told}
    if operation == "patchdelta" and not told.keys() <= stored.keys():
        return stored
    merged = {key: {**stored[key], **row} for key, row in told.items() if key in stored}
    return {**(told if operation == "patchdeltacreate" else {}), **stored, **merged}


CELLS = {
    "sku": st.sampled_from(["A", "A|", "|A", "\\", "A\\", ""]), "book": st.sampled_from(["r", "|r", "\\|", ""]),
    "quantity": st.sampled_from(["1", "10", ""]), "amount": st.sampled_from(["5", "6.50", ""]),
}  # fmt: skip


def key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in PARTS)


ROWS = st.lists(st.fixed_dictionaries(CELLS).filter(lambda row: any(key(row))), min_size=1, max_size=6, unique_by=key)


@pytest.mark.feature("T4")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(ROWS, st.lists(st.tuples(st.sampled_from(OPERATIONS), ROWS, st.booleans()), max_size=3))
def test_records_are_those_of_a_dictionary(first: list[Row], files: list[tuple[str, list[Row], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), [SPEC], threads=2, block=64)
        stored: dict[tuple[str, ...], Row] = {}
        for operation, rows, by_key in [("sync", first, False), *files]:
            ids = operation in ("delete", "whitelist")
            if ids and by_key:
                desk.send("prices", operation, ["id"], [{"id": joined(key(row))} for row in rows])
            else:
                desk.send("prices", operation, list(PARTS) if ids else COLUMNS, rows)
            stored = after(stored, operation, rows)
            left = {
                record["id"]: {k: str(v) for k, v in record.items() if k != "id"} for record in desk.records("prices")
            }
            assert left == {joined(each): record for each, record in stored.items()}, operation


PROFILE = """
name = "acme"
[naming]
form = "{entity}_{operation}_{date}.{ext}"
[entities.prices]
key_of = ["sku", "currency"]
[entities.prices.fields]
id = "text"
sku = { required = true, normal = ["trim", "upper"] }
currency = "text"
amount = { type = "decimal", required = true }
"""


@pytest.mark.feature("T4")
def test_a_file_may_give_the_key_its_columns_or_both(tmp_path: Path) -> None:
    source = tmp_path / "acme.toml"
    source.write_text(PROFILE)
    shop = opened(tmp_path, source)
    report = shop.send(
        "prices_sync_20261121.csv",
        "id,sku,currency,amount\n,a1,EUR,1\nA1|USD,a1 ,USD,2\nA1|GBP,A1,CHF,3\nA1|DKK,,,4\nA1,,,5\n,,,6\n",
    )
    faults = {(each["code"], each["record"], each["column"]) for each in report["problems"]["list"]}
    assert faults == {("BAD_PATTERN", 3, "id"), ("BAD_PATTERN", 5, "id"), ("MISSING_KEY", 6, "id")} | {
        (code, record, column) for code, record, column in faults if code == "MISSING_FIELD"
    }
    assert sorted((row["id"], row["sku"], row["currency"], row["amount"]) for row in shop.rows("prices")) == [
        ("A1|DKK", "A1", "DKK", "4"), ("A1|EUR", "A1", "EUR", "1"), ("A1|USD", "A1", "USD", "2"),
    ]  # fmt: skip
    # What goes out comes back in as no change.
    again = shop.send(
        "prices_sync_20261122.csv", "amount,id,sku,currency\n4,A1|DKK,A1,DKK\n1,A1|EUR,A1,EUR\n2,,A1,USD\n"
    )
    assert (again["entities"]["prices"]["unchanged"], codes(again)) == (3, {})
    lacks = shop.folder / "prices_sync_20261123.csv"
    lacks.write_text("sku,amount\nA1,1\n")
    refused = shop.engine.plan(lacks, catalog="acme/main").report
    assert (codes(refused), refused["verdict"]) == ({"MISSING_COLUMN": 1}, "invalid")
    source.write_text(PROFILE.replace('["sku", "currency"]', '["currency", "sku"]'))
    with pytest.raises(IncompatibleProfile, match="is made of currency and sku and was made of sku and currency"):
        shop.send("prices_sync_20261124.csv", "sku,currency,amount\nA1,EUR,1\n")


@pytest.mark.feature("T4")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([('["sku", "currency"]', '["sku", "colour"]')], "names a field that the entity does not have"),
        ([('["sku", "currency"]', '["id", "sku"]')], "must be a text and none of them"),
        ([('currency = "text"', 'currency = "list"')], 'names "currency", which is no single text or number'),
        ([('["sku", "currency"]', '["sku", "sku"]')], "as a part twice"),
        ([("key_of", 'identity = ["id", "sku"]\nkey_of')], 'cannot stand beside "identity"'),
    ],
)
def test_a_key_that_cannot_be_is_told(changes: list[tuple[str, str]], said: str) -> None:
    text_ = PROFILE
    for old, new in changes:
        text_ = text_.replace(old, new)
    with pytest.raises(ProfileError) as raised:
        profile.loads(text_)
    assert said in str(raised.value)
