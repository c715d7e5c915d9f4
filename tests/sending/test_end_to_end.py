"""From one feedengine to another over FTPS: sent, applied, answered; published until both are the same."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine.ledger.outbox import Outbox
from network.ports import free_block
from network.service import Service
from sending.test_publication import SHOP, archive
from shop import Shop

LOGIN, PASSWORD = "partner@example.com", "a long enough pass phrase 7"
NAME = "key_a1_Products_{}_2026-11-21-0{}-00-00.tar.gz"


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Service]:
    """The receiver: a whole service."""
    block = free_block(4)
    tables = {
        "ftps": {"host": "127.0.0.1", "port": block[0], "passive_ports": f"{block[1]}-{block[-1]}"},
        "queue": {"workers": 1},
        'catalogs."key_a1/Products".rules': {},
    }
    made = Service(tmp_path / "theirs", block[0], block[1:], tables)
    made.add_account(LOGIN, PASSWORD)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def ours(tmp_path: Path, theirs: Service) -> Path:
    """Our settings, with the receiver as a target."""
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    certificate = theirs.store / "tls" / "server.crt"
    config = tmp_path / "feedengine.toml"
    config.write_text(
        f'[store]\npath = "ours"\n[health]\nport = 0\n[targets.shop]\nscheme = "ftps"\nhost = "localhost"\n'
        f'port = {theirs.port}\nuser = "{LOGIN}"\npath = "/in"\npassword_file = "password"\n'
        f'verify = "{certificate}"\nreports = "/reports/feeds"\n'
    )
    Shop(tmp_path / "shop").store.root.rename(tmp_path / "ours")
    return config


def run(config: Path, *words: str | Path) -> Any:
    """A command of ours."""
    return command("--config", config, "--json", *words, seconds=120)


@pytest.mark.feature("W42", "L1", "P20", "P31")
def test_a_feed_is_sent_and_answered(ours: Path, theirs: Service, tmp_path: Path) -> None:
    feed = archive(tmp_path / NAME.format("sync", 1), SHOP)
    done = run(ours, "send", feed, "shop", "--wait", "--timeout", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["status"], told["remote"]["status"], told["remote"]["outcome"]) == ("SENT", "DONE", "ok")
    assert told["remote"]["entities"]["items"]["added"] == 8
    removing = archive(tmp_path / NAME.format("delete", 2), {"items": [{"id": f"A{n}"} for n in range(1, 6)]})
    refused = run(ours, "send", removing, "shop", "--wait", "--timeout", "60")
    assert refused.returncode == 3, refused.stdout + refused.stderr
    bad = archive(tmp_path / NAME.format("patchdelta", 3), {"items": [{"id": "nobody"}]})
    assert run(ours, "send", bad, "shop", "--wait", "--timeout", "60").returncode == 5


@pytest.mark.feature("P20", "P21", "P23")
def test_what_is_published_makes_the_receiver_the_same(ours: Path, theirs: Service, tmp_path: Path) -> None:
    for number, (operation, content) in enumerate(
        [
            ("sync", SHOP),
            ("delta", {"items": [{"id": "B1", "name": "new"}], "variations": [{"id": "W1", "item_id": "B1"}]}),
            ("delete", {"items": [{"id": "A1"}]}),
        ]
    ):
        feed = archive(tmp_path / NAME.format(operation, number), content)
        assert run(ours, "apply", feed, "--create").returncode == 0
        done = run(ours, "publish", "key_a1/Products", "shop", "--wait")
        assert done.returncode == 0, done.stdout + done.stderr
    assert theirs.drain(60)
    assert [task.status for task in theirs.tasks()] == ["DONE"] * 3, theirs.log.read_text()[-2000:]
    assert Shop.tables_of(theirs.store) == Shop.tables_of(tmp_path / "ours")


def test_the_courier_of_a_service_sends_and_outlives_a_receiver_that_is_down(
    ours: Path, theirs: Service, tmp_path: Path
) -> None:
    theirs.stop()
    sender = Service(tmp_path / "sender", 0, [0])
    sender.config.write_text(ours.read_text().replace('path = "ours"', f'path = "{tmp_path / "ours"}"', 1))
    os.link(tmp_path / "password", sender.config.parent / "password")
    sender.store = tmp_path / "ours"
    sender.start(parts="courier")
    try:
        feed = archive(tmp_path / NAME.format("sync", 1), SHOP)
        assert run(ours, "send", feed, "shop").returncode == 0
        outbox = Outbox(Shop.opened(tmp_path / "ours").store.ledger)
        until = time.monotonic() + 120
        while not outbox.get(1).error:
            assert time.monotonic() < until
            time.sleep(0.05)
        sender.hurt("courier")
        theirs.start()
        while outbox.get(1).status != "SENT":
            assert time.monotonic() < until, outbox.get(1)
            time.sleep(0.05)
    finally:
        assert sender.stop() == 0
    assert theirs.drain(60)
    assert [task.status for task in theirs.tasks()] == ["DONE"]
    assert sender.complaints() == []


@pytest.mark.feature("P20")
def test_killed_while_sending_each_feed_is_applied_exactly_once(ours: Path, theirs: Service, tmp_path: Path) -> None:
    points = ("before_put", "after_put", "verified", "placing", "renamed", "before_sent", "sent")
    names = []
    for number, point in enumerate(points):
        feed = archive(tmp_path / NAME.format("delta", number), {"items": [{"id": f"K{number}", "name": point}]})
        names.append(feed.name)
        done = command(
            *("--config", ours, "send", feed, "shop", "--wait"), FEEDENGINE_FAULT=f"serve.send.{point}", seconds=120
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        # The receiver takes what has its final name before anybody looks after it.
        assert theirs.drain(60)
    last = archive(tmp_path / NAME.format("sync", 8), SHOP)
    done = run(ours, "send", last, "shop", "--wait", "--timeout", "100")
    assert done.returncode in (0, 3), done.stdout
    assert theirs.drain(60)
    assert sorted(str(task.filename) for task in theirs.tasks()) == sorted([*names, last.name])
    counts = json.loads(run(ours, "outbox", "list").stdout)["counts"]
    assert counts["SENT"] == len(points) + 1
