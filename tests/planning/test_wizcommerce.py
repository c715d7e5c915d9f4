"""WizCommerce's files end to end: first import without system ids, ids handed out, updates by them, the way back."""

from __future__ import annotations

import csv
import io
import itertools
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest

from feedengine.deliver.export import export, export_ids
from feedengine.errors import UsageError
from planning.desk import CATALOG, Desk, text

DAY = "21_11_2026"
#: One file of each entity, nothing in it made by the engine.
FIRST: dict[str, list[dict[str, str]]] = {
    "CATEGORY": [
        {"Reference ID": "CAT-1", "Category": "Furniture"},
        {"Reference ID": "CAT-2", "Category": "Furniture > Chairs"},
    ],
    "COLLECTION": [{"Reference ID": "COL-1", "Name": "Summer 2026"}],
    "PRODUCT": [
        {"SKU_ID": "007", "Reference ID": "P-7", "Name": "Oak chair", "Category": "CAT-2", "MOQ": "12", "IOQ": "6"},
        {"SKU_ID": "7", "Reference ID": "P-8", "Name": "Oak table", "Collection": "COL-1", "Wood": "oak"},
    ],
    "INVENTORY": [
        {"SKU_ID": "007", "Available Quantity": "5", "Backorder Allowed": "Y"},
        {"SKU_ID": "7", "Available Quantity": "0", "Backorder Allowed": "N"},
    ],
    "CUSTOMER": [
        {"Reference ID": "C-1", "Company Name": "Nordic Interiors Ltd", "Sales Rep": "dana@example.com"},
        {"Reference ID": "C-2", "Company Name": "Oak & Sons", "Sales Rep": "eli@example.com"},
    ],
    "ADDRESS": [
        {
            **{"Address Reference ID": "A-1", "Customer Reference ID": "C-1", "Address Type": "billing"},
            **{"Address Line 1": "Storgatan 1", "City": "Stockholm", "Country": "SE", "Postal Code": "01234"},
        }
    ],
    "CONTACT": [{"Contact Reference ID": "K-1", "Customer Reference ID": "C-2", "Last Name": "Lund"}],
    "ORDER": [{"Order ID": "SO-1", "Customer Reference ID": "C-1", "Status": "draft", "Total": "49.90"}],
    "ORDER_ITEM": [{"Item ID": "SO-1-1", "Order ID": "SO-1", "SKU_ID": "007", "Quantity": "2"}],
}
ENTITIES = {
    "CATEGORY": "categories", "COLLECTION": "collections", "PRODUCT": "products", "INVENTORY": "inventory",
    "CUSTOMER": "customers", "ADDRESS": "addresses", "CONTACT": "contacts", "ORDER": "orders",
    "ORDER_ITEM": "order_items",
}  # fmt: skip
_numbers = itertools.count(1)


class Wiz(Desk):
    """A catalog of the built-in profile, which its settings name, or its first file's command."""

    def __init__(self, root: Path, named: bool = True) -> None:
        super().__init__(root, settings=f'[catalogs."{CATALOG}"]\nprofile = "wizcommerce"\n' if named else "")
        self.named = named

    def send(self, word: str, *rows: dict[str, str], **wish: Any) -> dict[str, Any]:
        """Apply a file of an entity, as it is called on its day."""
        return self.apply(f"{ENTITIES[word]}/{word}_{DAY}_{next(_numbers)}.csv", text(rows), **wish)

    def load(self) -> None:
        """The first import of everything, what is named first."""
        for word, rows in FIRST.items():
            said = {} if self.named or self.store.keys() else {"profile": "wizcommerce"}
            report = self.send(word, *rows, **said)
            assert report["outcome"] == "ok", report["problems"]

    def ids(self, entity: str) -> list[dict[str, str]]:
        """The id map of an entity, as it is exported."""
        out = self.root / "ids.csv"
        with self.store.catalog("acme") as catalog:
            export_ids(catalog, "main", out, entity=entity)
        return list(csv.DictReader(io.StringIO(out.read_text())))

    def one(self, entity: str, field: str, value: str) -> dict[str, Any]:
        """The one record that has this value."""
        [found] = [row for row in self.rows(entity) if row.get(field) == value]
        return found


