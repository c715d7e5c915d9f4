"""File names by a profile's grammar: right ones, wrong ones with their reason, hostile ones, and folders."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine import profile
from feedengine.names import BadName, FeedName
from feedengine.profile import naming, parse_name

WIZ = profile.load("wizcommerce")

# Name, entity, moment, sequence.
RIGHT = [
    ("PRODUCT_18_09_2024.csv", "products", datetime(2024, 9, 18), None),
    ("PRODUCT_29_02_2024.csv", "products", datetime(2024, 2, 29), None),
    ("product_18_09_2024_2.csv.gz", "products", datetime(2024, 9, 18), 2),
    ("INVENTORY_01_01_2026_0010.csv", "inventory", datetime(2026, 1, 1), 10),
    ("CUSTOMER_ADDRESS_31_12_9999.xlsx", "addresses", datetime(9999, 12, 31), None),
    ("CUSTOMER_01_12_2026.csv", "customers", datetime(2026, 12, 1), None),
    ("ORDER_ITEM_01_12_2026.csv", "order_items", datetime(2026, 12, 1), None),
    ("ORDER_01_12_2026_7.jsonl", "orders", datetime(2026, 12, 1), 7),
]


@pytest.mark.feature("W7")
@pytest.mark.parametrize(("name", "entity", "when", "sequence"), RIGHT, ids=[each[0] for each in RIGHT])
def test_right_names(name: str, entity: str, when: datetime, sequence: int | None) -> None:
    found = parse_name(WIZ, name)
    assert isinstance(found, FeedName)
    assert (found.entity, found.parsed_time, found.sequence) == (entity, when.replace(tzinfo=UTC), sequence)
    assert (found.key, found.section, found.force) == ("", "", False)
    assert found.operation == WIZ.entity(entity).operation


# Name, code, words of the message, the name that is proposed.
WRONG = [
    ("PRODUCT_31_02_2024.csv", "NAME_DATE", '"31_02_2024" is no date: February 2024 has 29 days', None),
    ("PRODUCT_29_02_2100.csv", "NAME_DATE", "February 2100 has 28 days", None),
    ("PRODUCT_18_13_2024.csv", "NAME_DATE", "there is no month 13", None),
    ("PRODUCT_00_01_2024.csv", "NAME_DATE", "January 2024 has 31 days", None),
    ("PRODUCT_01_01_0000.csv", "NAME_DATE", "there is no year 0000", None),
    ("PRODUCT_2024_09_18.csv", "NAME_DATE", "is not written as DD_MM_YYYY", None),
    ("PRODUCT_18-09-2024.csv", "NAME_DATE", "is not written as DD_MM_YYYY", None),
    ("PRODUCT_18_09_24.csv", "NAME_DATE", "is not written as DD_MM_YYYY", None),
    ("PRODUCTT_18_09_2024.csv", "NAME_ENTITY", '"PRODUCTT" is no entity', "PRODUCT_18_09_2024.csv"),
    ("PRICES_18_09_2024.csv", "NAME_ENTITY", '"PRICES" is no entity', None),
    ("PRODUCT.csv", "NAME_FORM", "for example", None),
    ("_18_09_2024.csv", "NAME_ENTITY", "is no entity; names begin with one of", None),
    ("18_09_2024.csv", "NAME_ENTITY", "is no entity; names begin with one of", None),
    ("PRODUCT_18_09_2024.pdf", "NAME_EXTENSION", ".pdf is no format that is taken here", None),
    ("PRODUCT_18_09_2024", "NAME_EXTENSION", "there is no extension", None),
    ("PRODUCT_18_09_2024.csv.part", "NAME_EXTENSION", "not finished", "PRODUCT_18_09_2024.csv"),
    ("PRODUCT_18_09_2024_-1.csv", "NAME_DATE", "for example PRODUCT_18_09_2024.csv", None),
    ("PRODUCT_18_09_2024_9999999999.csv", "NAME_DATE", "for example PRODUCT_18_09_2024.csv", None),
    ("", "NAME_FORM", "empty", None),
    ("PRODUCT_18_09_2024.csv\n", "NAME_FORM", "control character", None),
    ("PRODUCT\x00_18_09_2024.csv", "NAME_FORM", "control character", None),
    ("..\\PRODUCT_18_09_2024.csv", "NAME_FORM", "no /", None),
    ("PRODUCT_" + "1" * 250 + ".csv", "NAME_FORM", "longer than 255 bytes", None),
    ("PRODUCT_١٨_٠٩_٢٠٢٤.csv", "NAME_FORM", "for example", None),
    ("PRODUCT_18_09_2024 (1).csv", "NAME_FORM", "for example", None),
    ("PR\u0130DUCT_18_09_2024.csv", "NAME_ENTITY", "is no entity", "PRODUCT_18_09_2024.csv"),
]


@pytest.mark.feature("W7")
@pytest.mark.parametrize(("name", "code", "words", "meant"), WRONG, ids=[ascii(each[0])[:40] for each in WRONG])
def test_wrong_names_say_what_is_wrong(name: str, code: str, words: str, meant: str | None) -> None:
    found = parse_name(WIZ, name)
    assert isinstance(found, BadName)
    assert (found.code, found.did_you_mean) == (code, meant)
    assert words in found.message


@pytest.mark.feature("W8")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("products/PRODUCT_18_09_2024.csv", None),
        ("upload/Products/PRODUCT_18_09_2024.csv", None),
        ("/products/PRODUCT_18_09_2024.csv", None),
        ("inventory/PRODUCT_18_09_2024.csv", "WRONG_FOLDER"),
        ("product/PRODUCT_18_09_2024.csv", "WRONG_FOLDER"),
        ("products/old/PRODUCT_18_09_2024.csv", "WRONG_FOLDER"),
        ("notproducts/PRODUCT_18_09_2024.csv", "WRONG_FOLDER"),
    ],
)
def test_folder_and_name_agree(path: str, code: str | None) -> None:
    found = parse_name(WIZ, path)
    assert (found.code if isinstance(found, BadName) else None) == code
    if isinstance(found, BadName):
        assert "belongs in products/" in found.message
        assert found.did_you_mean == "products/PRODUCT_18_09_2024.csv"


def test_a_file_that_lies_in_no_folder() -> None:
    assert isinstance(parse_name(WIZ, "PRODUCT_18_09_2024.csv"), FeedName)
    found = parse_name(WIZ, "PRODUCT_18_09_2024.csv", placed=True)
    assert isinstance(found, BadName) and found.code == "WRONG_FOLDER" and "in no folder" in found.message


@pytest.mark.feature("W5")
def test_a_disabled_entity_is_refused_by_name() -> None:
    made = profile.loads('name = "a"\nextends = "wizcommerce"\n[entities.orders]\nenabled = false\n')
    found = parse_name(made, "orders/ORDER_01_01_2026.csv")
    assert isinstance(found, BadName) and found.code == "ENTITY_DISABLED"
    assert "files of orders are not taken from this account" in found.message


def test_a_name_without_an_entity_is_told_by_its_folder() -> None:
    made = profile.loads(
        'name = "a"\n[naming]\nform = "[{text}-]{date}{time:HHMM}.{ext}"\n'
        '[entities.offers]\nfolder = "in/offers"\nfields = { id = "text" }\n'
        '[entities.stock]\nfolder = "in/stock"\nfields = { id = "text" }\n'
    )
    found = parse_name(made, "in/stock/ACME-202611211830.csv")
    assert isinstance(found, FeedName)
    assert (found.entity, found.parsed_time) == ("stock", datetime(2026, 11, 21, 18, 30, tzinfo=UTC))
    lost = parse_name(made, "202611211830.csv")
    assert isinstance(lost, BadName) and lost.code == "WRONG_FOLDER" and "in/offers/, in/stock/" in lost.message
    late = parse_name(made, "in/stock/202611212460.csv")
    assert isinstance(late, BadName) and late.message == '"2460" is no time of day'


def test_case_counts_where_the_profile_says_so() -> None:
    made = profile.loads('name = "a"\n[entities.items]\nfile = "Items"\nfields = { id = "text" }\n')
    assert isinstance(parse_name(made, "Items_20260101.csv"), FeedName)
    for name, meant in (("ITEMS_20260101.csv", "Items_20260101.csv"), ("Items_20260101.CSV", "Items_20260101.csv")):
        found = parse_name(made, name)
        assert isinstance(found, BadName) and found.did_you_mean == meant


def test_a_name_may_say_what_is_done() -> None:
    made = profile.loads(
        'name = "a"\nnaming = { form = "{entity}_[{force}]{operation}_{date}.{ext}" }\n'
        '[entities.items]\nfields = { id = "text" }\n'
    )
    found = parse_name(made, "items_forcepatchdelta_20260101.csv")
    assert isinstance(found, FeedName) and (found.operation, found.force) == ("patchdelta", True)
    found = parse_name(made, "items_sync_20260101.csv")
    assert isinstance(found, FeedName) and (found.operation, found.force) == ("sync", False)


@pytest.mark.parametrize("entity", [each.name for each in WIZ.entities])
def test_the_name_that_is_shown_as_an_example_is_right(entity: str) -> None:
    declared = WIZ.entity(entity)
    shown = naming.example(WIZ, declared, datetime(2026, 11, 21, tzinfo=UTC))
    found = parse_name(WIZ, f"{declared.folder}/{shown}")
    assert isinstance(found, FeedName) and found.entity == entity


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_a_sentence(text: str) -> None:
    found = parse_name(WIZ, text)
    assert isinstance(found, FeedName) or (isinstance(found, BadName) and found.message and found.code)


@given(st.integers(1, 9999), st.integers(0, 99), st.integers(0, 99))
def test_dates_are_those_of_the_calendar(year: int, month: int, day: int) -> None:
    found = parse_name(WIZ, f"PRODUCT_{day:02}_{month:02}_{year:04}.csv")
    try:
        real: datetime | None = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        real = None
    assert (found.parsed_time if isinstance(found, FeedName) else None) == real
