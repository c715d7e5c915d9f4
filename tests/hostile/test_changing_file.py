"""A file that becomes another one between two readings of it is named as such, and nothing is written (case 34)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from feedengine import engine, ingest
from feedengine.errors import FeedRejected, InternalError
from feedengine.ingest.asking import engine_request
from feedengine.target import resolve
from model.settings import Settings
from model.spec import ENTITIES
from model.state import State, from_plain
from shop import Shop

HEAD = "id,item_name,metadata:m\n"
ROWS = HEAD + "".join(f"A{n},Item {n},{n}\n" for n in range(20_000))


def grow(path: Path) -> None:
    with path.open("a") as out:
        out.write("B1,late,1\n")


def cut(path: Path) -> None:
    os.truncate(path, 100_000)


def open_a_quote(path: Path) -> None:
    path.write_text(ROWS.replace("Item 7777,", '"Item 7777,'))


def replace(path: Path) -> None:
    path.write_text(ROWS.replace("Item", "Atem"))


def go(path: Path) -> None:
    path.unlink()


CHANGES = pytest.mark.parametrize("change", [grow, cut, open_a_quote, replace, go], ids=lambda one: one.__name__)


@CHANGES
def test_between_plan_and_write(change: Callable[[Path], None], tmp_path: Path) -> None:
    shop, path = Shop(tmp_path / "shop"), tmp_path / "items.csv"
    path.write_text(ROWS)
    made = ingest.plan(shop.store, shop.settings(Settings()), shop.request(path, "delta", False))
    assert made.verdict == "apply"
    change(path)
    with pytest.raises(FeedRejected) as caught:
        ingest.apply(shop.store, shop.settings(Settings()), made)
    assert caught.value.code == "FILE_CHANGED"
    assert "another one than a moment ago" in caught.value.message
    assert shop.snapshot() == 0
    path.write_text(ROWS)
    assert shop.run(path, "delta").verdict == "apply"


@CHANGES
def test_before_faults_are_located(change: Callable[[Path], None], tmp_path: Path) -> None:
    """What shows only against stored cells is looked up in the file again; another file has other places."""
    shop, path = Shop(tmp_path / "shop"), tmp_path / "items.csv"
    shop.load(
        State().with_tables("Products", {"items": from_plain(ENTITIES["items"], [{"id": "Z", "item_name": "Z"}])})
    )
    path.write_text(ROWS + "A1,again,1\n")
    settings, request = shop.settings(Settings()), shop.request(path, "delta", False)
    with shop.store.catalog("key_a1") as catalog:
        base = catalog.base("Products")
        target = resolve(shop.store, settings, request)
        asked = engine_request(shop.store, settings, request, target, base, catalog)
        planner = engine.Planner(asked, shop.store.secret)
        planner.scan(path)
        change(path)
        with pytest.raises(FeedRejected) as caught:
            while (want := planner.next_want()) is not None:
                rows = planner.wanted() if want["rows"] == "some" else None
                planner.supply(catalog.rows("Products", want["entity"], want["columns"], rows))
    assert caught.value.code == "FILE_CHANGED"


@CHANGES
def test_while_two_files_are_compared(change: Callable[[Path], None], tmp_path: Path) -> None:
    import pyarrow as pa

    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text(ROWS)
    new.write_text(HEAD + "A1,Item 1,1\n")
    found = engine.diff_files(old, new, {"settings": {}, "threads": 1, "memory": 1 << 28, "temp_dir": str(tmp_path)})
    assert found.report["entities"]["items"]["removed"] == 19_999
    change(old)
    with pytest.raises(FeedRejected) as caught, found.streaming():
        pa.RecordBatchReader.from_stream(found.before("items")).read_all()
    assert caught.value.code == "FILE_CHANGED"


def test_a_request_that_is_none_is_our_own_mistake(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text(ROWS)
    with pytest.raises(InternalError, match="request"):
        engine.diff_files(path, path, {"settings": {}, "memory": 1 << 28, "temp_dir": str(tmp_path), "threads": "many"})
    with pytest.raises(InternalError):
        engine.Planner({}, bytes(192))
