"""Accounts: who gets in, with which of two passwords, from where; kept safely, and closed when damaged."""

from __future__ import annotations

import base64
import json
import os
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from feedengine.accounts import Accounts, password
from feedengine.errors import NotFound, StoreDamaged, UsageError

from .clock import Clock

NAME = "feeds@example.com(Shop: Main)"
ED25519 = "ssh-ed25519 " + base64.b64encode(
    struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + b"k" * 32
).decode()  # fmt: skip


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing as cheap as it may be: these tests are about who gets in, not how long it takes."""
    monkeypatch.setattr(password, "COST", password.Cost(2**10, 1, 1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Accounts:
    return Accounts(tmp_path, clock=clock, ticks=clock)


@pytest.mark.feature("C9", "C10", "W1")
def test_an_account_gets_in_with_its_password_only(accounts: Accounts) -> None:
    entry, secret = accounts.add(NAME, keys=("key_a",), role=True)
    found = accounts.check(NAME, secret, "192.0.2.1")
    assert found == entry.account and found.keys == ("key_a",) and found.role
    for wrong in ("", secret + "x", secret[:-1], secret.upper(), "\0", "\ud800"):
        assert accounts.check(NAME, wrong, "192.0.2.1") is None
    assert accounts.check("nobody@example.com", secret, "192.0.2.1") is None
    assert accounts.check("", secret, "192.0.2.1") is None
    assert accounts.verdict(NAME, "wrong", None).why == "password"
    assert accounts.verdict("nobody", "wrong", None).why == "unknown"


def test_nothing_lets_in_where_there_are_no_accounts(accounts: Accounts) -> None:
    assert accounts.check(NAME, "", None) is None
    assert accounts.every() == ()


@pytest.mark.parametrize("seconds_on", [0, 1, 3599])
def test_two_passwords_are_valid_during_rotation(accounts: Accounts, clock: Clock, seconds_on: int) -> None:
    _, old = accounts.add(NAME)
    new = accounts.set_password(NAME, keep_old=3600)
    clock.now += seconds_on
    assert accounts.check(NAME, old, None) and accounts.check(NAME, new, None)
    clock.now += 3600 - seconds_on
    assert accounts.check(NAME, old, None) is None
    assert accounts.check(NAME, new, None)


def test_a_second_rotation_drops_the_oldest_and_prolongs_none(accounts: Accounts, clock: Clock) -> None:
    _, first = accounts.add(NAME)
    second = accounts.set_password(NAME, keep_old=3600)
    third = accounts.set_password(NAME, keep_old=3600)
    assert [bool(accounts.check(NAME, each, None)) for each in (first, second, third)] == [False, True, True]
    accounts.set_password(NAME, keep_old=0)
    assert accounts.check(NAME, third, None) is None
    assert len(accounts.get(NAME).passwords) == 1


def test_a_rotation_costs_one_hash(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    _, old = accounts.add(NAME)
    accounts.set_password(NAME, keep_old=3600)
    runs: list[str] = []
    derive = password.derive
    monkeypatch.setattr(password, "derive", lambda *given: runs.append("run") or derive(*given))
    for given in (old, "wrong"):
        runs.clear()
        accounts.check(NAME, given, None)
        assert runs == ["run"]


def test_unknown_names_cost_what_known_ones_do(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.add(NAME)
    accounts.add("disabled", disabled=True)
    costs: list[tuple[object, ...]] = []
    derive = password.derive
    monkeypatch.setattr(password, "derive", lambda *given: costs.append(given[2:]) or derive(*given))
    for name in (NAME, "disabled", "nobody", "a\nb", ""):
        accounts.check(name, "wrong", None)
    assert len(costs) == 5 and len(set(costs)) == 1


def test_pollers_are_hashed_once_in_five_minutes(
    accounts: Accounts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = accounts.add(NAME)
    runs: list[str] = []
    derive = password.derive
    monkeypatch.setattr(password, "derive", lambda *given: runs.append("run") or derive(*given))
    for _ in range(5):
        assert accounts.check(NAME, secret, None)
        clock.now += 59
    assert len(runs) == 1
    clock.now += 10
    assert accounts.check(NAME, secret, None) and len(runs) == 2
    assert accounts.check(NAME, secret + "x", None) is None and len(runs) == 3


def test_what_is_remembered_is_void_when_the_account_changes(accounts: Accounts) -> None:
    _, secret = accounts.add(NAME)
    assert accounts.check(NAME, secret, None)
    accounts.change(NAME, disabled=True)
    assert accounts.verdict(NAME, secret, None).why == "disabled" and accounts.find(NAME) is None
    accounts.change(NAME, disabled=False)
    accounts.set_password(NAME)
    assert accounts.check(NAME, secret, None) is None
    accounts.remove(NAME)
    assert accounts.verdict(NAME, secret, None).why == "unknown"


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ("192.0.2.77", True),
        ("192.0.3.1", False),
        ("::ffff:192.0.2.1", True),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        (None, False),
        ("garbage", False),
    ],
)
def test_an_account_comes_from_its_networks(accounts: Accounts, peer: str | None, allowed: bool) -> None:
    _, secret = accounts.add(NAME, from_addresses=("192.0.2.0/24", "2001:db8::/32"))
    assert (accounts.check(NAME, secret, peer) is not None) == allowed


def test_another_process_sees_a_change_at_once(tmp_path: Path, accounts: Accounts) -> None:
    accounts.add(NAME)
    other = Accounts(tmp_path)
    new = other.set_password(NAME)
    assert accounts.check(NAME, new, None)


def test_the_file_and_the_homes_are_private(tmp_path: Path, accounts: Accounts) -> None:
    old = os.umask(0)
    try:
        entry, _ = accounts.add(NAME)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "accounts.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "accounts.lock").stat().st_mode) == 0o600
    assert stat.S_IMODE(accounts.home(entry.account).stat().st_mode) == 0o700
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


def test_no_password_is_kept_or_printed(tmp_path: Path, accounts: Accounts) -> None:
    entry, secret = accounts.add(NAME, given="correct horse battery")
    kept = (tmp_path / "accounts.json").read_text("utf-8")
    assert "correct" not in kept and secret not in repr(entry)
    assert kept.count("digest") == 1


def test_names_are_unique_whatever_their_case(accounts: Accounts) -> None:
    accounts.add("Shop@Example.com")
    with pytest.raises(UsageError, match="already"):
        accounts.add("shop@example.com")


@pytest.mark.feature("P14")
def test_homes_are_shared_on_purpose_only(accounts: Accounts) -> None:
    accounts.add("a", home="b")
    with pytest.raises(UsageError, match="home of"):
        accounts.add("b")
    first = accounts.home(accounts.get("a").account)
    accounts.add("c", home="b")
    assert accounts.home(accounts.get("c").account) == first


def test_a_removed_account_leaves_its_home(accounts: Accounts) -> None:
    entry, _ = accounts.add(NAME)
    file = accounts.home(entry.account) / "feed.csv"
    file.write_text("x")
    accounts.remove(NAME)
    assert file.exists()
    with pytest.raises(NotFound):
        accounts.get(NAME)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"format": 2, "accounts": []}',
        b'{"format": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_an_error_and_no_open_door(tmp_path: Path, accounts: Accounts, content: bytes) -> None:
    _, secret = accounts.add(NAME)
    assert accounts.check(NAME, secret, None)
    (tmp_path / "accounts.json").write_bytes(content)
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=r"accounts\.json"):
            accounts.check(NAME, secret, None)
        with pytest.raises(StoreDamaged):
            accounts.find(NAME)
    with pytest.raises(StoreDamaged):
        accounts.add("another")
    assert (tmp_path / "accounts.json").read_bytes() == content


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("account", "name"), " x"),
        (("account", "home"), "../../etc"),
        (("account", "home"), ""),
        (("account", "disabled"), "false"),
        (("account", "disabled"), None),
        (("account", "quota"), -1),
        (("account", "keys"), "key_a"),
        (("account", "from_addresses"), ["not a network"]),
        (("account", "may"), "lrx"),
        (("passwords", 0, "digest"), ""),
        (("passwords", 0, "salt"), "!"),
        (("passwords", 0, "scrypt"), [3, 8, 1]),
        (("passwords", 0, "scrypt"), [2**30, 8, 1]),
        (("passwords", 0, "until"), "tomorrow"),
        (("keys",), ["ssh-ed25519 AAAA"]),
    ],
)
def test_a_field_that_is_wrong_closes_the_door(
    tmp_path: Path, accounts: Accounts, where: tuple[str | int, ...], value: object
) -> None:
    accounts.add("good")
    path = tmp_path / "accounts.json"
    document = json.loads(path.read_text())
    inner = document["accounts"][0]
    for step in where[:-1]:
        inner = inner[step]
    assert where[-1] in inner
    inner[where[-1]] = value
    path.write_text(json.dumps(document))
    with pytest.raises(StoreDamaged):
        accounts.every()


@pytest.mark.parametrize(
    "fields",
    [
        {"may": ""},
        {"may": "x"},
        {"tls_eof": "loose"},
        {"from_addresses": ("10.0.0.0/99",)},
        {"mail": ("nobody",)},
        {"quota": -1},
    ],
)
def test_fields_that_make_no_sense_are_refused(accounts: Accounts, fields: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        accounts.add(NAME, **fields)
    assert accounts.every() == ()


@pytest.mark.parametrize("given", ["", "short", "x" * 257, "with\nline break in it", "with\0nul in the middle"])
def test_weak_or_unusable_passwords_are_refused(accounts: Accounts, given: str) -> None:
    with pytest.raises(UsageError):
        accounts.add(NAME, given=given)


def test_generated_passwords_are_long_and_plain() -> None:
    made = {password.generate() for _ in range(200)}
    assert len(made) == 200
    assert all(len(each) == 24 and each.isascii() and each.isalnum() for each in made)


def test_public_keys(accounts: Accounts) -> None:
    accounts.add(NAME)
    key = accounts.add_key(NAME, ED25519 + " partner@host\n")
    assert accounts.verdict_for_key(NAME, key.data, None).account is not None
    assert accounts.verdict_for_key(NAME, key.data + b"x", None).why == "key"
    assert accounts.verdict_for_key("nobody", key.data, None).why == "unknown"
    assert accounts.get(NAME).keys[0].comment == "partner@host"
    with pytest.raises(UsageError, match="already"):
        accounts.add_key(NAME, ED25519)
    with pytest.raises(NotFound):
        accounts.remove_key(NAME, "SHA256:x")
    accounts.remove_key(NAME, key.fingerprint)
    assert accounts.verdict_for_key(NAME, key.data, None).account is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 !!!!",
        "ssh-dss AAAAB3NzaC1kc3MAAACB",
        "ssh-rsa " + ED25519.split()[1],
        ED25519 + "\n" + ED25519,
        "ssh-rsa "
        + base64.b64encode(
            struct.pack(">I", 7) + b"ssh-rsa" + struct.pack(">I", 1) + b"\3" + struct.pack(">I", 128) + b"\x7f" * 128
        ).decode(),
    ],
)
def test_what_is_no_good_public_key_is_refused(accounts: Accounts, text: str) -> None:
    accounts.add(NAME)
    with pytest.raises(UsageError):
        accounts.add_key(NAME, text)


def test_a_private_key_is_refused_and_not_repeated(accounts: Accounts) -> None:
    accounts.add(NAME)
    with pytest.raises(UsageError, match="private") as refused:
        accounts.add_key(NAME, "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n")
    assert "c2VjcmV0" not in str(refused.value.as_dict())


def test_processes_do_not_lose_each_others_accounts(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from feedengine.accounts import Accounts\n"
        "accounts = Accounts(Path(sys.argv[1]))\n"
        "for number in range(8): accounts.add(f'{sys.argv[2]}-{number}')\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), name],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for name in ("a", "b")
    ]
    assert [each.wait(120) for each in running] == [0, 0]
    assert len(Accounts(tmp_path).every()) == 16
