"""A server behind a balancer that misbehaves: data at another address, connections cut, reset and half-closed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from feedengine.errors import TransportError
from feedengine.transport.ftps_client import FtpsRemote
from network.ports import free_block
from network.proxy import Fault, Proxy
from transport.lab import servers
from transport.lab.servers import Server

pytestmark = [
    pytest.mark.network_lab,
    pytest.mark.feature("C7", "P3"),
    # A handshake with a peer that has just reset the connection leaves a socket to the collector, in the library.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"),
]

DATA = os.urandom(3_000_000)


@dataclass
class Balanced:
    server: Server
    proxy: Proxy
    remote: FtpsRemote


@pytest.fixture
def balanced() -> Iterator[Balanced]:
    ports = free_block(10)
    with (
        servers.base() as base,
        servers.proftpd(base, ports) as server,
        Proxy(server.place.port, ports) as proxy,
        FtpsRemote(replace(server.place, trust_address=True, timeout=60)) as remote,
    ):
        yield Balanced(server, proxy, remote)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def test_data_goes_by_the_address_that_the_server_names(balanced: Balanced, source: Path, tmp_path: Path) -> None:
    pause = Fault("stall", after=1000, way="down", seconds=0.1)
    balanced.remote.put(source, "a.tmp")
    balanced.proxy.arm(pause)
    assert balanced.remote.get("a.tmp", tmp_path / "back") == len(DATA)
    assert (tmp_path / "back").read_bytes() == DATA
    assert balanced.proxy.counts == {"stall": 1}  # it did go through there


@pytest.mark.parametrize("kind", ["truncate", "reset", "half-close"])
def test_a_download_that_is_cut_is_seen_and_goes_on(
    balanced: Balanced, source: Path, tmp_path: Path, kind: str
) -> None:
    balanced.remote.put(source, "a.tmp")
    balanced.proxy.arm(Fault(kind, after=1_500_000, way="down"))
    with pytest.raises(TransportError) as caught:
        balanced.remote.get("a.tmp", tmp_path / "back")
    assert caught.value.passing
    assert balanced.proxy.counts == {kind: 1}
    there = (tmp_path / "back").stat().st_size
    assert there < len(DATA)
    assert balanced.remote.get("a.tmp", tmp_path / "back", offset=there) == len(DATA)
    assert (tmp_path / "back").read_bytes() == DATA


@pytest.mark.parametrize("kind", ["truncate", "reset", "half-close"])
def test_an_upload_that_is_cut_is_seen_and_done_again(
    balanced: Balanced, source: Path, tmp_path: Path, kind: str
) -> None:
    balanced.proxy.arm(Fault(kind, after=1_500_000, way="up"))
    with pytest.raises(TransportError) as caught:
        balanced.remote.put(source, "a.tmp")
    assert caught.value.passing
    assert balanced.proxy.counts == {kind: 1}
    there = balanced.remote.size("a.tmp") or 0
    assert there < len(DATA)
    # A server may need a moment to give the broken connection up; what passes is tried again, as the outbox does.
    for attempt in range(4):
        try:
            balanced.remote.put(source, "a.tmp", offset=there)
            break
        except TransportError as error:
            assert error.passing and attempt < 3, error
    assert balanced.remote.get("a.tmp", tmp_path / "back") == len(DATA)
    assert (tmp_path / "back").read_bytes() == DATA
