"""Our clients against other people's servers: vsftpd, ProFTPD, pure-ftpd and OpenSSH, with TLS 1.3 and 1.2."""

from __future__ import annotations

import itertools
import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from feedengine.transport import ftp_control
from feedengine.transport.connecting import connect
from feedengine.transport.ftps_client import FtpsRemote
from feedengine.transport.remote import Place, Remote
from transport.lab import servers
from transport.lab.servers import Server, Start
from transport.remote_contract import RemoteContract

pytestmark = [pytest.mark.network_lab, pytest.mark.feature("P3", "C2", "C4", "C7", "L30")]

_numbers = itertools.count()


def capped(version: ssl.TLSVersion) -> Callable[[Place], ssl.SSLContext]:
    """What makes the client's contexts, with nothing newer than a version."""
    made = ftp_control._context

    def make(place: Place) -> ssl.SSLContext:
        context = made(place)
        context.maximum_version = version
        return context

    return make


class _Lab(RemoteContract):
    """A server for all tests of the class, a folder of its own for each."""

    start: Start

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls) -> Iterator[Server]:
        with servers.base() as base, cls.start(base) as server:
            yield server

    @pytest.fixture
    def place(self, server: Server) -> Place:
        name = f"t{next(_numbers)}"
        folder = server.files / name
        folder.mkdir()
        if os.getuid() == 0 and server.place.scheme != "sftp":
            os.chown(folder, servers.NUMBER, servers.NUMBER)
        return replace(server.place, path=f"{server.place.path.rstrip('/')}/{name}")

    @pytest.fixture
    def remote(self, place: Place) -> Iterator[Remote]:
        with connect(place) as remote:
            yield remote


class _Ftp(_Lab):
    def test_the_newest_tls_is_used(self, remote: Remote) -> None:
        assert isinstance(remote, FtpsRemote) and remote._control is not None
        assert isinstance(remote._control.sock, ssl.SSLSocket)
        assert remote._control.sock.version() == "TLSv1.3"

    def test_twenty_uploads_are_whole(self, remote: Remote, place: Place, server: Server, tmp_path: Path) -> None:
        data = os.urandom(5_000_000)
        (tmp_path / "source").write_bytes(data)
        for count in range(20):
            remote.put(tmp_path / "source", f"{count}.tmp")
        folder = server.files / place.path.rpartition("/")[2]
        assert all((folder / f"{count}.tmp").read_bytes() == data for count in range(20))
        assert len(remote.list()) == 20


class TestVsftpd(_Ftp):
    start = staticmethod(servers.vsftpd)


class TestProftpd(_Ftp):
    start = staticmethod(servers.proftpd)


class TestPureFtpd(_Ftp):
    start = staticmethod(servers.pure_ftpd)


class TestOpenSsh(_Lab):
    start = staticmethod(servers.openssh)


@pytest.mark.parametrize("name", sorted(servers.FTP_SERVERS))
def test_all_verbs_with_tls_1_2(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftp_control, "_context", capped(ssl.TLSVersion.TLSv1_2))
    data = os.urandom(3_000_000)
    (tmp_path / "source").write_bytes(data)
    (tmp_path / "half").write_bytes(data[:1_000_000])
    with servers.base() as base, servers.FTP_SERVERS[name](base) as server, FtpsRemote(server.place) as remote:
        assert remote._control is not None and isinstance(remote._control.sock, ssl.SSLSocket)
        assert remote._control.sock.version() == "TLSv1.2"
        remote.put(tmp_path / "half", "a.tmp")
        remote.put(tmp_path / "source", "a.tmp", offset=1_000_000)
        remote.rename("a.tmp", "b.tmp")
        assert [(entry.name, entry.bytes) for entry in remote.list()] == [("b.tmp", len(data))]
        (tmp_path / "back").write_bytes(data[:500_000])
        remote.get("b.tmp", tmp_path / "back", offset=500_000)
        assert (tmp_path / "back").read_bytes() == data
        remote.delete("b.tmp")
        assert remote.list() == []
