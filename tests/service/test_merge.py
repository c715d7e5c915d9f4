"""Likely duplicates and merging: what names the one names the other, in one task, done as a whole or not at all."""

from __future__ import annotations

import json
import signal
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine import engine, ingest
from feedengine.errors import BaseMoved, UsageError
from feedengine.ingest.approval import planned_on
from feedengine.remedy import duplicates, feeds
from feedengine.remedy.naming import fold
from feedengine.settings import Settings
from feedengine.store import Store

FEED = {
    "items.csv": "id,item_name,group_ids\nA,Acme Ltd.,all|old\nB,ACME  ltd,old\nC,Bolt,new\nD,Dux,new\nE,Esk,new\n",
    "variations.csv": "id,item_id\nV1,A\nV2,B\nV3,C\n",
    "item_groups.csv": "id,name,parent_id\nall,All,\nold,Old,all\nnew,New,all\nsub,Sub,old\n",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "feedengine.toml"
    path.write_text('[store]\npath = "store"\n[safeguard]\nlimit = "off"\n')
    feed = tmp_path / "feed.tar"
    with tarfile.open(feed, "w") as archive:
        for name, content in FEED.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            archive.addfile(info, BytesIO(content.encode()))
    store = Store.create(tmp_path / "store")
    request = ingest.FeedRequest(feed, catalog="key_a1/Products", operation="sync")
    ingest.run(store, Settings.load(path, env={}), request)
    return path


def run(config: Path, *argv: str) -> Any:
    done = command("--config", config, "--yes", "--json", *argv)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def records(config: Path, entity: str) -> dict[str, dict[str, Any]]:
    with Store.open(config.parent / "store").catalog("key_a1") as catalog:
        lookup = catalog.lookup("Products", entity)
        assert lookup is not None
        return {row["id"]: row for row in lookup.records("A B C D E V1 V2 V3 all old new sub".split())}


@pytest.mark.feature("W27")
def test_records_that_look_alike_are_shown_together(config: Path) -> None:
    found = run(config, "dupes", "items", "--by", "item_name")
    assert [[each["id"] for each in group["records"]] for group in found["groups"]] == [["A", "B"]]
    shown = command("--config", config, "dupes", "items", "--by", "item_name").stdout
    assert "A   Acme Ltd." in shown and "feedengine merge items A B" in shown
    assert run(config, "dupes", "items", "--by", "url")["groups"] == []
    refused = command("--config", config, "dupes", "items")
    assert refused.returncode == 2 and "--by COLUMN" in refused.stderr


@pytest.mark.feature("W27")
def test_what_named_the_one_names_the_other(config: Path) -> None:
    told = run(config, "merge", "items", "A", "B", "--reason", "same product")
    counts = {name: (entry["changed"], entry["removed"]) for name, entry in told["entities"].items()}
    assert counts == {"items": (0, 1), "variations": (1, 0), "item_groups": (0, 0)}
    assert (told["operation"], told["base_snapshot"], told["new_snapshot"]) == ("merge", 1, 2)
    assert set(records(config, "items")) == {"A", "C", "D", "E"}
    assert {name: row["item_id"] for name, row in records(config, "variations").items()} == {
        "V1": "A",
        "V2": "A",
        "V3": "C",
    }
    store = Store.open(config.parent / "store")
    with store.catalog("key_a1") as catalog:
        life = catalog.trace("Products", "items", "B")
        assert (life[-1]["change"], life[-1]["task"]) == ("purged", told["task"])
    assert store.ledger.get(told["task"]).reason == "merge of B into A: same product"


def test_lists_and_parents_name_the_one_that_stays(config: Path) -> None:
    run(config, "merge", "item_groups", "new", "old")
    assert {name: row["group_ids"] for name, row in records(config, "items").items()} == {
        "A": ["all", "new"],
        "B": ["new"],
        "C": ["new"],
        "D": ["new"],
        "E": ["new"],
    }
    assert records(config, "item_groups")["sub"]["parent_ids"] == ["new"]
    assert set(records(config, "item_groups")) == {"all", "new", "sub"}


def test_a_merge_of_what_is_not_there_changes_nothing(config: Path) -> None:
    missing = command("--config", config, "--yes", "merge", "items", "A", "X")
    assert missing.returncode == 8 and "no" in missing.stderr
    same = command("--config", config, "--yes", "merge", "items", "A", "A")
    assert same.returncode == 2
    unsure = command("--config", config, "merge", "items", "A", "B")
    assert unsure.returncode == 2 and "--yes" in unsure.stderr
    assert set(records(config, "items")) == {"A", "B", "C", "D", "E"}


@pytest.mark.feature("W27")
def test_ids_that_both_have_are_not_forgotten_unless_one_says_so(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(config.parent / "store")
    with store.catalog("key_a1") as catalog:
        # Were the name an identifier, rows that say B's would make a new record.
        spec = {**engine.constructor_entities()[0], "identity": [{"field": "id"}, {"field": "item_name"}]}
        monkeypatch.setattr(type(catalog.entities), "spec", lambda self, entity: spec)
        with pytest.raises(UsageError, match="B goes by item_name=ACME  ltd"):
            duplicates.merge(catalog, "Products", "items", "A", "B", forget=False)
        merge = duplicates.merge(catalog, "Products", "items", "A", "B", forget=True)
        assert merge.said == ("1 variations that named B name A", "B is deleted")
        assert [(spec["name"], list(rows)) for spec, rows in merge.rows] == [
            ("variations", [{"id": "V2", "item_id": "A"}]),
            ("items", [{"id": "B"}]),
        ]


def test_names_are_folded_as_weak_identifiers_are() -> None:
    assert fold("Acme Ltd.") == fold("ACME  ltd") != fold("Acme Inc.") and fold("—") == fold("...") == ""


PARTNER = """
name = "shop"
extends = "constructor"
version = "1"
[entities.items.fields.url]
unique = true
"""


@pytest.fixture
def twins(tmp_path: Path) -> Path:
    """A and B are one product; only B has a URL, which is no other record's."""
    (tmp_path / "shop.toml").write_text(PARTNER)
    path = tmp_path / "feedengine.toml"
    path.write_text('[store]\npath = "store"\n[safeguard]\nlimit = "off"\n[rules]\nprofile = "shop.toml"\n')
    settings = Settings.load(path, env={})
    store = Store.create(tmp_path / "store")
    for entity, content in (
        ("items", "id,item_name,url\nA,Acme,\nB,ACME,http://b\n"),
        ("variations", "id,item_id\nV1,A\nV2,B\nV3,B\n"),
    ):
        feed = tmp_path / f"{entity}.csv"
        feed.write_text(content)
        request = ingest.FeedRequest(feed, catalog="key_a1/Products", entity=entity, operation="delta")
        ingest.run(store, settings, request)
    return path


def state(config: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with Store.open(config.parent / "store").catalog("key_a1") as catalog:
        items, variations = (catalog.lookup("Products", entity) for entity in ("items", "variations"))
        assert items and variations
        return (
            {row["id"]: row.get("url") for row in items.records(["A", "B"])},
            {row["id"]: row["item_id"] for row in variations.records(["V1", "V2", "V3"])},
        )


UNMERGED = ({"A": None, "B": "http://b"}, {"V1": "A", "V2": "B", "V3": "B"})
MERGED = ({"A": "http://b"}, {"V1": "A", "V2": "A", "V3": "A"})
POINTS = ("task.started", "task.planned", "commit.after_index", "commit.before_commit", "commit.after_commit")


@pytest.mark.feature("W27", "U2")
@pytest.mark.parametrize("point", POINTS)
def test_a_merge_that_is_killed_anywhere_is_done_or_not_begun(twins: Path, point: str) -> None:
    words = ("--config", twins, "--yes", "--json", "merge", "items", "A", "B")
    killed = command(*words, FEEDENGINE_FAULT=point)
    assert killed.returncode == -signal.SIGKILL, (killed.returncode, killed.stderr)
    done = point == "commit.after_commit"
    assert state(twins) == (MERGED if done else UNMERGED)
    again = command(*words)
    assert again.returncode == (8 if done else 0), again.stderr
    assert state(twins) == MERGED
    # A task that was killed is not left hanging.
    assert "IN_PROGRESS" not in command("--config", twins, "--json", "task", "list").stdout


@pytest.mark.feature("W27", "U1")
def test_a_dry_run_tells_what_a_merge_does_and_a_rollback_undoes_it(twins: Path) -> None:
    told = run(twins, "merge", "items", "A", "B", "--dry-run")
    spool = twins.parent / "store" / "spool"
    assert told["verdict"] == "apply" and state(twins) == UNMERGED and not list(spool.iterdir())
    done = run(twins, "merge", "items", "A", "B")
    for entity, counts in told["entities"].items():
        assert done["entities"][entity] == counts
    assert (done["entities"]["items"]["changed"], done["entities"]["items"]["removed"]) == (1, 1)
    assert state(twins) == MERGED
    run(twins, "snapshot", "rollback", str(done["base_snapshot"]), "--catalog", "key_a1/Products")
    assert state(twins) == UNMERGED


def test_a_merge_beyond_the_safeguard_waits_whole_until_it_is_approved(twins: Path) -> None:
    twins.write_text(twins.read_text().replace('limit = "off"', 'limit = 0\non_block = "hold"'))
    words = ("--config", twins, "--yes", "--json")
    refused = command(*words, "merge", "items", "A", "B")
    assert refused.returncode == 3 and state(twins) == UNMERGED
    task = str(json.loads(command(*words, "task", "list").stdout)["tasks"][0]["id"])
    half = command(*words, "task", "approve", task, "--hold-removals")
    assert half.returncode == 2 and "as a whole" in half.stderr and state(twins) == UNMERGED
    run(twins, "task", "approve", task, "--remove", "1", "--reason", "they are one")
    assert state(twins) == MERGED


def test_a_merge_holds_for_the_snapshot_that_was_looked_at(twins: Path) -> None:
    store = Store.open(twins.parent / "store")
    settings = Settings.load(twins, env={})
    with store.catalog("key_a1") as catalog:
        merge = duplicates.merge(catalog, "Products", "items", "A", "B", forget=False)
    late = twins.parent / "late.csv"
    late.write_text("id,item_id\nV4,B\n")
    request = ingest.FeedRequest(late, catalog="key_a1/Products", entity="variations", operation="delta")
    ingest.run(store, settings, request)
    path = feeds.write_all(store, "merge_items", merge.rows)
    request = ingest.FeedRequest(path, catalog="key_a1/Products", operation="merge", own=True)
    with pytest.raises(BaseMoved):
        ingest.run(store, settings, request, None, planned_on(merge.snapshot))
    assert state(twins) == UNMERGED


def test_nobody_sends_a_merge(twins: Path) -> None:
    late = twins.parent / "key_a1_Products_merge_2026-11-21-00-00-00.csv"
    late.write_text("id\nA\n")
    request = ingest.FeedRequest(late, catalog="key_a1/Products", entity="items", operation="merge")
    with pytest.raises(UsageError, match="no operation merge"):
        ingest.run(Store.open(twins.parent / "store"), Settings.load(twins, env={}), request)
