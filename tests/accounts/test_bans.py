"""Bans: who guesses is not answered, who logs in is not punished for others, a restart forgets nothing."""

from __future__ import annotations

import fcntl
import json
import stat
import threading
from pathlib import Path

import pytest

from feedengine.accounts import Accounts, Bans, Door
from feedengine.settings import Settings

from .clock import Clock

PEER = "203.0.113.9"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "bans.json"


@pytest.fixture
def bans(path: Path, clock: Clock) -> Bans:
    return Bans(path, clock=clock)


def guess(bans: Bans, why: str = "password", peer: str = PEER) -> int:
    """Failures until the ban."""
    for count in range(1, 100):
        if bans.failed(peer, why):
            return count
    return 0


@pytest.mark.parametrize(("why", "count"), [("password", 15), ("unknown", 8), ("protocol", 5), ("key", 30)])
def test_guessing_leads_to_a_ban(bans: Bans, why: str, count: int) -> None:
    assert bans.left(PEER) == 0
    assert guess(bans, why) == count
    assert bans.left(PEER) == 1800
    assert bans.left("203.0.113.10") == 0


def test_a_ban_ends_and_the_next_one_is_longer(bans: Bans, clock: Clock) -> None:
    guess(bans)
    clock.now += 1799
    assert bans.left(PEER) == 1
    clock.now += 1
    assert bans.left(PEER) == 0 and bans.banned() == []
    guess(bans)
    assert bans.left(PEER) == 2700
    clock.now += 3 * 86400
    guess(bans)
    assert bans.left(PEER) == 1800


def test_repeated_bans_never_exceed_a_day(bans: Bans, clock: Clock) -> None:
    for _ in range(20):
        guess(bans)
        clock.now += bans.left(PEER)
    guess(bans)
    assert bans.left(PEER) == 86400


def test_scores_melt(bans: Bans, clock: Clock) -> None:
    for _ in range(14):
        assert not bans.failed(PEER, "password")
    clock.now += 1800
    for _ in range(14):
        assert not bans.failed(PEER, "password")
    assert bans.failed(PEER, "password")


def test_a_forgotten_program_behind_the_same_address_bans_nobody(bans: Bans, clock: Clock) -> None:
    for _ in range(500):
        assert not bans.failed(PEER, "password")
        bans.passed(PEER)
        clock.now += 60


def test_a_login_does_not_lift_a_ban(bans: Bans) -> None:
    guess(bans)
    bans.passed(PEER)
    assert bans.left(PEER) == 1800


def test_bans_outlive_the_process_and_are_shared(bans: Bans, path: Path, clock: Clock) -> None:
    other = Bans(path, clock=clock)
    guess(bans)
    assert other.left(PEER) == 1800
    assert Bans(path, clock=clock).banned() == [(PEER, 1800, 1)]
    assert other.lift(PEER) == [PEER] and bans.left(PEER) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_servers_count_together(bans: Bans, path: Path, clock: Clock) -> None:
    other = Bans(path, clock=clock)
    for at in range(14):
        assert not (bans if at % 2 else other).failed(PEER, "password")
    assert other.failed(PEER, "password")


def test_networks_that_are_never_banned(path: Path, clock: Clock) -> None:
    bans = Bans(path, clock=clock, never=["203.0.113.0/24", "::1"])
    assert guess(bans) == 0 and guess(bans, peer="::1") == 0 and guess(bans, peer="::ffff:203.0.113.9") == 0
    assert guess(bans, peer="198.51.100.1") == 15


def test_an_ipv6_host_has_a_whole_network(bans: Bans) -> None:
    for last in range(15):
        bans.failed(f"2001:db8:1:2::{last:x}", "password")
    assert bans.left("2001:db8:1:2:ffff::1") == 1800
    assert bans.left("2001:db8:1:3::1") == 0
    assert bans.lift("2001:db8:1:2::7") == ["2001:db8:1:2::/64"]


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b'{"x": {"score": 1}}', b'{"x": {"score": "y", "seen": 1}}', b'{"x": {"score": NaN}}']
)
def test_a_damaged_file_costs_the_scores_only(bans: Bans, path: Path, content: bytes) -> None:
    guess(bans)
    path.write_bytes(content)
    assert bans.left(PEER) == 0
    assert guess(bans) == 15
    assert json.loads(path.read_bytes())[PEER]["bans"] == 1


def test_a_clock_that_goes_back_makes_no_endless_ban(bans: Bans, clock: Clock) -> None:
    guess(bans)
    clock.now -= 10 * 86400
    assert bans.left(PEER) <= 86400
    assert not bans.failed("198.51.100.7", "password")


def test_a_flood_of_addresses_keeps_the_file_small(path: Path, clock: Clock) -> None:
    bans = Bans(path, clock=clock)
    guess(bans)
    content = {f"10.0.{at // 256}.{at % 256}": {"score": 1, "seen": clock.now - 5} for at in range(5000)}
    kept = json.loads(path.read_bytes())
    path.write_text(json.dumps(content | kept))
    bans.failed("198.51.100.7", "password")
    left = json.loads(path.read_bytes())
    assert len(left) == 2000 and PEER in left and "198.51.100.7" in left


def test_threads_lose_no_failure(bans: Bans, path: Path) -> None:
    running = [threading.Thread(target=lambda: [bans.failed(PEER, "key") for _ in range(5)]) for _ in range(4)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    assert json.loads(path.read_bytes())[PEER]["score"] == pytest.approx(10)


def test_a_process_that_hangs_with_the_lock_is_not_waited_for(bans: Bans, path: Path) -> None:
    bans.failed(PEER, "password")
    with path.with_suffix(".lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        bans.failed(PEER, "password")
    assert json.loads(path.read_bytes())[PEER]["score"] == pytest.approx(2)


def test_where_notes_cannot_be_kept_bans_still_hold(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    bans = Bans(tmp_path / "run" / "bans.json", clock=clock)
    assert guess(bans) == 15 and bans.left(PEER) == 1800


def test_the_door_counts_what_comes_of_logins(tmp_path: Path) -> None:
    settings = Settings.load(None, {"FEEDENGINE_ACCOUNTS_BAN_SCORE": "3"})
    door = Door.of(tmp_path, settings)
    _, secret = Accounts(tmp_path).add("shop")
    assert door.enter("shop", secret, PEER).account is not None
    assert door.enter("shop", "wrong", PEER).why == "password" and door.bans.left(PEER) == 0
    assert door.enter("nobody", "wrong", PEER).why == "unknown"
    assert door.enter("nobody", "wrong", PEER).why == "unknown" and door.bans.left(PEER) > 1790
    assert door.enter_with_key("shop", b"?", "198.51.100.1").why == "key" and not door.bans.banned()[1:]
