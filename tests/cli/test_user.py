"""`feedengine user` as it is typed: what is printed once, what is never printed, and what goes wrong politely."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command import command, environment
from feedengine.accounts import Accounts
from feedengine.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    Store.create(tmp_path / "store")
    return tmp_path / "store"


def user(store: Path, *argv: str, code: int = 0) -> dict:
    done = command("--store", store, "--json", "user", *argv)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout or done.stderr)


@pytest.mark.feature("W1", "C9")
def test_add_prints_host_port_user_and_password_once(store: Path) -> None:
    done = command("--store", store, "user", "add", "feeds@example.com(Shop Main)", "--key", "key_a")
    rows = dict(line.split(None, 1) for line in done.stdout.splitlines()[:4] if not line.startswith("User name"))
    assert set(rows) == {"Host", "Port", "Password"} and "User name  feeds@example.com(Shop Main)" in done.stdout
    found = Accounts(store).check("feeds@example.com(Shop Main)", rows["Password"], "192.0.2.1")
    assert found is not None and found.keys == ("key_a",)
    for argv in (["list"], ["show", "feeds@example.com(Shop Main)"]):
        told = command("--store", store, "user", *argv)
        assert rows["Password"] not in told.stdout and "digest" not in told.stdout + told.stderr
        assert "digest" not in json.dumps(user(store, *argv))


def test_a_password_comes_from_stdin_and_is_not_repeated(store: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "feedengine", "--store", store, "--json", "user", "add", "a", "--password-stdin"],
        input="correct horse battery\n",
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
        timeout=120,
    )
    assert json.loads(done.stdout)["password"] is None and "correct" not in done.stdout + done.stderr
    assert Accounts(store).check("a", "correct horse battery", None)


def test_a_password_is_never_taken_from_the_command_line(store: Path) -> None:
    done = command("--store", store, "user", "add", "a", "--password", "correct horse battery")
    assert done.returncode == 2 and "no option --password" in done.stderr
    assert command("--store", store, "user", "passwd", "a", "secret").returncode == 2


def test_an_account_is_changed_and_removed(store: Path) -> None:
    first = user(store, "add", "a")
    second = user(store, "passwd", "a")
    accounts = Accounts(store)
    assert accounts.check("a", first["password"], None) and accounts.check("a", second["password"], None)
    third = user(store, "passwd", "a", "--keep-old", "0")
    assert not accounts.check("a", second["password"], None) and accounts.check("a", third["password"], None)
    changed = user(store, "set", "a", "--quota", "1GiB", "--from", "192.0.2.0/24", "--key", "key_a", "--key", "key_b")
    assert (changed["quota"], changed["from_addresses"], changed["keys"]) == (
        2**30,
        ["192.0.2.0/24"],
        ["key_a", "key_b"],
    )
    assert user(store, "set", "a", "--from", "")["from_addresses"] == []
    user(store, "disable", "a")
    assert not accounts.check("a", third["password"], None)
    user(store, "enable", "a")
    assert accounts.check("a", third["password"], None)
    assert command("--store", store, "user", "remove", "a").returncode == 2
    home = user(store, "remove", "a", "--yes")["home"]
    assert Path(home).is_dir() and user(store, "list")["users"] == []


def test_files_of_an_account_of_before_are_pointed_out(store: Path) -> None:
    home = Path(user(store, "show", user(store, "add", "shop")["user"])["home_path"])
    (home / "old.csv").write_text("old")
    user(store, "remove", "shop", "--yes")
    assert "holds files already" in command("--store", store, "user", "add", "shop").stderr
    assert "holds files" not in command("--store", store, "user", "add", "other").stderr


def test_what_goes_wrong_is_said(store: Path) -> None:
    user(store, "add", "shop")
    assert user(store, "show", "shap", code=8)["error"]["message"].endswith('did you mean "shop"?')
    assert user(store, "add", "SHOP", code=2)["error"]["code"] == "USAGE"
    assert user(store, "add", "b", "--quota", "much", code=2)["error"]["message"].startswith("--quota")
    assert user(store, "set", "shop", code=2) and user(store, "key", "add", "shop", code=2)
    assert user(store, "ban", "list", "192.0.2.1", code=2)
    (store / "accounts.json").write_text("{")
    told = user(store, "list", code=9)["error"]
    assert told["code"] == "STORE_DAMAGED" and told["hints"]


def test_keys_and_bans(store: Path, tmp_path: Path) -> None:
    user(store, "add", "shop")
    public = tmp_path / "id.pub"
    public.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr me@here\n")
    added = user(store, "key", "add", "shop", str(public))["keys"]
    assert added[0]["comment"] == "me@here" and user(store, "key", "list", "shop")["keys"] == added
    assert user(store, "key", "remove", "shop", added[0]["fingerprint"])["keys"] == []
    from feedengine.accounts import Bans

    bans = Bans(store / "run" / "bans.json")
    while not bans.failed("203.0.113.9", "protocol"):
        pass
    assert [each["address"] for each in user(store, "ban", "list")["bans"]] == ["203.0.113.9"]
    assert user(store, "ban", "lift", "203.0.113.9")["addresses"] == ["203.0.113.9"]
    assert user(store, "ban", "list")["bans"] == []
