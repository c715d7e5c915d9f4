"""Listings of large folders: made in parts as the client takes them, beside a loop that goes on serving."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from feedengine.transport.ftps import listing
from feedengine.transport.ftps.listing import Listing, parts
from transport.ftps.rig import Rig

pytestmark = pytest.mark.feature("W19")

MANY = 20_000


class Crew:
    """Does what it is given when a test says so, as a thread would."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], bytes], Any]] = []

    def __call__(self, work: Callable[[], bytes], then: Any) -> None:
        self.waiting.append((work, then))

    def step(self) -> None:
        work, then = self.waiting.pop(0)
        try:
            result = work()
        except Exception as error:
            then(None, error)
        else:
            then(result, None)


def folder(count: int, seen: list[int]) -> Generator[Any, None, None]:
    """Entries of a folder in no order; `seen` is told of each that was looked at, and of the end."""
    try:
        for number in range(count):
            seen.append(number)
            yield f"{(number * 7919) % count:06}"
    finally:
        seen.append(-1)


def lines(lot: Any) -> Any:
    return (f"{name}\n".encode() for name in lot)


def made(count: int, seen: list[int], crew: Crew) -> Listing:
    found = parts(folder(count, seen), lines)
    return Listing(found, next(found, b""), crew)


@pytest.mark.parametrize("count", [0, 1, listing.AT_ONCE, listing.AT_ONCE + 1, 10 * listing.AT_ONCE + 7])
def test_every_entry_comes_once_and_never_more_than_two_parts_are_there(count: int) -> None:
    seen: list[int] = []
    crew, got, taken = Crew(), b"", 0
    sending = made(count, seen, crew)
    while part := sending.more():
        taken += part.count(b"\n")
        got += part
        assert len(seen) - 1 <= taken + listing.AT_ONCE, "the folder is read ahead of the client"
        assert not sending.ready and len(crew.waiting) == 1
        crew.step()
        assert sending.ready
    assert sorted(got.decode().splitlines()) == [f"{number:06}" for number in range(count)]
    assert seen[-1] == -1 and not crew.waiting
    assert sending.more() == b""
    if count <= listing.AT_ONCE:
        assert got.decode().splitlines() == sorted(got.decode().splitlines()), "a small folder is in order"


def test_whoever_waits_is_woken_and_a_folder_that_breaks_says_so() -> None:
    seen: list[int] = []
    crew, woken = Crew(), []
    sending = made(3 * listing.AT_ONCE, seen, crew)
    sending.more()
    sending.wake = lambda: woken.append(sending.ready)
    crew.step()
    assert woken == [True] and not sending.broken
    sending.more()
    crew.waiting[0] = (lambda: os.stat("/none/there") and b"", crew.waiting[0][1])
    crew.step()
    assert woken == [True, True] and sending.broken


@pytest.mark.parametrize("busy", [False, True])
def test_a_folder_is_let_go_when_nobody_wants_more(busy: bool) -> None:
    seen: list[int] = []
    crew = Crew()
    sending = made(3 * listing.AT_ONCE, seen, crew)
    if busy:
        sending.more()
    sending.close()
    # A thread that is in it comes out first.
    assert (seen[-1] == -1) is not busy
    if busy:
        crew.step()
    assert seen[-1] == -1 and sending.closed


@pytest.mark.parametrize("command", ["MLSD /in", "LIST /in", "NLST /in", "NLST /in/*.csv"])
def test_a_large_folder_is_listed_whole(server: Rig, command: str) -> None:
    names = fill(server, 3 * listing.AT_ONCE + 11)
    got = [line.rpartition(" ")[2] for line in server.connect().lines(command)]
    assert len(got) == len(names) and set(got) == names


def test_a_client_that_does_not_read_holds_nothing_up(server: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    lots = count_lots(monkeypatch)
    names = fill(server, MANY)
    slow, other = server.connect(), server.connect()
    conn = slow.data("MLSD /in")
    # Its buffers fill; then nothing is made any more, and the loop serves the others.
    first = conn.recv(1)
    settled = rest_of(lots, other)
    assert settled * listing.AT_ONCE < MANY, "the folder was read ahead of the client"
    assert other.put("/in/key_main_sync_2026-11-21-02-00-00.csv", b"x").startswith("226")
    got = first
    while block := conn.recv(65536):
        got += block
    conn.close()
    assert slow.voidresp().startswith("226")
    found = {line.rpartition(" ")[2] for line in got.decode().splitlines()}
    assert names <= found and len(lots) > settled


@pytest.mark.parametrize("end", ["ABOR", "a lost connection"])
def test_a_listing_that_is_broken_off_leaves_nothing_open(server: Rig, end: str) -> None:
    fill(server, MANY)
    client = server.connect()
    before = descriptors(server)
    conn = client.data("MLSD /in")
    conn.recv(1)
    assert descriptors(server) - before, "the folder is open while it is listed"
    if end == "ABOR":
        assert client.ask("ABOR").startswith("426")
        assert client.reply().startswith("226")
    else:
        conn.close()
        assert client.reply().startswith("426")
    other = server.connect()
    while descriptors(server) - before:
        other.voidcmd("NOOP")
    client.voidcmd("NOOP")


def fill(server: Rig, count: int) -> set[str]:
    """Empty files in anna's folder; their names."""
    server.connect().close()
    root = server.home("in")
    names = {f"f{number:06}.csv" for number in range(count)}
    for name in names:
        os.close(os.open(root / name, os.O_CREAT | os.O_WRONLY, 0o600))
    return names


def count_lots(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries each part had, as they are made."""
    made: list[int] = []
    lock = threading.Lock()
    real = listing.islice

    def counting(found: Any, count: int) -> list[Any]:
        lot = [*real(found, count)]
        with lock:
            made.append(len(lot))
        return lot

    monkeypatch.setattr(listing, "islice", counting)
    return made


def rest_of(lots: list[int], other: Any) -> int:
    """How many parts there are when no more come, however often the loop turns for somebody else."""
    still, last = 0, -1
    while still < 50:
        other.voidcmd("NOOP")
        still, last = (still + 1, last) if len(lots) == last else (0, len(lots))
    return last


def descriptors(server: Rig) -> set[str]:
    """Descriptors of this process that are open on anna's folder."""
    found = set()
    for each in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{each}") == str(server.home("in")):
                found.add(each)
        except OSError:
            continue
    return found
