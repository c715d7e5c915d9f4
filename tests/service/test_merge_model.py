"""Merges of any two records against a slow model: dictionaries where one name takes the place of the other."""

from __future__ import annotations

import csv
import io
import itertools
import json
import tarfile
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from feedengine import ingest
from feedengine.errors import FeedRejected, UsageError
from feedengine.ingest.approval import planned_on
from feedengine.names import MERGE
from feedengine.remedy import duplicates, feeds
from feedengine.settings import Settings
from feedengine.store import Store

Tables = dict[str, dict[str, dict[str, Any]]]
CATALOG = "key_a1/Products"
PROFILE = 'name = "shop"\nextends = "constructor"\nversion = "1"\n[entities.items.fields.url]\nunique = true\n'
CONFIG = '[store]\npath = "store"\n[safeguard]\nlimit = "off"\n[rules]\nprofile = "shop.toml"\n'
ITEMS, VARIATIONS, GROUPS = ("A", "B", "C", "D"), ("A", "B", "X", "Y"), ("all", "p", "q", "r")
_numbers = itertools.count()


@st.composite
def catalogs(draw: st.DrawFn) -> Tables:
    """Items with URLs of their own, or none, in groups; their variations; a tree of groups below `all`."""
    some = st.lists(st.sampled_from(GROUPS), unique=True, max_size=3)
    urls = draw(st.sets(st.sampled_from(ITEMS)))
    return {
        "items": {name: {"group_ids": draw(some), "url": f"http://{name}" if name in urls else None} for name in ITEMS},
        "variations": {name: {"item_id": draw(st.sampled_from(ITEMS))} for name in VARIATIONS},
        # Each below earlier ones: there is no circle, until a merge makes one.
        "item_groups": {
            name: {"parent_ids": draw(st.lists(st.sampled_from(GROUPS[:at]), unique=True, min_size=1)) if at else []}
            for at, name in enumerate(GROUPS)
        },
    }


def merged(before: Tables, entity: str, keep: str, gone: str) -> Tables:
    """The catalog after a merge, if it can be."""

    def named(names: list[str]) -> list[str]:
        return list(dict.fromkeys(keep if name == gone else name for name in names))

    after = json.loads(json.dumps(before))
    left = after[entity].pop(gone)
    if entity == "items":
        for variation in after["variations"].values():
            variation["item_id"] = keep if variation["item_id"] == gone else variation["item_id"]
        after["items"][keep]["url"] = after["items"][keep]["url"] or left["url"]
    if entity == "item_groups":
        for item in after["items"].values():
            item["group_ids"] = named(item["group_ids"])
        for group in after["item_groups"].values():
            group["parent_ids"] = named(group["parent_ids"])
    return after


def circular(groups: dict[str, dict[str, Any]]) -> bool:
    """Whether a group is its own ancestor: take away what has no parent left, as long as there is one."""
    left = {name: set(group["parent_ids"]) for name, group in groups.items()}
    while free := [name for name, parents in left.items() if not parents & left.keys()]:
        for name in free:
            del left[name]
    return bool(left)


def archive(tables: Tables) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as bundle:
        for entity, records in tables.items():
            text = io.StringIO(newline="")
            writer = csv.writer(text)
            names = list(next(iter(records.values())))
            extra = ["name"] if entity == "item_groups" else ["item_name"] if entity == "items" else []
            writer.writerow(["id", *extra, *names])
            for key, record in records.items():
                cells = [json.dumps(v) if n == "parent_ids" else "|".join(v) if n == "group_ids" else v or ""
                         for n, v in record.items()]  # fmt: skip
                writer.writerow([key, *(key for _ in extra), *cells])
            info = tarfile.TarInfo(f"{entity}.csv")
            info.size = len(text.getvalue().encode())
            bundle.addfile(info, io.BytesIO(text.getvalue().encode()))
    return out.getvalue()


def stored(store: Store) -> Tables:
    fields = {"items": ("group_ids", "url"), "variations": ("item_id",), "item_groups": ("parent_ids",)}
    found: Tables = {}
    with store.catalog("key_a1") as catalog:
        for entity, names in fields.items():
            lookup = catalog.lookup("Products", entity)
            assert lookup is not None
            rows = lookup.records((*ITEMS, *VARIATIONS, *GROUPS))
            found[entity] = {
                row["id"]: {name: row.get(name) or ([] if name.endswith("_ids") else None) for name in names}
                for row in rows
            }
    return found


def counts(before: Tables, after: Tables) -> dict[str, tuple[int, int]]:
    """Changed and removed records by entity."""
    return {
        entity: (
            sum(after[entity].get(key, record) != record for key, record in before[entity].items()),
            len(before[entity]) - len(after[entity]),
        )
        for entity in before
    }


@pytest.mark.feature("W27", "U4")
@run_with(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(catalogs(), st.data())
def test_a_merge_is_what_the_model_says_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, before: Tables, data: st.DataObject
) -> None:
    entity = data.draw(st.sampled_from(("items", "variations", "item_groups")))
    keep, gone = data.draw(st.permutations(sorted(before[entity])))[:2]
    root = tmp_path_factory.mktemp("merge") / str(next(_numbers))
    root.mkdir()
    (root / "shop.toml").write_text(PROFILE)
    (root / "feedengine.toml").write_text(CONFIG.replace("shop.toml", str(root / "shop.toml")))
    settings, store = Settings.load(root / "feedengine.toml", env={}), Store.create(root / "store")
    (root / "feed.tar").write_bytes(archive(before))
    ingest.run(store, settings, ingest.FeedRequest(root / "feed.tar", catalog=CATALOG, operation="sync"))
    assert stored(store) == before
    with store.catalog("key_a1") as catalog:
        if entity == "items" and all(before["items"][name]["url"] for name in (keep, gone)):
            with pytest.raises(UsageError, match="goes by url"):
                duplicates.merge(catalog, "Products", entity, keep, gone, forget=False)
        merge = duplicates.merge(catalog, "Products", entity, keep, gone, forget=True)
    path = feeds.write_all(store, f"merge_{entity}", merge.rows)
    request = ingest.FeedRequest(path, catalog=CATALOG, operation=MERGE, own=True)
    planned = ingest.plan(store, settings, request).report
    after = merged(before, entity, keep, gone)
    if circular(after["item_groups"]):
        assert planned["verdict"] == "invalid"
        with pytest.raises(FeedRejected) as refused:
            ingest.run(store, settings, request)
        assert refused.value.code == "GROUP_CYCLE" and stored(store) == before
        return
    result = ingest.run(store, settings, request, None, planned_on(merge.snapshot))
    assert stored(store) == after
    assert result.report["entities"] == planned["entities"]
    told = {name: (entry["changed"], entry["removed"]) for name, entry in planned["entities"].items()}
    assert told == counts(before, after)
    with store.catalog("key_a1") as catalog:
        assert [each.number for each in catalog.snapshots()] == [1, 2]
        catalog.rollback("Products", 1, task=None, reason=None, actor=None)
    assert stored(store) == before
