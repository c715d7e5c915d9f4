"""Publishing through the outbox: what the target has, names and their times, limits of removal, broken publications."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine import names
from feedengine.errors import UsageError
from feedengine.ledger.outbox import Outbox
from feedengine.ledger.publications import Publications
from feedengine.service.publishing import Wish, publish
from sending.test_publication import SHOP, archive
from shop import Shop

CATALOG = "key_a1/Products"


class Publisher:
    """A store with a catalog, a target that is a folder of this machine, and a receiver."""

    def __init__(self, folder: Path, keys: str = "") -> None:
        self.folder = folder
        self.shop = Shop(folder / "ours")
        self.receiver = Shop(folder / "theirs", secret=self.shop.store.secret)
        self.config = folder / "feedengine.toml"
        self.config.write_text(f'[store]\npath = "ours/store"\n[targets.shop]\nurl = "inbox"\n{keys}')
        (folder / "inbox").mkdir()
        self.outbox = Outbox(self.shop.store.ledger)
        self.publications = Publications(self.outbox)
        self.taken: list[str] = []
        self.count = 0

    def feed(self, operation: str, **entities: list[dict[str, Any]]) -> None:
        """A feed of ours."""
        self.count += 1
        answer = self.shop.run(archive(self.folder / f"{self.count}.tar.gz", entities), operation, force=True)
        assert answer.verdict == "apply", answer.report

    def publish(self, *words: str, **env: str) -> Any:
        """The command."""
        return command("--config", self.config, "--json", "publish", CATALOG, "shop", *words, **env)

    def take(self) -> list[str]:
        """The receiver takes what is there, in the order of the names' times; the operations."""
        found = sorted((self.folder / "inbox").iterdir(), key=lambda path: path.name.rpartition("_")[2])
        operations = []
        for path in found:
            name = names.parse(path.name)
            assert isinstance(name, names.FeedName), path
            assert name.catalog == CATALOG
            answer = self.receiver.run(path, name.operation, force=name.force)
            assert answer.verdict in ("apply", "no_change"), answer.report
            operations.append(("force" if name.force else "") + name.operation)
            self.taken.append(path.name)
            path.unlink()
        return operations

    def same(self) -> None:
        """The receiver has what we have."""
        assert self.receiver.digests() == self.shop.digests()


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our store with a catalog; copied for each test."""
    made = Publisher(tmp_path_factory.mktemp("stocked"))
    made.feed("sync", **SHOP)
    made.shop.store.ledger.close()
    return made.shop.store.root


@pytest.fixture
def publisher(stocked: Path, tmp_path: Path) -> Publisher:
    shutil.copytree(stocked, tmp_path / "ours" / "store")
    return Publisher(tmp_path)


@pytest.mark.feature("P20", "P23")
def test_first_everything_then_what_changed_then_nothing(publisher: Publisher) -> None:
    assert publisher.publish("--wait").returncode == 0
    assert publisher.take() == ["sync"]
    publisher.same()
    publisher.feed("delta", items=[{"id": "B1", "name": "new"}])
    publisher.feed("delete", items=[{"id": "A1"}])
    told = json.loads(publisher.publish("--wait").stdout)
    assert (told["from_snapshot"], told["to_snapshot"], told["sent"]) == (1, 3, True)
    assert publisher.take() == ["delta", "delete"]
    publisher.same()
    nothing = json.loads(publisher.publish().stdout)
    assert (nothing["files"], nothing["publication"], nothing["why"]) == ([], None, "nothing has changed")
    assert publisher.taken == sorted(publisher.taken, key=lambda name: name.rpartition("_")[2])
    assert len(set(publisher.taken)) == 3


def test_a_dry_run_says_what_it_would_send_and_sends_nothing(publisher: Publisher) -> None:
    told = json.loads(publisher.publish("--dry-run").stdout)
    [file] = told["files"]
    assert (file["operation"], file["records"]) == ("sync", {"items": 8, "variations": 8, "item_groups": 3})
    assert publisher.outbox.list() == []
    shown = command("--config", publisher.config, "publish", CATALOG, "shop", "--dry-run").stdout
    assert "_Products_sync_" in shown
    assert "nothing is known to have been sent there before" in shown


def test_the_mark_moves_when_everything_has_arrived(publisher: Publisher) -> None:
    assert publisher.publish().returncode == 0
    assert publisher.publications.last_sent("shop", CATALOG) is None
    again = publisher.publish()
    assert again.returncode == 6, "the first one is still on its way"
    sender = command("--config", publisher.config, "send", publisher.config, "shop", "--wait", "--as", "x/other.txt")
    assert sender.returncode == 0
    last = publisher.publications.last_sent("shop", CATALOG)
    assert last is not None and last.to_snapshot == 1


@pytest.mark.feature("C24")
def test_what_the_receiver_would_refuse_is_not_sent_without_force_and_a_reason(publisher: Publisher) -> None:
    publisher.publish("--wait")
    publisher.take()
    publisher.feed("delete", items=[{"id": f"A{n}"} for n in range(1, 6)])
    refused = publisher.publish()
    assert refused.returncode == 3
    assert "5 of 8 active items" in refused.stdout
    assert publisher.publish("--dry-run").returncode == 3
    assert publisher.publish("--force").returncode == 2
    assert len(publisher.outbox.list()) == 1
    assert publisher.publish("--force", "--reason", "end of season", "--wait").returncode == 0
    assert publisher.take() == ["forcedelete"]
    publisher.same()


def test_exactly_the_limit_is_sent(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, 'removal_limit = "2"\n')
    publisher.feed("sync", **SHOP)
    publisher.publish("--wait")
    publisher.take()
    publisher.feed("delete", items=[{"id": "A1"}, {"id": "A2"}])
    assert publisher.publish("--wait").returncode == 0
    publisher.feed("patchdelta", items=[{"id": f"A{n}", "data": {"active": False}} for n in range(3, 6)])
    assert publisher.publish("--wait").returncode == 3, "inactive ones count as well"


@pytest.mark.parametrize("arrived", [0, 1, 2])
def test_a_publication_that_broke_off_leads_to_a_right_one_later(publisher: Publisher, arrived: int) -> None:
    publisher.publish("--wait")
    publisher.take()
    publisher.feed("delta", items=[{"id": "B1", "name": "new"}])
    publisher.feed("delete", items=[{"id": "A1"}, {"id": "A2"}])
    publisher.publish()
    _, *deliveries = publisher.outbox.list(oldest=True)
    assert len(deliveries) == 2
    for delivery in deliveries[:arrived]:
        (publisher.folder / "inbox" / delivery.name).write_bytes(
            (publisher.shop.store.root / delivery.file).read_bytes()
        )
        publisher.outbox.placing(delivery.id)
        if arrived == 1:
            publisher.outbox.sent(delivery.id, "hash")
    broken = deliveries[min(arrived, 1)]
    publisher.outbox.died(broken.id, "it never worked")
    assert {each.status for each in publisher.outbox.list(status=["WAITING"])} == set()
    publisher.take()
    publisher.feed("sync", **SHOP)
    publisher.feed("delta", items=[{"id": "A3", "name": "other"}])
    done = publisher.publish("--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("in part" in done.stdout) == (arrived > 0)
    publisher.take()
    publisher.same()
    with pytest.raises(UsageError, match="took its place"):
        publisher.outbox.retry(broken.id)


def test_a_first_publication_that_arrived_in_part_leaves_nothing_behind(publisher: Publisher) -> None:
    publisher.publish()
    [delivery] = publisher.outbox.list()
    (publisher.folder / "inbox" / delivery.name).write_bytes((publisher.shop.store.root / delivery.file).read_bytes())
    publisher.outbox.placing(delivery.id)
    publisher.outbox.died(delivery.id, "nobody knows whether it arrived")
    publisher.take()
    publisher.feed("delete", variations=[{"id": f"V{n}"} for n in range(1, 9)])
    refused = publisher.publish("--wait")
    assert refused.returncode == 3, "if it did arrive, all variations would go"
    assert "8 of 8 active variations" in refused.stdout
    assert publisher.publish("--wait", "--force", "--reason", "we sell no variations").returncode == 0
    assert publisher.take() == ["forcesync", "forcedelete"]
    publisher.same()


def test_retry_sends_the_rest_of_a_broken_publication(publisher: Publisher) -> None:
    publisher.publish("--wait")
    publisher.take()
    publisher.feed("delta", items=[{"id": "B1", "name": "new"}])
    publisher.feed("delete", items=[{"id": "A1"}])
    publisher.publish()
    publisher.outbox.died(2, "it never worked")
    assert [each.status for each in publisher.outbox.list(oldest=True)] == ["SENT", "DEAD", "DROPPED"]
    assert [each.id for each in publisher.outbox.retry(2)] == [2, 3]
    command("--config", publisher.config, "send", publisher.config, "shop", "--wait", "--as", "x/other.txt")
    (publisher.folder / "inbox" / "x" / "other.txt").unlink()
    (publisher.folder / "inbox" / "x").rmdir()
    assert publisher.take() == ["delta", "delete"]
    publisher.same()
    assert publisher.publications.last_sent("shop", CATALOG) is not None


@pytest.mark.parametrize("point", ["serve.publish.written", "serve.publish.begun"])
def test_killed_while_publishing(publisher: Publisher, point: str) -> None:
    done = publisher.publish(FEEDENGINE_FAULT=point)
    assert done.returncode == -signal.SIGKILL
    assert len(publisher.outbox.list()) == (point == "serve.publish.begun")
    publisher.publish()
    command("--config", publisher.config, "send", publisher.config, "shop", "--wait", "--as", "x/other.txt")
    (publisher.folder / "inbox" / "x" / "other.txt").unlink()
    (publisher.folder / "inbox" / "x").rmdir()
    assert publisher.take() == ["sync"]
    publisher.same()


def test_the_receiver_may_have_another_key_and_section(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, 'key = "key_theirs"\nsection = "Main Shop"\n')
    publisher.feed("sync", **SHOP)
    [file] = json.loads(publisher.publish("--dry-run").stdout)["files"]
    assert file["name"].startswith("key_theirs_Main Shop_sync_")


def test_snapshots_can_be_named(publisher: Publisher) -> None:
    publisher.feed("delta", items=[{"id": "B1", "name": "new"}])
    told = json.loads(publisher.publish("--from", "2", "--to", "1", "--dry-run").stdout)
    assert [file["operation"] for file in told["files"]] == ["delete"]
    assert json.loads(publisher.publish("--from", "0", "--dry-run").stdout)["from_snapshot"] == 0
    assert publisher.publish("--from", "9").returncode == 8


def test_force_wants_a_reason_in_python_too(publisher: Publisher) -> None:
    with publisher.shop.store.catalog("key_a1") as catalog, pytest.raises(UsageError):
        publish(publisher.shop.store, catalog, None, Wish("Products", force=bool("yes")))  # type: ignore[arg-type]
