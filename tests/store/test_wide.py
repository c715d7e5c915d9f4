"""Tables of a thousand columns: grown at once, read, exported, compared and pruned within small memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import command
from feedengine.store import Store
from store.helpers import Writer, new_catalog, plain, table

WIDE = {f"metadata:c{number}": str(number) for number in range(1_500)}


def test_a_thousand_new_columns_leave_the_old_rows_as_they_were(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    old = {"a": {"item_name": "one", "facet:Color": ["red"]}, "b": {"item_name": "two"}}
    writer.write(put=[{"id": key, **row} for key, row in old.items()])
    writer.write(put=[{"id": "b", "item_name": "two", **WIDE}])
    assert plain(table(catalog.export_rows("Products", "items"))) == {**old, "b": {"item_name": "two", **WIDE}}
    assert plain(table(catalog.export_rows("Products", "items", 1))) == old
    assert len(catalog.columns_at("Products", "items", 1)) == 3
    assert [row["fields"] for row in table(catalog.changes("Products", "items", 1, 2))] == [list(WIDE)]
    writer.write(put=[{"id": "c", "item_name": "three", "metadata:late": "1"}])
    catalog.write_text("Products", "items", None, "csv", tmp_path / "items.csv")
    assert (tmp_path / "items.csv").read_text().count("\n") == 3
    assert catalog.prune("Products", keep=1) == [1, 2]
    assert {row["id"] for row in table(catalog.export_rows("Products", "items"))} == {"a", "b", "c"}
    catalog.close()


@pytest.mark.feature("U16")
def test_wide_feeds_stay_within_memory(tmp_path: Path) -> None:
    feed = tmp_path / "key_a1_Products_delta_2026-11-21.csv"
    head, cells = ",".join(WIDE), ",".join(WIDE.values())
    feed.write_text(f"id,item_name,{head}\n" + "".join(f"B{number},Boot,{cells}\n" for number in range(200)))
    again = tmp_path / "key_a1_Products_delta_2026-11-22.csv"
    again.write_text(feed.read_text().replace(",Boot,", ",Shoe,"))
    Store.create(tmp_path / "store")
    for path in (feed, again):
        done = command("--store", tmp_path / "store", "--json", "apply", path, "--create")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["peak_rss_bytes"] < 512 << 20
