"""A walk through WizCommerce's article on its FTP integration: its promises, and each case of its troubleshooting."""

from __future__ import annotations

import csv
import shutil
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from feedengine import profile
from feedengine.accounts import Accounts
from feedengine.deliver.export import export_ids
from feedengine.ledger import Task
from feedengine.ledger.cases import Cases
from feedengine.service import homes
from feedengine.service.outgoing import named
from feedengine.service.sending import Sender
from feedengine.service.targets import target_of
from feedengine.service.whereabouts import find
from service.place import Place

CATALOG = '[catalogs."acme/main"]\nprofile = "wizcommerce"\n'
WIZ = profile.load("wizcommerce")

# The first import: no system ids anywhere, entities in an order in which each names what is not there yet.
FIRST = {
    "inventory": "SKU_ID,Available Quantity,Backorder Allowed,On Order Quantity 1,ETA 1\n"
    "CHAIR,5,Y,10,24/12/2026\nDESK,7,N,,\nLAMP,1,N,,\n",
    "addresses": "Address Reference ID,Customer Reference ID,Address Type,Address Line 1,City,Postal Code,Country\n"
    "A1,C1,Billing,Storgatan 1,Lund,01234,SE\nA2,C2,shipping,High St 2,York,YO1 7EP,GB\n",
    "contacts": "Contact Reference ID,Customer Reference ID,First Name,Last Name,Email\nK1,C1,Astrid,Lund,a@lund.se\n",
    "orders": "Order ID,Reference ID,Customer Reference ID,Status,Order Date,Total\n"
    "SO1,PO1,C1,Draft,21-11-2026,99.80\n",
    "customers": "Reference ID,Company Name,Sales Rep,Mapped Pricelist\n"
    "C1,Nordic Ltd,dana,Retail\nC2,Yorks & Co,robin,\n",
    "products": "SKU_ID,Reference ID,Name,Pricelist 1,Price 1,MOQ,IOQ,Media,Category,Collection,Colour\n"
    "CHAIR,P1,Chair,Retail,49.90,12,6,https://a.se/1.jpg|https://a.se/2.jpg,G3,S1,oak\nDESK,P2,Desk,,,,,,G1,,\n",
    "collections": "Reference ID,Name\nS1,Summer\n",
    "categories": "Reference ID,Category\nG1,Electronics\nG3,Electronics > Mobile Phones > Accessories\n"
    "G2,Electronics>Mobile Phones\n",
}


