"""Our client on a bad network: what it says was stored is there, what it loaded is whole, all else it raises."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedengine.errors import TransportError
from feedengine.settings.kinds import Secret
from feedengine.transport.ftps_client import FtpsRemote
from feedengine.transport.remote import Place
from network.lab import LOGIN, PASSWORD, Lab
from network.proxy import Fault, Proxy
from network.service import Tables

# A handshake with a peer that has just reset the connection leaves a socket to the collector, in the library itself.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)

_chance = random.Random(1)
LARGE = ("id,item_name\n" + "".join(f"A{n},Item {_chance.random()}\n" for n in range(40_000))).encode()
CUTS = ("reset", "truncate", "half-close")


@pytest.fixture(scope="module")
def settings() -> Tables:
    return {"ftps": {"stall_timeout": 3, "connect_timeout": 3, "idle_timeout": 20, "login_timeout": 15}}


@pytest.fixture
def proxy(lab: Lab) -> Iterator[Proxy]:
    with Proxy(lab.service.port, lab.service.passive) as found:
        yield found


def remote(proxy: Proxy, seconds: float = 60.0) -> FtpsRemote:
    """A client that goes through the proxy."""
    return FtpsRemote(
        Place("ftps", "/", proxy.host, proxy.port, LOGIN, Secret(PASSWORD), verify="off", timeout=seconds)
    )


def tasks(lab: Lab, name: str) -> int:
    """How often a file landed, whole."""
    found = [task for task in lab.service.tasks() if task.filename == name]
    assert all(task.bytes == len(LARGE) for task in found)
    return len(found)


def test_storing_through_cuts(lab: Lab, proxy: Proxy, tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_bytes(LARGE)
    with remote(proxy) as client:
        for kind in CUTS:
            for after in (0, 3000, 500_000, len(LARGE)):
                name = lab.name()
                proxy.arm(Fault(kind, after=after))
                with pytest.raises(TransportError):
                    client.put(feed, name)
                assert tasks(lab, name) == 0, (kind, after)
                client.put(feed, name)
                assert tasks(lab, name) == 1, (kind, after)
    assert proxy.counts == {kind: 4 for kind in CUTS}


def test_storing_into_silence(lab: Lab, proxy: Proxy, tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_bytes(LARGE)
    name = lab.name()
    with remote(proxy, seconds=4.0) as client:
        proxy.arm(Fault("silence", after=100_000))
        began = time.monotonic()
        with pytest.raises(TransportError):
            client.put(feed, name)
        assert time.monotonic() - began < 120
    assert tasks(lab, name) == 0


@pytest.mark.parametrize("way", ["up", "down"])
def test_storing_while_the_control_connection_breaks(lab: Lab, proxy: Proxy, tmp_path: Path, way: str) -> None:
    """Wherever it breaks: what is said to be stored is in the ledger once; what failed can be sent again."""
    feed = tmp_path / "feed.csv"
    feed.write_bytes(LARGE)
    broken = 0
    for after in range(300, 2400, 300):
        name = lab.name()
        proxy.arm(Fault("reset", after=after, way=way), "control")
        try:
            with remote(proxy) as client:
                client.put(feed, name)
            assert tasks(lab, name) == 1, after
        except TransportError:
            broken += 1
            assert tasks(lab, name) in (0, 1)
        proxy.disarm()
    assert broken >= 2


def test_loading_through_cuts_and_going_on(lab: Lab, proxy: Proxy, tmp_path: Path) -> None:
    (lab.home / "export").mkdir(exist_ok=True)
    (lab.home / "export" / "feed.csv").write_bytes(LARGE)
    with remote(proxy) as client:
        for kind in CUTS:
            for after in (0, 3000, 700_000):
                target = tmp_path / f"{kind}-{after}.csv"
                proxy.arm(Fault(kind, after=after, way="down"))
                with pytest.raises(TransportError):
                    client.get("export/feed.csv", target)
                there = target.stat().st_size if target.exists() else 0
                assert there < len(LARGE)
                assert client.get("export/feed.csv", target, offset=there) == len(LARGE)
                assert target.read_bytes() == LARGE, (kind, after)


def test_a_slow_and_stalling_line(lab: Lab, proxy: Proxy, tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_bytes(LARGE)
    name = lab.name()
    with remote(proxy) as client:
        proxy.arm(Fault("stall", after=200_000, seconds=1.0))
        client.put(feed, name)
        proxy.arm(Fault("slow", way="down", rate=1_000_000))
        (lab.home / "export").mkdir(exist_ok=True)
        (lab.home / "export" / "slow.csv").write_bytes(LARGE)
        assert client.get("export/slow.csv", tmp_path / "slow.csv") == len(LARGE)
    assert tasks(lab, name) == 1
    assert (tmp_path / "slow.csv").read_bytes() == LARGE


def test_a_listing_that_is_cut_is_no_listing(lab: Lab, proxy: Proxy) -> None:
    """Half a listing must not look like a folder with half of its files."""
    folder = lab.home / "export" / "many"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(800):
        (folder / f"{'long name ' * 10}{number}").touch()
    with remote(proxy) as client:
        for kind in CUTS:
            proxy.arm(Fault(kind, after=40_000, way="down"))
            with pytest.raises(TransportError):
                client.list("export/many")
            assert len(client.list("export/many")) == 800
