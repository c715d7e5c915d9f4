"""Likely duplicates and merging: what names the one names the other, each step a snapshot with a trace."""

from __future__ import annotations

import json
import signal
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine import engine, ingest
from feedengine.errors import UsageError
from feedengine.remedy import duplicates, merging
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
    assert [each["said"] for each in told["tasks"]] == ["1 variations that named B name A", "B is deleted"]
    assert set(records(config, "items")) == {"A", "C", "D", "E"}
    assert {name: row["item_id"] for name, row in records(config, "variations").items()} == {
        "V1": "A",
        "V2": "A",
        "V3": "C",
    }
    store = Store.open(config.parent / "store")
    with store.catalog("key_a1") as catalog:
        life = catalog.trace("Products", "items", "B")
        assert (life[-1]["change"], life[-1]["task"]) == ("purged", told["tasks"][1]["task"])
    assert store.ledger.get(told["tasks"][1]["task"]).reason == "merge of B into A: same product"


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
            duplicates.merge(store, catalog, "Products", "items", "A", "B", forget=False)
        steps = duplicates.merge(store, catalog, "Products", "items", "A", "B", forget=True)
        assert [step.operation for step in steps] == ["patchdelta", "delete"]


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


MERGED = ({"A": "http://b"}, {"V1": "A", "V2": "A", "V3": "A"})
POINTS = [
    *(
        f"{name}:{step}"
        for step in (1, 2, 3)
        for name in ("merge.kept", "merge.done", "task.planned", "commit.after_commit")
    ),
    "merge.ended",
]


@pytest.mark.feature("W27", "U2")
@pytest.mark.parametrize("point", POINTS)
def test_a_merge_that_is_killed_anywhere_goes_on_when_it_is_asked_for_again(twins: Path, point: str) -> None:
    words = ("--config", twins, "--yes", "--json", "merge", "items", "A", "B")
    killed = command(*words, FEEDENGINE_FAULT=point)
    assert killed.returncode == -signal.SIGKILL, (killed.returncode, killed.stderr)
    items, variations = state(twins)
    # Nothing names what is not there, and no id is lost: it is B's, A's, or on its way with B gone.
    assert set(variations.values()) <= set(items)
    assert items in ({"A": None, "B": "http://b"}, {"A": None}, {"A": "http://b"})
    again = command(*words)
    if point == "merge.ended":
        assert (again.returncode, state(twins)) == (8, MERGED)
        return
    assert again.returncode == 0, again.stderr
    assert state(twins) == MERGED
    assert not list((twins.parent / "store" / "merges").iterdir())
    # All of it is told; a task that was killed is not left hanging.
    assert "IN_PROGRESS" not in command("--config", twins, "--json", "task", "list").stdout


def test_a_merge_that_is_refused_leaves_nothing_to_go_on_with(twins: Path) -> None:
    merge = merging.Merging(Store.open(twins.parent / "store"), "key_a1/Products", "items", "A", "B")

    def refused(step: duplicates.Step) -> dict[str, object]:
        raise UsageError("no")

    def step() -> duplicates.Step:
        feed = Path(tempfile.mkdtemp(dir=twins.parent)) / "step.tar"
        feed.write_bytes(b"x")
        return duplicates.Step(feed, "delete", "B is deleted")

    folder = twins.parent / "store" / "merges"
    with pytest.raises(UsageError):
        list(merge.carry_out([step()], refused))
    assert merge.begun() is None and not list(folder.iterdir())
    with pytest.raises(KeyboardInterrupt):
        for _ in merge.carry_out([step(), step()], lambda step: {}):
            raise KeyboardInterrupt
    kept = merge.begun()
    assert kept and [(each.operation, each.path.read_bytes()) for each in kept] == [("delete", b"x")] * 2
