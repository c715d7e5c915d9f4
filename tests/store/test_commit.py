"""Committing versions: what is read back, what a failed commit leaves, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.errors import BaseMoved, CatalogBusy, CatalogNotFound, StoreDamaged, StoreNotFound
from feedengine.store import SnapshotMeta, Store
from feedengine.store.model import NO_DIGEST
from store.helpers import Writer, columns, new_catalog, state, stream, table


def by_id(stream: object) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in table(stream)}


def test_an_empty_catalog_has_base_zero(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    base = catalog.base("Products")
    assert (base.snapshot, sorted(base.entities)) == (0, ["item_groups", "items", "variations"])
    assert (base.entities["items"].next_row, base.entities["items"].digest) == (1, NO_DIGEST)
    assert (catalog.sections(), catalog.snapshots()) == ([], [])
    with pytest.raises(CatalogNotFound):
        catalog.rows("Products", "items", None, None)


def test_stores_and_catalogs_are_found_or_not(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound):
        Store.open(tmp_path / "none")
    store = Store.create(tmp_path / "s")
    assert (tmp_path / "s/secret").stat().st_mode & 0o777 == 0o600
    with pytest.raises(CatalogNotFound):
        store.catalog("k")
    store.catalog("../k", create=True)
    assert store.keys() == ["../k"]
    assert Store.create(tmp_path / "s").secret == store.secret


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    rows = [
        {"id": "a", "item_name": "Böot 👢", "group_ids": ["x", "y"], "active": True, "suggested_score": 7},
        {"id": "b", "item_name": "", "group_ids": [], "active": False},
        {"id": "c", "metadata:json:stores": '{"s1":3}', "facet:Color": ["Red|Blue"]},
    ]
    info = writer.write(put=rows)
    assert (info.number, info.task, info.file, info.current) == (1, 1, "feed-1.csv", True)
    read = by_id(catalog.rows("Products", "items", None, None))
    assert {id: {k: v for k, v in row.items() if k != "_row"} for id, row in read.items()} == {r["id"]: r for r in rows}
    assert sorted(row["_row"] for row in read.values()) == [1, 2, 3]
    base = catalog.base("Products")
    assert (base.snapshot, base.entities["items"].records, base.entities["items"].next_row) == (1, 3, 4)
    assert {c.name: c.kind for c in base.entities["items"].columns}["facet:Color"] == "list"


def test_old_and_new_versions_by_row(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    writer.write(put=[{"id": "a", "item_name": "one"}, {"id": "b", "item_name": "two"}])
    writer.write(put=[{"id": "a", "item_name": "uno", "metadata:x": "1"}], remove={"b": 1})
    wanted = stream([{"_row": 1}, {"_row": 3}])
    got = {row["_row"]: row for row in table(catalog.rows("Products", "items", ["item_name", "no such"], wanted))}
    assert got == {1: {"_row": 1, "item_name": "one"}, 3: {"_row": 3, "item_name": "uno"}}
    assert list(by_id(catalog.rows("Products", "items", ["id"], None))) == ["a"]


def test_a_patch_copies_what_it_does_not_name(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    writer.write(put=[{"id": "a", "item_name": "one", "group_ids": ["g"]}, {"id": "b", "item_name": "two"}])
    with catalog.commit("Products", catalog.base("Products")) as commit:
        commit.close("items", stream([{"_row": 1, "_reason": 0}, {"_row": 2, "_reason": 0}]))
        commit.add_columns("items", columns("metadata:price"))
        patched = [
            {"_old_row": 1, "_row": 3, "_record": 9, "metadata:price": "5"},
            {"_old_row": 2, "_row": 4, "_record": 8, "metadata:price": "6"},
        ]
        assert commit.insert_patched("items", stream(patched)) == 2
        commit.finish(SnapshotMeta("patchdelta", {"items": state(2, 5)}))
    assert by_id(catalog.rows("Products", "items", None, None)) == {
        "a": {"_row": 3, "id": "a", "item_name": "one", "group_ids": ["g"], "metadata:price": "5"},
        "b": {"_row": 4, "id": "b", "item_name": "two", "metadata:price": "6"},
    }


def test_leaving_without_finish_changes_nothing(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    with catalog.commit("Products", catalog.base("Products")) as commit:
        commit.insert("items", stream([{"_row": 1, "_record": 1, "id": "a"}]))
    assert catalog.base("Products").snapshot == 0
    writer.write(put=[{"id": "a"}])
    with pytest.raises(RuntimeError), catalog.commit("Products", catalog.base("Products")) as commit:
        commit.close("items", stream([{"_row": 1, "_reason": 1}]))
        raise RuntimeError
    assert list(by_id(catalog.rows("Products", "items", None, None))) == ["a"]
    assert len(catalog.snapshots()) == 1


def test_a_moved_base_a_repeated_task_and_a_wrong_row_are_refused(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    base = catalog.base("Products")
    writer.write(put=[{"id": "a"}])
    with pytest.raises(BaseMoved), catalog.commit("Products", base):
        pass
    with pytest.raises(BaseMoved), catalog.commit("Products", catalog.base("Products")) as commit:
        commit.finish(SnapshotMeta("delta", {}, task=1))
    with pytest.raises(StoreDamaged), catalog.commit("Products", catalog.base("Products")) as commit:
        commit.close("items", stream([{"_row": 7, "_reason": 0}]))
    assert [info.number for info in catalog.snapshots()] == [1]
    assert catalog.applied(1, None) is not None and catalog.applied(2, None) is None


def test_groups_belong_to_the_key(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    Writer(catalog, "Products").write(put=[{"id": "a"}])
    base = catalog.base("Products")
    other = Writer(catalog, "Content")
    other.task = 10
    other.write(put=[{"id": "c"}])
    assert catalog.base("Products").snapshot == base.snapshot == 1
    other.write("item_groups", put=[{"id": "all", "name": "All", "parent_ids": []}])
    assert catalog.base("Products").snapshot == 3
    assert catalog.base("Products").entities["item_groups"].records == 1
    assert [info.number for info in catalog.snapshots("Content")] == [2, 3]
    assert catalog.sections() == ["Content", "Products"]


def test_two_writers_of_one_key_wait_for_each_other(tmp_path: Path) -> None:
    from feedengine.store import Options

    words: list[str] = []
    catalog = Store.create(tmp_path).catalog("k", create=True)
    with catalog.commit("Products", catalog.base("Products")):
        late = Store.open(tmp_path, Options(wait_seconds=0.3, notify=words.append)).catalog("k")
        with pytest.raises(CatalogBusy), late.commit("Products", catalog_base_zero(late)):
            pass
    assert len(words) == 1 and "waiting" in words[0]


def catalog_base_zero(catalog: object) -> object:
    from feedengine.store import Base

    return Base("k", "Products", 0, {})