class Partner:
    """Sends files as the article says, and looks at what became of them."""

    def __init__(self, folder: Path, rules: str = CATALOG) -> None:
        self.place = Place(folder, rules, ("acme",))
        self._sent = 0

    def put(self, entity: str, content: str) -> tuple[str, Task]:
        """A file lands in the entity's folder and what waits is done; gives its name and its task."""
        declared = WIZ.entity(entity)
        self._sent += 1
        name = f"{declared.words[0]}_21_11_2026_{self._sent}.csv"
        number = self.place.land(name, content, f"/in/{declared.folder}")
        self.place.work()
        return name, self.place.task(number)

    def counts(self, entity: str, content: str) -> dict[str, int]:
        """The counts of a file's entity that are not 0."""
        _, task = self.put(entity, content)
        found = (task.report or {})["entities"][entity]
        kinds = ("rows", "added", "changed", "unchanged", "rejected", "parked")
        return {kind: found[kind] for kind in kinds if found[kind]}

    def faults(self, task: Task) -> list[tuple[str, str]]:
        """Code and message of each fault."""
        return [(each["code"], each["message"]) for each in (task.report or {})["problems"]["list"]]

    def records(self, entity: str, by: str = "reference_id") -> dict[str, dict[str, Any]]:
        with self.place.store.catalog("acme") as catalog:
            rows = pa.table(catalog.export_rows("main", entity, None)).to_pylist()
        return {row[by]: row for row in rows}

    def ids(self, entity: str) -> list[dict[str, str]]:
        """The id map of an entity, as the partner gets it."""
        out = self.place.root / f"{entity}_ids.csv"
        with self.place.store.catalog("acme") as catalog:
            export_ids(catalog, "main", out, entity=entity)
        with out.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first import leaves behind; copied for each test."""
    made = Partner(tmp_path_factory.mktemp("stocked"))
    for entity, content in FIRST.items():
        made.put(entity, content)
    made.place.store.ledger.close()
    return made.place.root


@pytest.fixture
def partner(stocked: Path, tmp_path: Path) -> Partner:
    shutil.copytree(stocked, tmp_path, dirs_exist_ok=True)
    made = Partner(tmp_path)
    made._sent = len(FIRST)
    return made


@pytest.mark.feature("W2", "W20", "W24", "W28", "W29", "W30", "W31", "W32", "W33", "U11")
def test_the_first_import_without_system_ids_in_any_order(partner: Partner) -> None:
    products, stock = partner.records("products"), partner.records("inventory", "sku_id")
    assert set(products) == {"P1", "P2"} and set(stock) == {"CHAIR", "DESK"}
    chair = products["P1"]
    assert (chair["price_1"], chair["moq"], chair["ioq"]) == ("49.90", 12, 6)
    assert chair["media"] == ["https://a.se/1.jpg", "https://a.se/2.jpg"] and chair["metadata:Colour"] == "oak"
    assert (stock["CHAIR"]["backorder"], stock["CHAIR"]["eta_1"], stock["DESK"]["available"]) == (True, "2026-12-24", 7)
    assert {row["type"] for row in partner.records("addresses").values()} == {"billing", "shipping"}
    assert partner.records("addresses")["A1"]["postal_code"] == "01234"
    assert partner.records("orders")["PO1"]["order_date"] == "2026-11-21"
    assert set(partner.records("categories")) == {"G1", "G2", "G3"}
    for entity in ("products", "customers", "addresses", "contacts", "categories", "collections", "orders"):
        assert all(uuid.UUID(row["system_id"]).version == 4 for row in partner.records(entity).values())


@pytest.mark.feature("W22", "W33", "W35")
def test_ids_are_exported_and_sent_back_with_a_new_reference_id(partner: Partner) -> None:
    ids = {row["SKU_ID"]: row for row in partner.ids("products")}
    system = ids["CHAIR"]["System_ID"]
    assert partner.records("products")["P1"]["system_id"] == system and ids["CHAIR"]["Reference ID"] == "P1"
    assert partner.counts("products", f"System_ID,Reference ID\n{system},P-100\n") == {"rows": 1, "changed": 1}
    chair = partner.records("products")["P-100"]
    assert (chair["system_id"], chair["sku_id"], chair["name"]) == (system, "CHAIR", "Chair")
    assert partner.counts("products", f"System_ID,Reference ID\n{uuid.uuid4()},P1\n") == {"rows": 1, "rejected": 1}


@pytest.mark.feature("W8", "W7", "W36")
@pytest.mark.parametrize(
    ("virtual", "words"),
    [
        ("/in/inventory/PRODUCT_21_11_2026.csv", "it belongs in products/"),
        ("/in/products/PRODUCT_2026_11_21.csv", "is not written as DD_MM_YYYY"),
        ("/in/products/PRODUCT_31_02_2026.csv", "is no date: February 2026 has 28 days"),
    ],
)
def test_my_import_file_was_not_picked_up(tmp_path: Path, virtual: str, words: str) -> None:
    partner = Partner(tmp_path)
    folder, _, name = virtual.rpartition("/")
    task = partner.place.task(partner.place.land(name, "SKU_ID\nA\n", folder))
    assert task.outcome == "rejected_name" and words in str((task.error or {})["message"])
    assert find(partner.place.store, name)[0].state == "rejected"


@pytest.mark.feature("W36")
def test_a_file_that_was_picked_up_is_found_by_its_name(partner: Partner) -> None:
    name, task = partner.put("collections", "Reference ID,Name\nS2,Winter\n")
    [where] = find(partner.place.store, name)
    assert where.state == "applied" and where.said.startswith("applied as snapshot ")
    assert where.place is not None and where.place.endswith(f"/{task.id}__{name}")


@pytest.mark.feature("W21", "W23", "W37")
def test_my_product_import_is_failing_on_duplicates(partner: Partner) -> None:
    _, twice = partner.put("products", "SKU_ID,Reference ID,Name\nX,P8,One\nX,P9,Two\nY,P7,Three\n")
    assert [code for code, _ in partner.faults(twice)].count("DUPLICATE_KEY") == 2
    assert {"P7"} <= set(partner.records("products")) and not {"P8", "P9"} & set(partner.records("products"))
    _, conflict = partner.put("products", "SKU_ID,Reference ID,Name\nCHAIR,P2,Whose?\n")
    [(code, _)] = partner.faults(conflict)
    assert code == "KEY_CONFLICT"
    assert partner.records("products")["P1"]["name"] == "Chair"
    ids = {row["SKU_ID"]: row["System_ID"] for row in partner.ids("products")}
    settled = f"System_ID,SKU_ID,Reference ID,Name\n{ids['CHAIR']},CHAIR,P1,Armchair\n"
    assert partner.counts("products", settled) == {"rows": 1, "changed": 1}
    assert partner.records("products")["P1"]["name"] == "Armchair"


@pytest.mark.feature("W25", "U11")
def test_inventory_updates_are_not_silently_dropped(partner: Partner) -> None:
    name, task = partner.put("inventory", "SKU_ID,Available Quantity\nSOFA,3\nCHAIR,4\n")
    found = (task.report or {})["entities"]["inventory"]
    assert (found["changed"], found["parked"]) == (1, 1)
    assert find(partner.place.store, name)[0].said.endswith(", 1 wait for other records")
    partner.put("products", "SKU_ID,Reference ID,Name\nSOFA,P3,Sofa\n")
    partner.place.work()
    assert partner.records("inventory", "sku_id")["SOFA"]["available"] == 3
    assert partner.records("inventory", "sku_id")["CHAIR"]["available"] == 4


@pytest.mark.feature("W26", "W27")
def test_a_customer_is_not_created_as_a_duplicate(partner: Partner) -> None:
    _, weak = partner.put("customers", "Company Name,Sales Rep\nNORDIC LTD.,kim\n")
    assert [code for code, _ in partner.faults(weak)] == ["WEAK_MATCH"]
    assert partner.records("customers")["C1"]["sales_rep"] == "kim" and len(partner.records("customers")) == 2
    partner.put("customers", "Reference ID,Company Name\nC3,Nordic Ltd\n")
    _, guess = partner.put("customers", "Company Name,Sales Rep\nNordic Ltd,lee\n")
    assert [code for code, _ in partner.faults(guess)] == ["AMBIGUOUS_MATCH"]
    assert {row["sales_rep"] for row in partner.records("customers").values()} == {"kim", "robin", None}


@pytest.mark.feature("W30")
def test_a_category_whose_parent_is_missing_is_told_by_name(partner: Partner) -> None:
    _, task = partner.put("categories", "Reference ID,Category\nG9,Garden > Tools > Spades\nG4,Garden\n")
    [(code, message)] = partner.faults(task)
    assert code == "MISSING_LINK" and "Tools" in message
    assert "G4" in partner.records("categories") and "G9" not in partner.records("categories")


@pytest.mark.feature("W38", "W45")
def test_failures_in_the_notification_have_three_families(partner: Partner) -> None:
    _, format_ = partner.put(
        "inventory", "SKU_ID,Available Quantity,ETA 1,On Order Quantity 1\nCHAIR,many,31.02.2026,-1\nDESK,8,,\n"
    )
    # All that is wrong with the row at once, and the good row is in.
    assert {code for code, _ in partner.faults(format_)} == {"BAD_INTEGER", "BAD_DATE", "OUT_OF_RANGE"}
    assert partner.records("inventory", "sku_id")["DESK"]["available"] == 8
    again = {"rows": 1, "changed": 1}
    assert partner.counts("inventory", "SKU_ID,Available Quantity\nCHAIR,9\n") == again


@pytest.mark.feature("W38", "L8")
def test_columns_in_another_order_than_the_templates_fail_where_they_shall(tmp_path: Path) -> None:
    (tmp_path / "strict.toml").write_text('name = "strict"\nextends = "wizcommerce"\n[columns]\norder = "strict"\n')
    partner = Partner(tmp_path, '[catalogs."acme/main"]\nprofile = "strict.toml"\n')
    right = "System_ID,Reference ID,Name,Description\n,S1,Summer,\n"
    assert partner.counts("collections", right) == {"rows": 1, "added": 1}
    for wrong in ("Reference ID,System_ID,Name,Description\nS2,,W,\n", "System_ID,Reference ID,Name\n,S2,W\n"):
        _, task = partner.put("collections", wrong)
        assert (task.status, (task.error or {})["code"]) == ("FAILED", "TEMPLATE_MISMATCH")


@pytest.mark.feature("W39")
def test_corrected_rows_or_the_whole_file_again_lead_to_the_same(tmp_path: Path) -> None:
    head, good, bad = "SKU_ID,Reference ID,Name,MOQ,IOQ\n", "A,P1,One,12,6\n", "B,P2,Two,7,6\n"
    fixed = bad.replace("7,6", "18,6")
    digests = set()
    for number, files in enumerate(([head + good + fixed], [head + good + bad, head + fixed], [head + good + bad] * 1)):
        partner = Partner(tmp_path / str(number))
        tasks = [partner.put("products", each)[1] for each in files]
        if number == 2:
            assert [code for code, _ in partner.faults(tasks[0])] == ["NOT_MULTIPLE"]
            tasks.append(partner.put("products", head + good + fixed)[1])
        rows = partner.records("products")
        digests.add(tuple((row["sku_id"], row["reference_id"], row["name"], row["moq"]) for row in rows.values()))
    assert len(digests) == 1


def reported(partner: Partner, task: Task, name: str) -> str:
    """A file of a task's report, as its sender finds it."""
    return partner.place.seen(f"{homes.reports(task)}/{name}")


