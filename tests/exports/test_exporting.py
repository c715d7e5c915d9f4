"""Exports of records: once each, when they are as they should be, whole or not at all."""

from __future__ import annotations

import csv
import re
import shutil
import signal
from pathlib import Path

import pytest

from command import command
from exports.shop import Shop, folder_of, order_id
from feedengine.errors import NotFound
from feedengine.ledger.outbox import Outbox
from feedengine.service import exporting
from sending.servers import Death


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.mark.feature("W3", "W4", "W15", "W16", "W40")
def test_draft_never_confirmed_once_confirmed_again_not_again(shop: Shop) -> None:
    shop.orders(_1="Draft", _2="Confirmed")
    assert shop.look() == 1 and shop.send() == 1
    assert shop.found() == folder_of(2)
    assert shop.look() == 0, "nothing is new"
    shop.orders(_1="Confirmed", _2="Shipped")
    assert shop.look() == 1 and shop.send() == 1
    shop.orders(_2="Confirmed", _3="Draft")
    assert shop.look() == 0 and shop.send() == 0
    assert shop.found() == folder_of(1) | folder_of(2)
    shop.orders(_3="Shipped")
    assert shop.look() == 0


@pytest.mark.feature("W16")
def test_the_files_say_what_is_stored_under_the_names_of_the_partner(shop: Shop) -> None:
    shop.feed(f'id,item_name,metadata:status\n{order_id(1)},"Ünï, ""quoted""\nline",Confirmed\n')
    shop.lines(1, 2)
    shop.look()
    shop.send()
    [folder] = (shop.there / "Out" / "Orders").iterdir()
    with (folder / f"order_data_{order_id(1)}.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["id", "Order", "metadata:status"],
            [order_id(1), 'Ünï, "quoted"\nline', "Confirmed"],
        ]
    with (folder / f"order_items_{order_id(1)}.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["id", "item_id"], ["1-1", order_id(1)], ["1-2", order_id(1)]]


@pytest.mark.feature("W40")
def test_an_order_waits_for_its_items(tmp_path: Path) -> None:
    shop = Shop(tmp_path, wait=True)
    shop.orders(_1="Confirmed", _2="Confirmed")
    assert shop.look() == 0
    progress = shop.exports.progress("orders", shop.out.catalog)
    assert (progress.awaited, progress.records, progress.waiting) == (2, 0, 0) and progress.awaited_since
    shop.lines(2, 1)
    assert shop.look() == 1
    shop.orders(_1="Draft")
    assert shop.look() == 0
    assert shop.exports.progress("orders", shop.out.catalog).awaited == 0
    shop.send()
    assert shop.found() == folder_of(2)


@pytest.mark.feature("W18")
def test_flat_files_lie_beside_each_other(tmp_path: Path) -> None:
    shop = Shop(tmp_path, flat=True)
    shop.orders(_1="Confirmed")
    assert shop.look() == 1 and shop.send() == 2
    [names] = folder_of(1).values()
    assert shop.found() == {"Out/Orders": names}


def test_what_was_there_before_is_sent_or_skipped(tmp_path: Path) -> None:
    for existing, expected in (("send", 2), ("skip", 1)):
        shop = Shop(tmp_path / existing, existing=existing)
        shop.orders(_1="Confirmed")
        shop.look()
        shop.orders(_2="Confirmed")
        shop.look()
        assert shop.send() == expected
        assert len(shop.exports.known("orders", [order_id(1), order_id(2)])) == 2


@pytest.mark.feature("W3")
def test_snapshots_that_were_forgotten_meanwhile(shop: Shop) -> None:
    shop.orders(_1="Confirmed")
    shop.look()
    for number in range(2, 5):
        shop.orders(**{f"_{number}": "Confirmed"})
    with shop.store.catalog("key_a1") as catalog:
        assert catalog.prune("Orders", keep=1, compact=False)
    assert shop.look() == 3 and shop.send() == 4
    assert shop.found() == {name: files for number in range(1, 5) for name, files in folder_of(number).items()}


def test_more_records_than_fit_into_one_transaction(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_BATCH", 3)
    shop.orders(**{f"_{number}": "Confirmed" if number % 4 else "Draft" for number in range(1, 13)})
    assert shop.look() == 9 and shop.send() == 9
    assert len(shop.found()) == 9


@pytest.mark.feature("W41")
def test_replay_brings_a_record_again_as_it_is_now(shop: Shop) -> None:
    shop.orders(_1="Confirmed")
    shop.look()
    shop.send()
    shop.orders(_1="Shipped")
    [found] = shop.exports.find(order_id(1))
    exporting.replay(shop.store, shop.out, found)
    assert shop.send() == 1
    [folder] = (shop.there / "Out" / "Orders").iterdir()
    assert "Shipped" in (folder / f"order_data_{order_id(1)}.csv").read_text()
    assert shop.found() == folder_of(1), "nothing else is left there"
    shutil.rmtree(folder)
    [found] = shop.exports.find(order_id(1))
    assert found.replays == 1
    exporting.replay(shop.store, shop.out, found)
    assert shop.send() == 1 and shop.found() == folder_of(1)
    shop.feed(f"id\n{order_id(1)}\n", "delete")
    with pytest.raises(NotFound, match="not in"):
        exporting.replay(shop.store, shop.out, found)


@pytest.mark.feature("W4")
def test_deliveries_are_forgotten_in_time_and_never_that_a_record_was_sent(shop: Shop) -> None:
    from feedengine.service.keeping import tidy

    shop.orders(_1="Confirmed", _2="Confirmed")
    shop.look()
    shop.send()
    shop.orders(_3="Confirmed")
    shop.look()
    with shop.store.ledger.write() as con:
        con.execute("UPDATE deliveries SET created = '2026-01-01T00:00:00Z', sent = '2026-01-01T00:00:00Z'")
        con.execute("UPDATE deliveries SET sent = NULL WHERE status = 'WAITING'")
    assert tidy(shop.store, shop.outbox, 30) == 2
    assert [each.status for each in shop.outbox.list()] == ["WAITING"]
    assert sorted(status for _, status in shop.exports.list("orders")) == ["SENT", "SENT", "WAITING"]
    shop.orders(_1="Draft")
    shop.orders(_1="Confirmed")
    assert shop.look() == 0, "it was sent once, and that is known"
    assert shop.send() == 1


def dies_at(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die at a fault point, once."""
    armed = [where]

    def point(name: str) -> None:
        if armed == [name]:
            armed.clear()
            raise Death

    for module in ("exporting", "folders", "sending"):
        monkeypatch.setattr(f"feedengine.service.{module}.point", point)


@pytest.mark.feature("W4", "W40")
@pytest.mark.parametrize("where", ["serve.export.written", "serve.export.put", "serve.export.reached"])
def test_death_while_exporting_puts_out_each_record_once(
    shop: Shop, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.orders(_1="Confirmed", _2="Confirmed")
    dies_at(where, monkeypatch)
    with pytest.raises(Death):
        shop.look()
    shop.look()
    assert sorted(each.name for each in shop.outbox.list()) == sorted(f"order_{order_id(n)}" for n in (1, 2))
    assert shop.send() == 2 and shop.found() == folder_of(1) | folder_of(2)


@pytest.mark.feature("W16", "W42")
@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(
    "where",
    [
        *("serve.send.begun", "serve.send.before_put", "serve.folder.between", "serve.send.after_put"),
        *("serve.send.verified", "serve.send.placing", "serve.send.renamed", "serve.send.before_sent"),
        "serve.send.sent",
    ],
)
def test_death_while_sending_a_folder(shop: Shop, where: str, taken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each point the partner sees the whole folder or none, and gets it once; it may take it away at once."""
    shop.orders(_1="Confirmed")
    shop.look()
    dies_at(where, monkeypatch)
    with pytest.raises(Death):
        shop.send()
    final = shop.there / "Out" / "Orders" / f"order_{order_id(1)}"
    there = final.exists()
    assert there == (where in ("serve.send.renamed", "serve.send.before_sent", "serve.send.sent"))
    if there:
        assert len(list(final.iterdir())) == 2
        if taken:
            shutil.rmtree(final)
        before = None if taken else final.stat().st_ino
    shop.send()
    assert shop.outbox.get(1).status == "SENT"
    if there and taken:
        assert not final.exists() and shop.outbox.get(1).verified in ("taken", "hash")
        return
    assert shop.found() == folder_of(1)
    if there:
        assert final.stat().st_ino == before


def test_another_folder_of_that_name_is_replaced_file_by_file(shop: Shop) -> None:
    shop.orders(_1="Confirmed")
    shop.look()
    final = shop.there / "Out" / "Orders" / f"order_{order_id(1)}"
    final.mkdir(parents=True)
    (final / "other.txt").write_text("theirs")
    (final / f"order_data_{order_id(1)}.csv").write_text("old")
    assert shop.send() == 0 and "order" in str(shop.outbox.get(1).error)
    assert (final / f"order_data_{order_id(1)}.csv").read_text() == "old"
    with shop.store.ledger.write() as con:
        con.execute("UPDATE deliveries SET not_before = '2026-01-01T00:00:00Z'")
    assert shop.send() == 1
    assert (final / "other.txt").read_text() == "theirs"
    assert "Confirmed" in (final / f"order_data_{order_id(1)}.csv").read_text()
    assert [path.name for path in final.parent.iterdir()] == [final.name], "nothing that was built aside is left"


@pytest.mark.feature("W42")
def test_one_of_many_that_fails_delays_only_those_after_it_and_is_not_tried_at_once_again(shop: Shop) -> None:
    shop.orders(**{f"_{number}": "Confirmed" for number in range(1, 6)})
    shop.look()
    order = [each.path for each in shop.outbox.list(oldest=True)]
    (shop.there / "Out" / "Orders").mkdir(parents=True)
    (shop.there / order[2]).write_text("a file where the folder goes")
    assert shop.send() == 2
    deliveries = shop.outbox.list(oldest=True)
    assert [each.status for each in deliveries] == ["SENT", "SENT", "WAITING", "WAITING", "WAITING"]
    assert [each.attempts for each in deliveries] == [1, 1, 1, 0, 0]
    assert deliveries[2].error and deliveries[2].not_before > shop.outbox.now() and not deliveries[3].error
    assert shop.send() == 0, "its time has not come"
    (shop.there / order[2]).unlink()
    with shop.store.ledger.write() as con:
        con.execute("UPDATE deliveries SET not_before = '2026-01-01T00:00:00Z'")
    assert shop.send() == 3 and len(shop.found()) == 5


@pytest.mark.feature("W4", "W40")
@pytest.mark.parametrize("where", ["serve.export.written", "serve.export.put", "serve.export.reached"])
def test_killed_by_the_kernel_while_exporting(tmp_path: Path, where: str) -> None:
    """A real process and a real signal: what it leaves is one delivery, which arrives once."""
    from exports.partner import partner
    from feedengine.service.exporting import look

    place = partner(tmp_path)
    words = ("record", "put", "--catalog", "acme/main")
    order = (f"system_id={order_id(1)}", "status=confirmed")
    done = command("--config", place.file, *words, "orders", *order)
    assert done.returncode == 0, done.stderr
    item = ("order_items", "item_id=1", f"order={order_id(1)}")
    done = command("--config", place.file, *words, *item, FEEDENGINE_FAULT=where)
    assert done.returncode == -signal.SIGKILL, done.stderr
    look(place.store, place.settings, None, place.diary)
    look(place.store, place.settings, None, place.diary)
    [delivery] = Outbox(place.store.ledger).list()
    assert delivery.name == f"order_{order_id(1)}" and (place.store.root / delivery.file).is_dir()


def test_every_fault_point_of_exporting_is_killed() -> None:
    found = set(re.findall(r'point\("(serve\.[^"]+)"', Path(exporting.__file__).read_text()))
    assert found == {"serve.export.written", "serve.export.put", "serve.export.reached"}
