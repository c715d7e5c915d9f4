"""The loop with WizCommerce's entities: inventory that waits for its product, conflicts of ids, names that fit two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from command import command
from feedengine import ingest
from feedengine.errors import FeedRejected
from feedengine.ledger.cases import Case, Cases
from feedengine.ledger.parked import Parked
from feedengine.remedy import duplicates, feeds
from feedengine.settings import Settings
from feedengine.store import Store

CATALOG = "wiz/main"
PRODUCTS = "system_id,sku_id,reference_id,name\n"
CUSTOMERS = "system_id,reference_id,company_name,sales_rep\n"
INVENTORY = "sku_id,available,backorder\n"


class Shop:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "feedengine.toml"
        self.config.write_text(
            f'[store]\npath = "store"\n[catalogs."{CATALOG}"]\nprofile = "wizcommerce"\n[safeguard]\nlimit = "off"\n'
        )
        self.settings = Settings.load(self.config, env={})
        self.store = Store.create(root / "store")
        self.sent = 0

    def send(self, entity: str, content: str) -> dict[str, Any]:
        self.sent += 1
        path = self.root / f"{entity}-{self.sent}.csv"
        path.write_text(content)
        request = ingest.FeedRequest(path, catalog=CATALOG, entity=entity, actor="ann")
        return ingest.run(self.store, self.settings, request).report

    def records(self, entity: str, column: str, *values: str) -> list[dict[str, Any]]:
        with self.store.catalog("wiz") as catalog:
            lookup = catalog.lookup("main", entity)
            return lookup.records(values, column) if lookup else []

    def cases(self, *states: str) -> list[Case]:
        return Cases(self.store.ledger).list(states=states or ("open",))[0]

    def run(self, *argv: str) -> Any:
        done = command("--config", self.config, "--yes", "--json", *argv)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.mark.feature("W25", "W44", "U11")
def test_inventory_waits_for_its_product_and_is_applied_by_itself(shop: Shop) -> None:
    shop.send("products", f"{PRODUCTS},S1,P1,Chair\n")
    counts = shop.send("inventory", f"{INVENTORY}S1,5,true\nS2,7,false\nS3,9,true\n")["entities"]["inventory"]
    assert (counts["rows"], counts["added"], counts["parked"], counts["rejected"]) == (3, 1, 2, 0)
    waiting, _ = Parked(shop.store.ledger).list()
    assert [(row.waits_entity, row.waits_field, row.waits_value, row.code) for row in waiting] == [
        ("products", "sku_id", "S2", "UNKNOWN_SKU"),
        ("products", "sku_id", "S3", "UNKNOWN_SKU"),
    ]
    # A newer row for the same SKU takes the place of the one that waits.
    shop.send("inventory", f"{INVENTORY}S2,70,true\n")
    report = shop.send("products", f"{PRODUCTS},S2,P2,Table\n")
    [task] = report["released"]
    assert shop.store.ledger.get(task).outcome == "ok"
    assert {row["sku_id"]: row["available"] for row in shop.records("inventory", "sku_id", "S1", "S2", "S3")} == {
        "S1": 5,
        "S2": 70,
    }
    assert [row.waits_value for row in Parked(shop.store.ledger).list()[0]] == ["S3"]
    listed = shop.run("parked", "list")
    assert (listed["total"], listed["rows"][0]["waits_value"]) == (1, "S3")
    assert shop.run("parked", "retry") == {"schema": "feedengine.parked-retry/1", "rows": 1, "tasks": []}
    assert shop.run("parked", "drop")["rows"] == 1 and shop.run("parked", "list")["total"] == 0


@pytest.mark.feature("W37", "W38", "P28")
def test_a_conflict_of_ids_is_settled_by_choosing_the_record(shop: Shop) -> None:
    shop.send("products", f"{PRODUCTS},S1,P1,Chair\n")
    shop.send("products", f"{PRODUCTS},S1,P9,Better chair\n,S2,P2,Table\n")
    [case] = shop.cases()
    [product] = shop.records("products", "sku_id", "S1")
    assert (case.code, case.family, case.related) == ("KEY_CONFLICT", "duplicate_keys", (product["system_id"],))
    assert case.names == (("reference_id", "P9"), ("sku_id", "S1"))
    # The same file again opens nothing new.
    shop.send("products", f"{PRODUCTS},S1,P9,Better chair\n,S2,P2,Table\n")
    assert [each.id for each in shop.cases()] == [case.id]
    shop.run("conflicts", "resolve", str(case.id), "--record", product["system_id"])
    [product] = shop.records("products", "sku_id", "S1")
    assert (product["reference_id"], product["name"]) == ("P9", "Better chair")
    assert shop.cases() == []


@pytest.mark.feature("W26", "W38")
def test_a_later_file_with_the_system_id_settles_a_conflict(shop: Shop) -> None:
    shop.send("products", f"{PRODUCTS},S1,P1,Chair\n")
    shop.send("products", f"{PRODUCTS},S1,P9,Chair\n")
    [product] = shop.records("products", "sku_id", "S1")
    shop.send("products", f"{PRODUCTS}{product['system_id']},S1,P9,Chair\n")
    assert shop.cases() == [] and shop.cases("fixed")[0].code == "KEY_CONFLICT"
    assert [row["reference_id"] for row in shop.records("products", "sku_id", "S1")] == ["P9"]


@pytest.mark.feature("W26", "W27", "P30")
def test_a_name_that_fits_two_customers_is_not_guessed_and_duplicates_are_merged(shop: Shop) -> None:
    shop.send("customers", f"{CUSTOMERS},C1,Acme Ltd,ann\n,C2,ACME  ltd.,bob\n")
    shop.send("customers", f"{CUSTOMERS},,acme ltd,carl\n")
    [case] = shop.cases()
    first, second = (row["system_id"] for row in shop.records("customers", "reference_id", "C1", "C2"))
    assert (case.code, set(case.related), case.owner) == ("AMBIGUOUS_MATCH", {first, second}, "carl")
    [group] = shop.run("dupes", "customers")["groups"]
    assert {row["reference_id"] for row in group["records"]} == {"C1", "C2"}
    [keep] = shop.records("customers", "reference_id", "C1")
    [gone] = shop.records("customers", "reference_id", "C2")
    refused = command("--config", shop.config, "--yes", "merge", "customers", keep["system_id"], gone["system_id"])
    assert refused.returncode == 2 and "reference_id=C2" in refused.stderr and "--forget-ids" in refused.stderr
    shop.run("merge", "customers", keep["system_id"], gone["system_id"], "--forget-ids")
    assert shop.run("dupes", "customers")["groups"] == []
    # The name is one record's now.
    shop.send("customers", f"{CUSTOMERS},,acme ltd,carl\n")
    [left] = shop.records("customers", "reference_id", "C1", "C2")
    assert (left["reference_id"], left["sales_rep"]) == ("C1", "carl") and shop.cases() == []


ADDRESSES = "reference_id,customer_reference_id,customer_system_id,type,line1,city,country\n"


@pytest.mark.feature("W27")
def test_an_id_that_is_given_on_needs_no_change_in_what_goes_by_it(shop: Shop) -> None:
    shop.send("customers", f"{CUSTOMERS},,Acme,ann\n,C2,ACME B,bob\n")
    [keep], [gone] = (shop.records("customers", "company_name", name) for name in ("Acme", "ACME B"))
    by_id = f"A2,,{gone['system_id']},shipping,Kungsgatan 2,Lund,SE"
    shop.send("addresses", f"{ADDRESSES}A1,C2,,billing,Storgatan 1,Lund,SE\n{by_id}\n")
    told = shop.run("merge", "customers", keep["system_id"], gone["system_id"])
    counts = {name: (entry["changed"], entry["removed"]) for name, entry in told["entities"].items() if entry["rows"]}
    assert counts == {"customers": (1, 1), "addresses": (1, 0)}
    assert told["problems"]["list"] == []
    [left] = shop.records("customers", "reference_id", "C2")
    assert (left["system_id"], left["company_name"]) == (keep["system_id"], "Acme")
    [one], [two] = (shop.records("addresses", "reference_id", name) for name in ("A1", "A2"))
    assert (one["customer_reference_id"], two["customer_system_id"]) == ("C2", keep["system_id"])


@pytest.mark.feature("W27")
def test_what_is_a_records_by_its_very_key_goes_with_it(shop: Shop) -> None:
    shop.send("products", f"{PRODUCTS},S1,P1,Chair\n,S2,P2,Chair again\n")
    shop.send("inventory", f"{INVENTORY}S1,5,true\nS2,7,false\n")
    keep, gone = (shop.records("products", "sku_id", name)[0]["system_id"] for name in ("S1", "S2"))
    asked = command("--config", shop.config, "merge", "products", keep, gone, "--forget-ids")
    assert f"1 inventory whose key is {gone}'s are deleted" in " ".join(asked.stderr.split())
    told = shop.run("merge", "products", keep, gone, "--forget-ids")
    assert (told["entities"]["inventory"]["removed"], told["problems"]["list"]) == (1, [])
    assert [(row["sku_id"], row["available"]) for row in shop.records("inventory", "sku_id", "S1", "S2")] == [("S1", 5)]


@pytest.mark.feature("W27")
def test_a_merge_whose_row_is_refused_is_not_done_by_half(shop: Shop) -> None:
    shop.send("customers", f"{CUSTOMERS},C1,Acme,ann\n,C2,Acme B,bob\n")
    shop.send("addresses", f"{ADDRESSES}A1,C2,,billing,Storgatan 1,Lund,SE\n")
    keep, gone = (shop.records("customers", "reference_id", name)[0]["system_id"] for name in ("C1", "C2"))
    with shop.store.catalog("wiz") as catalog:
        merge = duplicates.merge(catalog, "main", "customers", keep, gone, forget=True)
    # Somebody deleted the address meanwhile; the profile rejects bad rows and takes the others.
    rows = [
        (spec, [{**row, "system_id": str(UUID(int=7))} for row in found] if spec["name"] == "addresses" else found)
        for spec, found in merge.rows
    ]
    request = ingest.FeedRequest(feeds.write_all(shop.store, "m", rows), catalog=CATALOG, operation="merge", own=True)
    with pytest.raises(FeedRejected):
        ingest.run(shop.store, shop.settings, request)
    assert len(shop.records("customers", "reference_id", "C1", "C2")) == 2
