"""Files of a profile's entities in accounts' homes: places, names, what is taken, when; nothing is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.accounts import Account
from feedengine.errors import FeedRejected
from feedengine.ledger import Task
from feedengine.service.followup import follow
from feedengine.service.whereabouts import find
from feedengine.transport.reception import Refused
from service.place import Place

WIZ = '[catalogs."acme/main"]\nprofile = "wizcommerce"\n'
PRODUCTS = "SKU_ID,Reference ID,Name\nA,r1,Chair\n"


def place(folder: Path, rules: str = "", keys: tuple[str, ...] = ("acme",)) -> Place:
    return Place(folder, WIZ + rules, keys)


def landed(at: Place, virtual: str, content: str = PRODUCTS) -> Task | None:
    folder, _, name = virtual.rpartition("/")
    number = at.land(name, content, folder or "/")
    return None if number is None else at.task(number)


def refusal(task: Task | None) -> str:
    assert task is not None and (task.status, task.outcome) == ("FAILED", "rejected_name"), task
    return str((task.error or {})["code"])


@pytest.mark.feature("W8")
@pytest.mark.parametrize(
    ("virtual", "entity"),
    [
        ("/in/products/PRODUCT_18_09_2024.csv", "products"),
        ("/in/Products/product_18_09_2024.csv", "products"),
        ("/products/PRODUCT_18_09_2024.csv", "products"),
        ("/in/inventory/INVENTORY_18_09_2024_2.csv", "inventory"),
        ("/in/orders/ORDER_29_02_2024.xlsx", "orders"),
    ],
)
def test_folder_and_name_say_what_a_file_is(tmp_path: Path, virtual: str, entity: str) -> None:
    task = landed(place(tmp_path), virtual)
    assert task is not None and task.status == "QUEUED"
    assert (task.key, task.section, task.entity, task.operation) == ("acme", "main", entity, "patchdeltacreate")
    assert task.due is None and task.registered


@pytest.mark.feature("W7", "W8", "U3")
@pytest.mark.parametrize(
    ("virtual", "code"),
    [
        ("/in/inventory/PRODUCT_18_09_2024.csv", "WRONG_FOLDER"),
        ("/in/PRODUCT_18_09_2024.csv", "WRONG_FOLDER"),
        ("/PRODUCT_18_09_2024.csv", "WRONG_FOLDER"),
        ("/in/elsewhere/PRODUCT_18_09_2024.csv", "WRONG_FOLDER"),
        ("/in/products/PRODUCT_31_02_2024.csv", "NAME_DATE"),
        ("/in/products/PRODUCT_2024_09_18.csv", None),
        ("/in/products/products.csv", None),
        ("/in/products/PRODUCT_18_09_2024.pdf", None),
        ("/products/whatever.csv", None),
    ],
)
def test_wrong_names_and_folders_are_reported_never_ignored(tmp_path: Path, virtual: str, code: str | None) -> None:
    at = place(tmp_path)
    task = landed(at, virtual)
    said = refusal(task)
    assert code is None or said == code
    assert task is not None and "for example" in str((task.error or {})["expected"])
    assert follow(at.store, at.settings, task, at.diary)
    moved = [path for path in (at.home / "failed").rglob("*") if path.is_file()]
    assert {path.parent.name for path in moved} <= {"failed", "products", "inventory", "elsewhere"}
    assert {path.name for path in moved} == {f"1__{task.filename}", f"1__{task.filename}.error.txt"}
    summary = (at.home / "reports").rglob("summary.json")
    assert said in next(iter(summary)).read_text()
    assert find(at.store, str(task.filename))[0].state == "rejected"


@pytest.mark.feature("W5")
def test_entities_that_are_not_taken(tmp_path: Path) -> None:
    at = place(tmp_path, '[intake."acme/main"]\nentities = ["products", "inventory"]\n')
    assert refusal(landed(at, "/in/orders/ORDER_18_09_2024.csv")) == "ENTITY_DISABLED"
    task = landed(at, "/in/inventory/INVENTORY_18_09_2024.csv")
    assert task is not None and task.status == "QUEUED"


def test_names_of_other_keys_and_of_constructors_grammar(tmp_path: Path) -> None:
    at = place(tmp_path, keys=("acme", "key_b2"))
    plain = landed(at, "/in/key_b2_Products_sync_2026-11-21-10-00-00.csv")
    assert plain is not None and (plain.key, plain.entity) == ("key_b2", None)
    foreign = landed(at, "/in/key_c3_Products_sync_2026-11-21-10-00-00.csv")
    assert refusal(foreign) == "KEY_NOT_OWNED"
    assert refusal(landed(at, "/in/acme_main_sync_2026-11-21-10-00-00.csv")) != "KEY_NOT_OWNED"


def test_several_catalogs_have_a_folder_each(tmp_path: Path) -> None:
    at = place(tmp_path, '[catalogs."acme/outlet"]\nprofile = "wizcommerce"\n')
    task = landed(at, "/in/outlet/products/PRODUCT_18_09_2024.csv")
    assert task is not None and (task.section, task.entity) == ("outlet", "products")
    assert refusal(landed(at, "/in/products/PRODUCT_18_09_2024_2.csv")) == "WRONG_FOLDER"


def test_a_reply_can_refuse_a_wrong_name(tmp_path: Path) -> None:
    at = Place(tmp_path, 'name_check = "reply"\n' + WIZ, ("acme",))
    with pytest.raises(Refused, match="belongs in products/"):
        at.desk.admit(Account("shop", "shop", keys=("acme",)), "/in/inventory/PRODUCT_18_09_2024.csv")
    at.desk.admit(Account("shop", "shop", keys=("acme",)), "/in/products/PRODUCT_18_09_2024.csv")


def test_a_profile_that_cannot_be_read_fails_its_files_and_no_others(tmp_path: Path) -> None:
    at = Place(tmp_path, '[catalogs."acme/main"]\nprofile = "gone.toml"\n', ("acme", "key_b2"))
    assert refusal(landed(at, "/in/products/PRODUCT_18_09_2024.csv")) == "PROFILE"
    task = landed(at, "/in/key_b2_Products_sync_2026-11-21-10-00-00.csv")
    assert task is not None and task.status == "QUEUED"


@pytest.mark.feature("W9", "W11", "W36")
def test_a_file_waits_for_its_entitys_next_pass(tmp_path: Path) -> None:
    at = place(tmp_path, '[intake."acme/main"]\nschedules = ["products 24h", "inventory 30m"]\n')
    first = landed(at, "/in/products/PRODUCT_18_09_2024.csv")
    second = landed(at, "/in/products/PRODUCT_18_09_2024_2.csv", PRODUCTS + "B,r2,Table\n")
    stock = landed(at, "/in/inventory/INVENTORY_18_09_2024.csv", "SKU_ID,Available Quantity\nA,1\n")
    assert first is not None and second is not None and stock is not None
    assert first.due is None and stock.due is None and second.due is not None
    taken = [at.queue.claim(30)]
    at.store.ledger.finish(first.id, "ok")
    taken += [at.queue.claim(30)]
    at.store.ledger.finish(stock.id, "ok")
    assert [task.id for task in taken if task] == [first.id, stock.id]
    assert at.queue.claim(30) is None
    [where] = find(at.store, "PRODUCT_18_09_2024_2.csv")
    assert where.state == "queued" and "waits until" in where.said and "products of acme/main" in where.said


@pytest.mark.feature("W12")
def test_a_file_of_this_machine_needs_no_folder(tmp_path: Path) -> None:
    at = place(tmp_path)
    file = tmp_path / "PRODUCT_18_09_2024.csv"
    file.write_text(PRODUCTS)
    task = at.task(at.desk.submit(file, actor="ann"))
    assert (task.key, task.section, task.entity, task.operation) == ("acme", "main", "products", "patchdeltacreate")
    wrong = tmp_path / "PRODUCT_31_02_2024.csv"
    wrong.write_text(PRODUCTS)
    with pytest.raises(FeedRejected):
        at.desk.submit(wrong, actor="ann")
    two = place(tmp_path / "two", '[catalogs."acme/outlet"]\nprofile = "wizcommerce"\n')
    with pytest.raises(FeedRejected, match=r"may be for acme/main, acme/outlet"):
        two.desk.submit(file, actor="ann")


def test_a_task_that_was_done_is_done_again_for_the_same_entity(tmp_path: Path) -> None:
    from feedengine.service.again import again

    at = place(tmp_path)
    first = landed(at, "/in/products/PRODUCT_18_09_2024.csv")
    assert first is not None
    assert at.queue.claim(30) is not None
    at.store.ledger.finish(first.id, "ok")
    second = again(at.store, at.settings, first.id, actor="ann")
    assert (second.entity, second.section, second.operation) == ("products", "main", "patchdeltacreate")
    assert second.path != first.path and Path(str(second.path)).read_text() == PRODUCTS


@pytest.mark.feature("W10", "W11")
@pytest.mark.parametrize("where", ["serve.kept", "serve.queued"])
def test_a_death_while_a_file_lands_takes_no_pass(tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is found again when the service is back, and is neither taken twice nor a day late."""
    at = place(tmp_path, '[intake."acme/main"]\nschedules = ["products 24h"]\n')
    armed = [where]

    def point(name: str) -> None:
        if name in armed:
            armed.remove(name)
            raise KeyboardInterrupt

    monkeypatch.setattr("feedengine.service.reception.point", point)
    with pytest.raises(KeyboardInterrupt):
        landed(at, "/in/products/PRODUCT_18_09_2024.csv")
    if not at.desk.knows(at.home / "in" / "products" / "PRODUCT_18_09_2024.csv"):
        landed(at, "/in/products/PRODUCT_18_09_2024.csv")
    [task] = at.store.ledger.list().tasks
    assert task.due is None and task.status == "QUEUED"
