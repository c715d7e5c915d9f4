"""The courier and the commands: a thread per target, kill -9 of a sending process, exit codes, JSON."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine.ledger.outbox import Outbox
from feedengine.service import courier
from feedengine.service.bell import ring
from feedengine.service.keeping import keep, tidy
from feedengine.service.part import Part
from feedengine.settings import Settings
from feedengine.store import Store

POINTS = [
    f"serve.send.{word}"
    for word in (
        *("kept", "begun", "before_put", "after_put", "verified", "placing", "renamed"),
        *("before_sent", "sent"),
    )
]


class Shop:
    """A store with targets that are folders of this machine."""

    def __init__(self, folder: Path, **keys: str) -> None:
        self.folder = folder
        self.store = Store.create(folder / "store")
        more = "".join(f"{name} = {value}\n" for name, value in keys.items())
        (folder / "feedengine.toml").write_text(
            f'[store]\npath = "store"\n[targets.north]\nurl = "north"\n{more}[targets.south]\nurl = "south"\n{more}'
        )
        for name in ("north", "south"):
            (folder / name).mkdir()
        self.outbox = Outbox(self.store.ledger)

    def run(self, *words: str | Path, **env: str) -> Any:
        """A command on this store."""
        return command("--config", self.folder / "feedengine.toml", "--json", *words, **env)

    def file(self, name: str, content: str = "hello\n") -> Path:
        """A file to send."""
        path = self.folder / name
        path.write_text(content)
        return path

    def there(self, target: str = "north") -> dict[str, str]:
        """What a target holds, hidden files too."""
        return {path.name: path.read_text() for path in (self.folder / target).iterdir()}

    @contextmanager
    def courier(self) -> Iterator[Part]:
        """The courier, running."""
        settings = Settings.load(self.folder / "feedengine.toml", env={})
        part = Part("courier", self.store, settings, lambda event, **facts: None)
        thread = threading.Thread(target=courier.run, args=[part])
        thread.start()
        try:
            yield part
        finally:
            part.stopping.set()
            ring(self.store, "courier")
            thread.join()

    def put_in(self, name: str, target: str) -> int:
        """Put a file into the outbox and ring."""
        [number] = self.outbox.add([keep(self.store, self.file(name), target, name, {})])
        ring(self.store, "courier")
        return number

    def until(self, number: int, status: str) -> None:
        """Wait until a delivery has a status."""
        end = time.monotonic() + 120
        while self.outbox.get(number).status != status:
            assert time.monotonic() < end, self.outbox.get(number)
            time.sleep(0.02)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.mark.feature("P20", "W42")
def test_send_and_wait_needs_no_service(shop: Shop) -> None:
    done = shop.run("send", shop.file("feed.csv"), "north", "--wait")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["status"], told["verified"], told["target"]) == ("SENT", "hash", "north")
    assert shop.there() == {"feed.csv": "hello\n"}
    listed = json.loads(shop.run("outbox", "list").stdout)
    assert listed["counts"]["SENT"] == 1
    assert json.loads(shop.run("outbox", "show", "1").stdout)["sha256"] == told["sha256"]


def test_the_original_may_change_or_go_after_it_was_put_in(shop: Shop) -> None:
    file = shop.file("feed.csv")
    done = shop.run("send", file, "north", "--as", "renamed.csv")
    assert json.loads(done.stdout)["status"] == "WAITING"
    file.write_text("changed")
    file.unlink()
    assert shop.run("send", shop.file("second.csv"), "north", "--wait").returncode == 0
    assert shop.there() == {"renamed.csv": "hello\n", "second.csv": "hello\n"}


def test_the_courier_sends_what_is_put_in(shop: Shop) -> None:
    with shop.courier():
        shop.until(shop.put_in("a.csv", "north"), "SENT")
        shop.until(shop.put_in("b.csv", "south"), "SENT")
    assert shop.there("south") == {"b.csv": "hello\n"}


@pytest.mark.feature("P26")
def test_a_target_that_is_down_or_wrong_delays_no_other(shop: Shop) -> None:
    (shop.folder / "north").rmdir()
    (shop.folder / "north").write_text("no folder")
    with shop.courier():
        stuck = [shop.put_in(f"{number}.csv", "north") for number in range(3)]
        nobody = shop.put_in("x.csv", "nobody-knows-it")
        shop.until(shop.put_in("b.csv", "south"), "SENT")
    assert [shop.outbox.get(number).status for number in (*stuck, nobody)] == ["WAITING"] * 4


def test_the_courier_follows_new_settings(shop: Shop) -> None:
    with shop.courier() as part:
        with (shop.folder / "feedengine.toml").open("a") as file:
            file.write('[targets.west]\nurl = "west"\n')
        (shop.folder / "west").mkdir()
        part.reloading.set()
        shop.until(shop.put_in("a.csv", "west"), "SENT")
    assert not part.reloading.is_set()


@pytest.mark.feature("P20")
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_fault_point_and_delivered_exactly_once(shop: Shop, point: str) -> None:
    done = shop.run("send", shop.file("feed.csv"), "north", "--wait", FEEDENGINE_FAULT=point)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if point == "serve.send.kept":
        assert shop.outbox.list() == [], "nothing was promised"
        return
    before = {path.name: path.stat().st_ino for path in (shop.folder / "north").iterdir()}
    with shop.courier():
        shop.until(1, "SENT")
    assert shop.there() == {"feed.csv": "hello\n"}
    if "feed.csv" in before:
        assert (shop.folder / "north" / "feed.csv").stat().st_ino == before["feed.csv"], "it was sent twice"


def test_every_fault_point_of_sending_is_killed() -> None:
    import re

    service = Path(courier.__file__).parent
    found = {
        name for file in service.glob("*.py") for name in re.findall(r'point\("(serve\.send\.[^"]+)"', file.read_text())
    }
    assert found == set(POINTS)


@pytest.mark.feature("W42")
def test_a_delivery_that_is_given_up_exits_with_7_and_can_be_retried_or_dropped(tmp_path: Path) -> None:
    shop = Shop(tmp_path, attempts="2", first_wait="0.1")
    (shop.folder / "north").rmdir()
    done = shop.run("send", shop.file("feed.csv"), "north", "--wait")
    assert done.returncode == 7
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "TRANSPORT"
    assert error["hints"][0]["argv"] == ["feedengine", "outbox", "retry", "1"]
    assert shop.run("outbox", "retry", "1").returncode == 0
    assert shop.outbox.get(1).status == "WAITING"
    assert shop.run("outbox", "drop", "1").returncode == 2, "nobody to answer"
    assert shop.run("--yes", "outbox", "drop", "1").returncode == 0
    assert shop.outbox.get(1).status == "DROPPED"
    assert shop.run("outbox", "show", "9").returncode == 8


def test_time_runs_out(shop: Shop) -> None:
    (shop.folder / "north").rmdir()
    (shop.folder / "north").write_text("no folder")
    done = shop.run("send", shop.file("feed.csv"), "north", "--wait", "--timeout", "1")
    assert done.returncode == 7
    assert shop.outbox.get(1).status == "WAITING"


@pytest.mark.parametrize("name", ["../x", "a\nb", "", "..", "a/"])
def test_names_that_no_server_should_be_sent(shop: Shop, name: str) -> None:
    assert shop.run("send", shop.file("feed.csv"), "north", f"--as={name}").returncode == (2 if name else 0)


def test_unknown_targets_and_passwords_in_urls(shop: Shop) -> None:
    file = shop.file("feed.csv")
    unknown = shop.run("send", file, "nowhere")
    assert (unknown.returncode, "north" in unknown.stdout) == (2, True)
    secret = shop.run("send", file, "ftps://me:hunter2@host/in")
    assert secret.returncode == 2
    assert "hunter2" not in secret.stdout + secret.stderr
    assert shop.run("send", shop.folder / "missing.csv", "north").returncode == 2
    assert shop.outbox.list() == []


@pytest.mark.feature("P32")
def test_sent_files_are_kept_for_a_while_and_strays_are_removed(shop: Shop) -> None:
    shop.run("send", shop.file("feed.csv"), "north", "--wait")
    kept = shop.store.root / shop.outbox.get(1).file
    stray = shop.store.root / "outbox" / "stray"
    stray.mkdir()
    assert tidy(shop.store, shop.outbox, 30) == 0
    assert (kept.read_text(), stray.exists()) == ("hello\n", True)
    os.utime(stray, (0, 0))
    assert tidy(shop.store, shop.outbox, 30) == 0
    assert (kept.exists(), stray.exists()) == (True, False)
    shop.store.ledger.close()
    with shop.store.ledger.write() as con:
        con.execute("UPDATE deliveries SET sent = '2020-01-01T00:00:00Z'")
    assert tidy(shop.store, shop.outbox, 30) == 1
    assert not kept.exists()
    assert shop.outbox.get(1).sha256, "what was sent stays known"
