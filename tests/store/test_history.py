"""History: states at snapshots, changes between them, traces, pruning, pins, checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.errors import CatalogNotFound, SnapshotNotFound, UsageError
from feedengine.store.catalog import Catalog
from store.helpers import Writer, new_catalog, plain, stream, table


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Four snapshots: load; change a, remove b; bring b back as it was, add c; remove a."""
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    writer.write(put=[{"id": "a", "item_name": "one"}, {"id": "b", "item_name": "two"}], operation="sync")
    writer.write(put=[{"id": "a", "item_name": "uno", "facet:Color": ["red"]}], remove={"b": 1})
    writer.write(put=[{"id": "b", "item_name": "two"}, {"id": "c", "item_name": "three"}])
    writer.write(remove={"a": 2})
    return catalog


def test_any_snapshot_can_be_read(catalog: Catalog) -> None:
    states = [plain(table(catalog.export_rows("Products", "items", at))) for at in (1, 2, 3, 4, None)]
    assert [sorted(state) for state in states] == [["a", "b"], ["a"], ["a", "b", "c"], ["b", "c"], ["b", "c"]]
    assert (states[0]["a"], states[1]["a"]) == ({"item_name": "one"}, {"item_name": "uno", "facet:Color": ["red"]})
    assert [column.name for column in catalog.columns_at("Products", "items", 1)] == ["id", "item_name"]
    assert table(catalog.export_rows("Products", "variations")) == []
    with pytest.raises(SnapshotNotFound, match="available: 1-4"):
        catalog.export_rows("Products", "items", 5)
    with pytest.raises(CatalogNotFound):
        catalog.export_rows("Nowhere", "items")


def changes(catalog: Catalog, a: int, b: int) -> dict[str, tuple[str, list[str]]]:
    return {row["id"]: (row["_change"], row["fields"]) for row in table(catalog.changes("Products", "items", a, b))}


def test_changes_between_any_two_snapshots(catalog: Catalog) -> None:
    assert changes(catalog, 1, 2) == {"a": ("changed", ["item_name", "facet:Color"]), "b": ("removed", [])}
    assert changes(catalog, 2, 1) == {"a": ("changed", ["item_name", "facet:Color"]), "b": ("added", [])}
    assert changes(catalog, 1, 3) == {"a": ("changed", ["item_name", "facet:Color"]), "c": ("added", [])}
    assert changes(catalog, 0, 4) == {"b": ("added", []), "c": ("added", [])}
    assert changes(catalog, 4, 4) == {}
    [row] = [row for row in table(catalog.changes("Products", "items", 1, 2)) if row["id"] == "a"]
    assert (row["item_name"], row["before:item_name"], row["facet:Color"]) == ("uno", "one", ["red"])
    assert table(catalog.changes("Products", "variations", 1, 2)) == []


@pytest.mark.feature("U10")
def test_a_trace_tells_a_record_s_life(catalog: Catalog) -> None:
    events = catalog.trace("Products", "items", "b")
    assert [(event["snapshot"], event["change"], event["record"]) for event in events] == [
        (1, "added", 2),
        (2, "removed", None),
        (3, "added", 1),
    ]
    assert events[0]["file"] == "feed-1.csv"
    events = catalog.trace("Products", "items", "a")
    assert [event["change"] for event in events] == ["added", "changed", "purged"]
    assert events[1]["fields"]["item_name"] == {"before": "one", "after": "uno"}
    assert catalog.trace("Products", "items", "zzz") == []


@pytest.mark.feature("U10")
def test_provenance_names_the_feed_that_set_each_value(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    writer.write(put=[{"id": "a", "item_name": "one", "metadata:price": "1"}])
    writer.write(put=[{"id": "a", "item_name": "one", "metadata:price": "2"}])
    writer.write(put=[{"id": "a", "item_name": "one", "metadata:price": "2", "url": "u"}])
    found = catalog.provenance("Products", "items", "a")
    assert {name: each["snapshot"] for name, each in found.items()} == {
        "id": 1,
        "item_name": 1,
        "metadata:price": 2,
        "url": 3,
    }
    assert found["metadata:price"]["file"] == "feed-2.csv"
    assert catalog.provenance("Products", "items", "b") == {}


@pytest.mark.parametrize("compact", [True, False])
def test_pruning_keeps_pinned_and_newest_snapshots_exact(catalog: Catalog, compact: bool) -> None:
    kept = {at: plain(table(catalog.export_rows("Products", "items", at))) for at in (2, 4)}
    catalog.pin(2)
    assert catalog.prune("Products", keep=1, compact=compact) == [1, 3]
    assert {at: plain(table(catalog.export_rows("Products", "items", at))) for at in (2, 4)} == kept
    assert [(info.number, info.pinned, info.pruned) for info in catalog.snapshots()] == [
        (1, False, True),
        (2, True, False),
        (3, False, True),
        (4, False, False),
    ]
    with pytest.raises(SnapshotNotFound, match=r"snapshot 1 was pruned; available: 2, 4"):
        catalog.export_rows("Products", "items", 1)
    assert changes(catalog, 2, 4) == {"a": ("removed", []), "b": ("added", []), "c": ("added", [])}
    assert catalog.prune("Products", keep=1) == []
    catalog.pin(2, False)
    assert catalog.prune("Products", keep=1, compact=compact) == [2]
    rows = table(catalog.sql("SELECT count(*)::INTEGER AS n FROM items_history", "Products"))
    assert rows == [{"n": 2}]
    assert catalog.check("Products", engine=False)["ok"]


def test_a_check_finds_what_does_not_agree(catalog: Catalog) -> None:
    assert catalog.check("Products", engine=False)["problems"] == []
    with catalog.writing() as con:
        con.execute("UPDATE feedstore.\"Products\".items_history SET _row = 99, id = 'b' WHERE id = 'c'").fetchall()
        con.execute('DELETE FROM feedstore."Products".items_history WHERE _from = 3 AND _row = 4').fetchall()
    problems = catalog.check("Products", engine=False)["problems"]
    assert len(problems) == 2 and "row number 99" in problems[1], problems


@pytest.mark.feature("U13")
def test_sql_sees_the_section_s_views(catalog: Catalog) -> None:
    assert table(catalog.sql("SELECT id FROM items ORDER BY id", "Products")) == [{"id": "b"}, {"id": "c"}]
    assert table(catalog.sql('SELECT id FROM "Products".items ORDER BY id')) == [{"id": "b"}, {"id": "c"}]
    for bad in ("SELECT nothing FROM items", "DELETE FROM items_history", "SELEC"):
        with pytest.raises(UsageError):
            table(catalog.sql(bad, "Products"))


def test_rows_named_by_number_are_summed_up(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    writer.write("item_groups", put=[{"id": "g"}, {"id": "h"}])
    writer.write(put=[{"id": "a", "group_ids": ["g", "h"]}, {"id": "b", "group_ids": ["g"]}, {"id": "c"}])
    named = stream([{"_row": row} for row in (1, 2, 3)])
    assert catalog.breakdown("Products", "items", "group_ids", named, 5) == [
        {"column": "group_ids", "value": "g", "lost": 2},
        {"column": "group_ids", "value": "h", "lost": 1},
    ]
    assert catalog.breakdown("Products", "items", "facet:None", stream([{"_row": 1}]), 5) == []
    assert catalog.dangling_groups("Products", "items", stream([{"_row": 1}]), None) == 2
    assert catalog.dangling_groups("Products", "items", stream([{"_row": 1}]), stream([{"_row": 2}, {"_row": 3}])) == 1
    assert catalog.dangling_groups("Products", "variations", stream([{"_row": 1}]), None) == 0
