"""What a person sees where ids must exist: the refusal with the ids, what to type, a list that cannot be read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from command import command
from feedengine.service import letters
from feedengine.store import Store

pytestmark = pytest.mark.feature("U20")

SETTINGS = """
[store]
path = "store"
[engine]
threads = 1
[safeguard]
limit = "90%"
must_exist = { file = "lists/sellers.csv", limit = "2%" }
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A hundred items, of which the list names fifty that are there and one that is not."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "sellers.csv").write_text(
        "revenue,id\n" + "".join(f"{100 - n},A{n}\n" for n in range(50)) + "0,Z\n"
    )
    (tmp_path / "feedengine.toml").write_text(SETTINGS)
    Store.create(tmp_path / "store")
    loaded = sync(tmp_path, range(100), "--create")
    assert loaded.returncode == 0, loaded.stderr
    return tmp_path


def say(root: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return command("--config", root / "feedengine.toml", *words)


def sync(root: Path, numbers: range, *words: str) -> subprocess.CompletedProcess[str]:
    path = root / "key_a1_Products_sync_2026-11-22-02-00-00.csv"
    path.write_text("id,item_name\n" + "".join(f"A{n},Item {n}\n" for n in numbers))
    return say(root, "sync", path, *words)


def test_a_feed_that_loses_sellers_is_refused_and_says_which(shop: Path) -> None:
    few = sync(shop, range(1, 100))
    assert few.returncode == 0, few.stderr
    assert "must exist  sellers.csv: 1 of 50 lost · 1 were not there before" in few.stdout + few.stderr
    many = sync(shop, range(3, 100))
    assert many.returncode == 3
    shown = " ".join((many.stdout + many.stderr).split())
    assert "remove or deactivate 2 of 49 items that sellers.csv names (4.08%); limit 2%." in shown
    assert "The first that go: A1, A2." in shown and "Nothing was changed." in shown
    (task,) = json.loads(say(shop, "--json", "task", "list", "--waiting").stdout)["tasks"]
    report = json.loads(say(shop, "--json", "task", "show", str(task["id"])).stdout)
    assert "2 of 49 items that sellers.csv names (4.1 %); limit 2%; the first are A1, A2" in json.dumps(report)
    with_hold = say(shop, "task", "approve", str(task["id"]), "--hold-removals")
    assert with_hold.returncode in (0, 4), with_hold.stderr


def test_an_approval_and_force_let_it_pass(shop: Path) -> None:
    assert sync(shop, range(3, 100)).returncode == 3
    (task,) = json.loads(say(shop, "--json", "task", "list", "--waiting").stdout)["tasks"]
    done = say(shop, "task", "approve", str(task["id"]), "--remove", "3", "--reason", "they are sold out")
    assert done.returncode == 0, done.stderr
    assert sync(shop, range(20, 100)).returncode == 3
    assert sync(shop, range(20, 100), "--force", "--reason", "the range ended").returncode == 0


def test_a_mail_says_what_the_list_lost(shop: Path) -> None:
    assert sync(shop, range(3, 100)).returncode == 3
    store = Store.open(shop / "store")
    (task,) = store.ledger.list(waiting=True, limit=10).tasks
    text = letters.task_text(task, [], 0, operator=True, reports=None, attached=False)
    assert "sellers.csv: 3 of 50 items lost (6.0 %), limit 2%: blocked" in text
    assert "the first are A0, A1, A2" in text
    assert letters.task_document("hold", task, [], 0)["must_exist"][0]["lost"] == 3


def test_a_list_that_is_gone_stops_feeds_and_the_check_of_settings(shop: Path) -> None:
    assert say(shop, "config", "check").returncode == 0
    (shop / "lists" / "sellers.csv").unlink()
    for words in (("config", "check"), ("plan", shop / "key_a1_Products_sync_2026-11-22-02-00-00.csv")):
        answer = say(shop, *words)
        assert answer.returncode == 2, answer.stdout
        assert "must_exist: could not read" in " ".join(answer.stderr.split())
