"""Exports: exact text, order, archives; loading an export again gives the same catalog."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from feedengine.deliver.export import export, form_of
from feedengine.deliver.gzip import GzipWriter
from feedengine.errors import DiskFull, UsageError
from feedengine.store.catalog import Catalog
from store.helpers import Writer, new_catalog, table

ITEMS = [
    {
        "id": "b",
        "item_name": 'say "hi", now\nor never',
        "url": "https://x/é?a=1&b=2",
        "group_ids": ["g1", "g2"],
        "active": False,
        "suggested_score": -1,
        "metadata:price": "19.50",
        "metadata:json:stores": '{"s1":[1,2.50],"é":null}',
        "facet:Color": ["Red", "blue"],
        "facet:color": ["other"],
    },
    {"id": "a", "item_name": "plain", "active": True, "metadata:stores": "none"},
    {"id": "Z", "item_name": "Zed"},
]
GROUPS = [
    {"id": "g1", "name": "One", "parent_ids": []},
    {"id": "g2", "name": "Two", "parent_ids": ["g1"], "metadata:url": "/two", "metadata:json:n": "3"},
]


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    catalog = new_catalog(tmp_path / "store")
    writer = Writer(catalog)
    writer.write("item_groups", put=GROUPS)
    writer.write(put=ITEMS)
    writer.write("variations", put=[{"id": "v", "item_id": "a"}])
    writer.write(put=[{"id": "n", "item_name": "new"}], remove={"b": 1})
    return catalog


def test_csv_as_feeds_have_it(catalog: Catalog, tmp_path: Path) -> None:
    out = tmp_path / "items.csv"
    assert export(catalog, "Products", out, form="csv", at=3) == {"items": 3}
    assert out.read_text() == (
        "id,item_name,url,group_ids,active,suggested_score,metadata:price,metadata:json:stores,facet:Color,facet:color\n"
        "Z,Zed,,,,,,,,\n"
        'a,plain,,,true,,,"""none""",,\n'
        'b,"say ""hi"", now\nor never",https://x/é?a=1&b=2,g1|g2,false,-1,19.50,'
        '"{""s1"":[1,2.50],""é"":null}",Red|blue,other\n'
    )
    assert export(catalog, "Products", out, form="csv", entity="variations") == {"variations": 1}
    assert out.read_text() == "variation_id,item_id\nv,a\n"
    export(catalog, "Products", out, form="csv", entity="item_groups")
    assert out.read_text() == 'id,name,parent_ids,data\ng1,One,[],\ng2,Two,"[""g1""]","{""url"":""/two"",""n"":3}"\n'


def test_jsonl_as_feeds_nest_it(catalog: Catalog, tmp_path: Path) -> None:
    out = tmp_path / "items.jsonl"
    export(catalog, "Products", out, form="jsonl", at=3)
    lines = out.read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["Z", "a", "b"]
    assert lines[0] == '{"id":"Z","name":"Zed"}'
    assert json.loads(lines[2]) == {
        "id": "b",
        "name": 'say "hi", now\nor never',
        "suggested_score": -1,
        "data": {
            "url": "https://x/é?a=1&b=2",
            "group_ids": ["g1", "g2"],
            "active": False,
            "price": "19.50",
            "stores": {"s1": [1, 2.5], "é": None},
            "facets": {"Color": ["Red", "blue"], "color": ["other"]},
        },
    }
    assert '"stores":{"s1":[1,2.50],"é":null}' in lines[2], "JSON is embedded as it was sent"
    export(catalog, "Products", out, form="jsonl", entity="item_groups")
    assert [json.loads(line) for line in out.read_text().splitlines()] == [
        {"id": "g1", "name": "One", "parent_ids": []},
        {"id": "g2", "name": "Two", "parent_ids": ["g1"], "data": {"url": "/two", "n": 3}},
    ]


@pytest.mark.feature("U19")
def test_parquet(catalog: Catalog, tmp_path: Path) -> None:
    export(catalog, "Products", tmp_path / "i.parquet", form="parquet")
    found = pyarrow.parquet.read_table(tmp_path / "i.parquet")
    assert found.column("id").to_pylist() == ["Z", "a", "n"]
    assert found.schema.field("group_ids").type == pyarrow.list_(pyarrow.string())


def test_archives_hold_every_entity_and_are_the_same_each_time(catalog: Catalog, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.tar.gz", "two.tar.gz")]
    for out in files:
        counts = export(catalog, "Products", out, form="tar.gz")
        assert counts == {"items": 3, "variations": 1, "item_groups": 2}
    assert files[0].read_bytes() == files[1].read_bytes()
    with tarfile.open(files[0]) as tar:
        assert tar.getnames() == ["items.csv", "variations.csv", "item_groups.csv"]
        member = tar.extractfile("variations.csv")
        assert member is not None and member.read() == b"variation_id,item_id\nv,a\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.tar.gz", "store", "two.tar.gz"]
    export(catalog, "Products", tmp_path / "i.csv.gz", form="csv.gz")
    assert gzip.decompress((tmp_path / "i.csv.gz").read_bytes()).startswith(b"id,item_name")


def test_what_json_cannot_tell_apart_is_refused_by_name(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path / "store")
    writer = Writer(catalog)
    writer.write(put=[{"id": "a", "item_name": "x", "metadata:url": "/not-the-url", "metadata:sizes:add": "9"}])
    out = tmp_path / "items.jsonl"
    with pytest.raises(UsageError, match="1 items have a value in metadata:url") as caught:
        export(catalog, "Products", out, form="jsonl")
    assert caught.value.code == "NOT_IN_JSON" and not out.exists()
    writer.write(put=[{"id": "a", "item_name": "x", "metadata:sizes:add": "9"}])
    with pytest.raises(UsageError, match="metadata:sizes:add"):
        export(catalog, "Products", tmp_path / "items.jsonl.tar.gz", form="jsonl.tar.gz")
    writer.write(put=[{"id": "a", "item_name": "x", "metadata:price": "9"}])
    assert export(catalog, "Products", out, form="jsonl") == {"items": 1}


def test_what_csv_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path / "store")
    Writer(catalog).write(put=[{"id": "a", "item_name": "x", "facet:Size": ["1|2"]}])
    with pytest.raises(UsageError, match=r"facet:Size.*first: id 'a'"):
        export(catalog, "Products", tmp_path / "x.csv", form="csv")
    assert not (tmp_path / "x.csv").exists()
    export(catalog, "Products", tmp_path / "x.jsonl", form="jsonl")
    assert json.loads((tmp_path / "x.jsonl").read_text())["data"] == {"facets": {"Size": ["1|2"]}}


@pytest.mark.parametrize("form", ["tar.gz", "jsonl.tar.gz"])
def test_an_export_loaded_again_gives_the_same_catalog(catalog: Catalog, tmp_path: Path, form: str) -> None:
    from feedengine import ingest
    from feedengine.settings import load
    from feedengine.store import Store

    out = tmp_path / f"out.{form}"
    export(catalog, "Products", out, form=form, at=3)
    config = tmp_path / "feedengine.toml"
    config.write_text("")
    store = Store.create(tmp_path / "again")
    request = ingest.FeedRequest(path=out, catalog="key_b/Products", operation="sync", actor="test")
    ingest.run(store, load(config), request)
    with store.catalog("key_b") as again:
        for entity in ("items", "variations", "item_groups"):
            there, here = (
                {row["id"]: row for row in table(each.export_rows("Products", entity, at))}
                for each, at in ((again, None), (catalog, 3))
            )
            assert there == here


def test_a_full_disk_leaves_no_file(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDENGINE_FAULT", "export.after_text")
    monkeypatch.setenv("FEEDENGINE_FAULT_KIND", "enospc")
    with pytest.raises(DiskFull):
        export(catalog, "Products", tmp_path / "x.csv", form="csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_forms_are_known_by_their_endings() -> None:
    endings = ["a.csv", "a.tar.gz", "a.jsonl.tar.gz", "a.jsonl", "a.csv.gz", "a.xls"]
    assert [form_of(name) for name in endings] == ["csv", "tar.gz", "jsonl.tar.gz", "jsonl", "csv.gz", None]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (5 << 20) + 7])
def test_gzip_of_any_size_and_thread_count(size: int) -> None:
    data = os.urandom(size // 2) + b"x" * (size - size // 2)
    written: list[Any] = []
    for threads in (1, 3):
        out = io.BytesIO()
        with GzipWriter(out, threads) as target:
            for start in range(0, size, 300_000):
                target.write(data[start : start + 300_000])
        written.append(out.getvalue())
    assert written[0] == written[1]
    assert gzip.decompress(written[0]) == data
