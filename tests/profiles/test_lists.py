"""Closed lists: in the profile, in a file beside it, in another entity, or not known at all."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine import profile
from feedengine.errors import ProfileError
from identify.desk import Desk
from shop_of_profiles import codes, opened

OVER_WIZCOMMERCE = 'name = "acme"\nextends = "wizcommerce"\n'
CUSTOMERS = (
    "Reference ID,Company Name,Sales Rep,Mapped Pricelist\n"
    "C-1,Nordic,Dana,Retail\nC-2,Acme,Robin,Wholesale\nC-3,Bolt,Kim,retail\nC-4,Oak,,\n"
)
NAME = "CUSTOMER_21_11_2026.csv"

FIRST = """
name = "acme"
[naming]
form = "{entity}_{date}.{ext}"
[lists.pricelists]
code = "UNKNOWN_PRICELIST"
"""
CUSTOMER_FIELDS = """
[entities.customers.fields]
id = { required = true }
pricelists = { type = "list", listed = "pricelists", policy = { listed = "POLICY" } }
"""


def faults(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(each["code"], each["column"], each["value"]) for each in report["problems"]["list"]}


@pytest.mark.feature("W28")
def test_customers_are_checked_against_lists_that_an_account_knows(tmp_path: Path) -> None:
    source = tmp_path / "acme.toml"
    source.write_text(
        OVER_WIZCOMMERCE
        + '[lists.pricelists]\nwords = ["Retail", "Wholesale"]\n[lists.sales_reps]\nfile = "reps.txt"\n'
    )
    (tmp_path / "reps.txt").write_text("\ufeffDana\r\n\r\n Robin \r\n", encoding="utf-8")
    shop = opened(tmp_path, source)
    report = shop.send(NAME, CUSTOMERS)
    assert faults(report) == {("UNKNOWN_SALES_REP", "sales_rep", "Kim"), ("UNKNOWN_PRICELIST", "pricelist", "retail")}
    assert sorted(row["company_name"] for row in shop.rows("customers")) == ["Acme", "Nordic", "Oak"]
    assert {each["family"] for each in report["problems"]["list"]} == {"unknown_references"}
    # A rep who came to the company is a line more; the rows that were rejected are sent again.
    (tmp_path / "reps.txt").write_text("Dana\nRobin\nKim\n")
    report = shop.send("CUSTOMER_22_11_2026.csv", CUSTOMERS.replace("retail", "Retail"))
    assert (codes(report), report["entities"]["customers"]["added"]) == ({}, 1)


@pytest.mark.feature("W28")
def test_a_list_that_is_not_known_is_not_checked(tmp_path: Path) -> None:
    shop = opened(tmp_path, "wizcommerce")
    assert codes(shop.send(NAME, CUSTOMERS)) == {}
    known = {each.name: (each.is_known, each.origin) for each in profile.load("wizcommerce").lists}
    assert known == dict.fromkeys(("pricelists", "sales_reps"), (False, "not known: nothing is checked against it"))


@pytest.mark.feature("W28")
@pytest.mark.parametrize(("policy", "rows"), [("reject", ["1"]), ("warn", ["1", "2"]), ("fail", [])])
@pytest.mark.parametrize("where", ["words", "entity"])
def test_lists_of_a_profile_and_of_an_entity_mean_the_same(
    tmp_path: Path, where: str, policy: str, rows: list[str]
) -> None:
    lists = {
        "words": 'words = ["Retail", "Trade"]\n',
        "entity": 'entity = "pricelists"\nfield = "name"\n[entities.pricelists.fields]\nid = "text"\nname = "text"\n',
    }
    source = tmp_path / "acme.toml"
    source.write_text(FIRST + lists[where] + CUSTOMER_FIELDS.replace("POLICY", policy))
    shop = opened(tmp_path, source)
    if where == "entity":
        shop.send("pricelists_20261121.csv", "id,name\n1,Retail\n2,Trade\n")
    sent = "id,pricelists\n1,Retail|Trade\n2,Trade|Special\n"
    if policy == "fail":
        task = shop.folder / "customers_20261121.csv"
        task.write_text(sent)
        plan = shop.engine.plan(task, catalog="acme/main")
        assert plan.report["verdict"] == "invalid"
        return
    report = shop.send("customers_20261121.csv", sent)
    assert faults(report) == {("UNKNOWN_PRICELIST", "pricelists", "Special")}
    assert [row["id"] for row in shop.rows("customers")] == rows


WORDS = ["Retail", "retail", "Zu\u0308rich", "Z\u00fcrich", "Großhandel", "", " Retail ", "a b", "a  b"]


@pytest.mark.feature("W28")
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sets(st.sampled_from([word for word in WORDS if word.strip()]), min_size=1), st.lists(st.sampled_from(WORDS)))
def test_a_value_is_in_a_list_or_not(
    tmp_path_factory: pytest.TempPathFactory, words: set[str], values: list[str]
) -> None:
    normal = {"name": "pricelist", "json": "pricelist", "place": "top", "kind": "text", "normal": ["trim", "nfc"]}
    listed = {"listed": {"list": "pricelists", "words": sorted(words), "code": "UNKNOWN_PRICELIST"}}
    key = {"name": "id", "json": "id", "place": "top", "kind": "text"}
    spec = {
        "name": "customers", "fields": [key, {**normal, "checks": [{"rule": listed}]}], "metadata": False,
        "facets": False, "shared": False, "max_data": 1000, "max_average": 1000, "size_class": "customers",
    }  # fmt: skip
    desk = Desk(tmp_path_factory.mktemp("desk"), [spec])
    rows = [{"id": str(at), "pricelist": value} for at, value in enumerate(values)] or [{"id": "0"}]
    answer = desk.send("customers", "sync", ["id", "pricelist"], rows)
    plain = [unicodedata.normalize("NFC", row.get("pricelist", "").strip()) for row in rows]
    assert answer.faults() == {
        ("UNKNOWN_PRICELIST", at + 1) for at, value in enumerate(plain) if value and value not in words
    }


@pytest.mark.feature("W28")
@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ('[lists.x]\nwords = ["a"]\nfile = "b"', "lists.x has words and file"),
        ('[lists.x]\nentity = "products"', 'lists.x needs "entity" and "field"'),
        ('[lists.x]\nfile = "nothing.txt"', "lists.x.file cannot be read"),
        ('[lists.x]\nwords = ["a"]\ncode = "TOO_LONG"', "is no fault of this family"),
        ('[lists.x]\nwords = ["a", ""]', "lists.x.words has an empty word"),
        ('[lists.y]\nwords = ["a"]', 'names a list that is not declared, "x"; known are y'),
    ],
)
def test_a_wrong_list_is_told(lists: str, said: str) -> None:
    with pytest.raises(ProfileError) as raised:
        profile.loads(
            f'name = "acme"\n{lists}\n[entities.products.fields]\nid = "text"\nname = {{ listed = "x" }}\n',
        )
    assert said in str(raised.value)