@pytest.mark.feature("W17", "W39")
def test_the_rejected_rows_are_mended_and_sent_again(partner: Partner) -> None:
    before = len(partner.records("products"))
    _, task = partner.put(
        "products",
        "SKU_ID,Reference ID,Name,MOQ,IOQ\n007,P7,Bond,12,6\n\n008,P8,Eight,7,6\n009,P9,Nine,many,3\n",
    )
    assert task.outcome == "ok_with_errors" and len(partner.records("products")) == before + 1
    rejected = reported(partner, task, "rejected.csv")
    assert rejected == "SKU_ID,Reference ID,Name,MOQ,IOQ\n008,P8,Eight,7,6\n009,P9,Nine,many,3\n"
    assert Cases(partner.place.store.ledger).list(states=("open",))[1] == 2
    _, again = partner.put("products", rejected.replace("7,6", "18,6"))
    assert again.parent == task.id, "the summary says whose bad rows these are"
    assert [case.record for case in Cases(partner.place.store.ledger).list(states=("open",))[0]] == ["P9"]
    _, last = partner.put("products", reported(partner, again, "rejected.csv").replace("many", "6"))
    assert last.outcome == "ok" and Cases(partner.place.store.ledger).list(states=("open",))[1] == 0
    found = partner.records("products")
    assert [found[name]["sku_id"] for name in ("P7", "P8", "P9")] == ["007", "008", "009"]
    assert [found[name]["moq"] for name in ("P7", "P8", "P9")] == [12, 18, 6]