@pytest.fixture
def wiz(tmp_path: Path) -> Wiz:
    return Wiz(tmp_path)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first import leaves behind; copied for each test."""
    made = Wiz(tmp_path_factory.mktemp("stocked"))
    made.load()
    made.store.ledger.close()
    return made.root


@pytest.fixture
def loaded(stocked: Path, tmp_path: Path) -> Wiz:
    shutil.copytree(stocked, tmp_path, dirs_exist_ok=True)
    return Wiz(tmp_path)


def codes(report: dict[str, Any]) -> dict[str, int]:
    """Codes of errors, with how often each was met."""
    found = report["problems"]["by_code"]
    return {entry["code"]: entry["count"] for entry in found if entry["severity"] != "warning"}


@pytest.mark.feature("W2", "W20", "W33")
def test_all_entities_come_without_system_ids_and_get_them(loaded: Wiz) -> None:
    for word, entity in ENTITIES.items():
        assert len(loaded.rows(entity)) == len(FIRST[word]), entity
    made = [row["system_id"] for entity in ENTITIES.values() for row in loaded.rows(entity) if "system_id" in row]
    assert len(set(made)) == len(made) == 10
    assert {uuid.UUID(each).version for each in made} == {4}
    oak = loaded.one("products", "sku_id", "007")
    assert (oak["moq"], oak["category_reference_ids"]) == (12, ["CAT-2"])
    assert loaded.one("products", "sku_id", "7")["metadata:Wood"] == "oak"
    assert loaded.one("addresses", "reference_id", "A-1")["postal_code"] == "01234"
    assert loaded.sound() == []


@pytest.mark.feature("W33")
def test_ids_are_exported_and_lead_back(loaded: Wiz) -> None:
    ids = loaded.ids("products")
    assert list(ids[0]) == ["System_ID", "Reference ID", "SKU_ID"]
    assert {(row["SKU_ID"], row["Reference ID"]) for row in ids} == {("007", "P-7"), ("7", "P-8")}
    sent = [{**row, "Name": f"New {row['SKU_ID']}"} for row in ids]
    report = loaded.send("PRODUCT", *sent)
    assert {name: report["entities"]["products"][name] for name in ("added", "changed")} == {"added": 0, "changed": 2}
    assert {row["SKU_ID"]: row["System_ID"] for row in loaded.ids("products")} == {
        row["SKU_ID"]: row["System_ID"] for row in ids
    }
    with pytest.raises(UsageError, match="inventory are known by sku_id, which the sender gives"):
        loaded.ids("inventory")


@pytest.mark.feature("W22", "W35")
def test_a_system_id_permits_another_reference(loaded: Wiz) -> None:
    before = loaded.one("products", "sku_id", "007")
    loaded.send("PRODUCT", {"System_ID": before["system_id"], "SKU_ID": "007", "Reference ID": "P-99", "Name": "Oak"})
    after = loaded.one("products", "sku_id", "007")
    assert (after["system_id"], after["reference_id"]) == (before["system_id"], "P-99")
    # The old reference is free again; whoever looks for it finds the record that had it.
    with loaded.store.catalog("acme") as catalog:
        assert catalog.meant("main", "products", "P-7") == before["system_id"]
        events = catalog.trace("main", "products", before["system_id"])
    assert events[-1]["fields"]["reference_id"] == {"before": "P-7", "after": "P-99"}
    report = loaded.send("PRODUCT", {"SKU_ID": "9", "Reference ID": "P-7", "Name": "Stool"})
    assert report["entities"]["products"]["added"] == 1


@pytest.mark.feature("W33")
def test_a_system_id_that_nobody_made_is_refused(loaded: Wiz) -> None:
    report = loaded.send("PRODUCT", {"System_ID": str(uuid.uuid4()), "SKU_ID": "9", "Name": "Stool"})
    assert (report["entities"]["products"]["rejected"], len(loaded.rows("products"))) == (1, 2)


@pytest.mark.feature("W21", "W23")
def test_conflicts_reject_their_rows_alone(loaded: Wiz) -> None:
    report = loaded.send(
        "PRODUCT",
        {"SKU_ID": "007", "Reference ID": "P-8", "Name": "Which?"},
        {"SKU_ID": "a", "Reference ID": "P-a", "Name": "Twice"},
        {"SKU_ID": "a", "Reference ID": "P-b", "Name": "Twice"},
        {"SKU_ID": "fine", "Reference ID": "P-f", "Name": "Fine"},
    )
    counts = report["entities"]["products"]
    assert (counts["added"], counts["rejected"], counts["rows"]) == (1, 3, 4)
    assert loaded.one("products", "sku_id", "007")["name"] == "Oak chair"
    assert loaded.sound() == []


@pytest.mark.feature("W25", "W44", "U15")
@pytest.mark.parametrize("named", [True, False], ids=["by settings", "by option"])
def test_stock_of_an_unknown_product_waits_for_it(tmp_path: Path, named: bool) -> None:
    loaded = Wiz(tmp_path, named)
    loaded.load()
    report = loaded.send("INVENTORY", {"SKU_ID": "new", "Available Quantity": "3"}, FIRST["INVENTORY"][0])
    counts = report["entities"]["inventory"]
    assert (counts["parked"], counts["unchanged"], counts["rows"]) == (1, 1, 2)
    assert [row["sku_id"] for row in loaded.rows("inventory")] == ["007", "7"]
    loaded.send("PRODUCT", {"SKU_ID": "new", "Name": "New lamp"})
    assert [row["sku_id"] for row in loaded.rows("inventory")] == ["007", "7", "new"]


@pytest.mark.feature("L4", "W24")
def test_a_stock_file_leaves_products_as_they_are(loaded: Wiz) -> None:
    before = (loaded.digest("products"), loaded.rows("products"))
    report = loaded.send(
        "INVENTORY", {"SKU_ID": "007", "Available Quantity": "99"}, {"SKU_ID": "7", "Available Quantity": "1"}
    )
    assert (report["entities"]["inventory"]["changed"], report["entities"]["products"]["changed"]) == (2, 0)
    assert (loaded.digest("products"), loaded.rows("products")) == before
    # What the file has no column for stays: a patch says nothing of it.
    assert loaded.one("inventory", "sku_id", "007")["backorder"] is True


@pytest.mark.feature("W2")
@pytest.mark.parametrize("seed", range(3))
def test_files_may_come_in_any_order(wiz: Wiz, seed: int) -> None:
    import random

    words = list(FIRST)
    random.Random(seed).shuffle(words)
    for word in words:
        wiz.send(word, *FIRST[word])
    assert {entity: len(wiz.rows(entity)) for entity in ENTITIES.values()} == {
        ENTITIES[word]: len(rows) for word, rows in FIRST.items()
    }
    assert wiz.sound() == []


def plain(desk: Desk, at: int | None = None) -> dict[str, list[dict[str, Any]]]:
    return {entity: desk.rows(entity, at) for entity in ENTITIES.values()}


def test_the_way_back_brings_ids_back(loaded: Wiz) -> None:
    with loaded.store.catalog("acme") as catalog:
        number = catalog.base("main").snapshot
    before = plain(loaded)
    loaded.send("PRODUCT", {"SKU_ID": "007", "Name": "Other"}, {"SKU_ID": "x", "Name": "X"})
    loaded.send("CUSTOMER", {"Reference ID": "C-1", "Company Name": "Other"})
    assert plain(loaded) != before
    with loaded.store.catalog("acme") as catalog:
        catalog.rollback("main", number)
    assert plain(loaded) == before
    assert loaded.sound() == []
    # The index is as right as the rows: the same files change nothing.
    for word, rows in FIRST.items():
        assert loaded.send(word, *rows)["new_snapshot"] is None


def test_the_index_can_be_made_again(loaded: Wiz) -> None:
    with loaded.store.catalog("acme") as catalog:
        for run in catalog.index_dir.glob("products-*"):
            run.write_bytes(b"lost")
    assert loaded.send("PRODUCT", *FIRST["PRODUCT"])["new_snapshot"] is None
    assert loaded.sound() == []


def test_what_differs_is_told_by_system_id(loaded: Wiz) -> None:
    oak = loaded.one("products", "sku_id", "007")["system_id"]
    number = loaded.send("PRODUCT", {"SKU_ID": "007", "Name": "Other"})["new_snapshot"]
    import pyarrow as pa

    with loaded.store.catalog("acme") as catalog:
        stream = catalog.changes("main", "products", number - 1, number)
        [row] = pa.RecordBatchReader.from_stream(stream).read_all().to_pylist()
    assert (row["system_id"], row["_change"], row["fields"]) == (oak, "changed", ["name"])


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "jsonl.tar.gz", "tar.gz"])
def test_every_form_of_export_holds_every_record(loaded: Wiz, form: str) -> None:
    with loaded.store.catalog("acme") as catalog:
        counts = export(catalog, "main", loaded.root / f"out.{form}", form=form, entity="products")
    assert counts["products"] == 2
    assert len(counts) == (9 if "tar" in form else 1)


@pytest.mark.feature("P2")
def test_one_catalog_in_two_formats_is_one_snapshot(tmp_path: Path) -> None:
    import json

    digests = []
    for form in ("csv", "jsonl"):
        desk = Wiz(tmp_path / form)
        # Ids are made from the store's secret: alike, they can be compared.
        (desk.root / "store" / "secret").write_bytes(bytes(range(192)))
        desk.store = type(desk.store).open(desk.root / "store")
        names = {"Reference ID": "reference_id", "Company Name": "company_name", "Sales Rep": "sales_rep"}
        rows = [{names[name]: value for name, value in row.items()} for row in FIRST["CUSTOMER"]]
        content = text(rows) if form == "csv" else "".join(json.dumps(row) + "\n" for row in rows)
        desk.apply(f"customers/CUSTOMER_{DAY}.{form}", content)
        digests.append(desk.digest("customers"))
    assert digests[0] == digests[1] != "0" * 32