EXPORTS = CATALOG + '[exports.orders]\ncatalog = "acme/main"\naccount = "shop@example.com"\n'


@pytest.mark.feature("W3", "W15", "W32", "W40")
def test_confirmed_orders_go_to_the_partners_folder_and_come_back(tmp_path: Path) -> None:
    partner = Partner(tmp_path, EXPORTS)
    place = partner.place
    Accounts(place.store.root).add("shop@example.com", given="Long enough 1", home="shop", keys=("acme",))
    for entity, content in FIRST.items():
        partner.put(entity, content)
    partner.put("order_items", "Item ID,Order ID,SKU_ID,Quantity\nSO1-1,SO1,CHAIR,2\nSO1-2,SO1,DESK,1\n")

    def exported() -> dict[str, Path]:
        out = named(place.store, place.settings, "orders")
        Sender(place.store, target_of(place.settings, out.target), place.diary).drain()
        return {path.name.rpartition("_")[0]: path for path in place.home.glob("export/**/order_*.csv")}

    assert exported() == {}, "a draft never goes"
    partner.put("orders", "Reference ID,Status\nPO1,Confirmed\n")
    files = exported()
    system = partner.records("orders")["PO1"]["system_id"]
    assert {name: path.parent.name for name, path in files.items()} == dict.fromkeys(files, f"order_{system}")
    assert sorted(files) == ["order_data", "order_items"]
    [order] = csv.DictReader(files["order_data"].read_text().splitlines())
    assert (order["System_ID"], order["Reference ID"], order["Status"]) == (system, "PO1", "confirmed")
    items = list(csv.DictReader(files["order_items"].read_text().splitlines()))
    assert [(each["SKU_ID"], each["Quantity"]) for each in items] == [("CHAIR", "2"), ("DESK", "1")]
    for entity, name in (("orders", "order_data"), ("order_items", "order_items")):
        _, back = partner.put(entity, files[name].read_text())
        assert back.outcome == "no_change", (entity, partner.faults(back))
    assert exported() == files, "and a second time neither"
    partner.put("orders", "Reference ID,Status\nPO1,Confirmed\n")
    assert exported() == files


@pytest.mark.feature("W5")
def test_entities_that_were_not_agreed_on_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text('name = "ours"\nextends = "wizcommerce"\n[entities.orders]\nenabled = false\n')
    partner = Partner(tmp_path, '[catalogs."acme/main"]\nprofile = "ours.toml"\n')
    _, task = partner.put("orders", FIRST["orders"])
    assert (task.status, (task.error or {})["code"]) == ("FAILED", "ENTITY_DISABLED")
