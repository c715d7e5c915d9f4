"""The outbox against other people's servers: whole files under their final names, resumed, replaced, killed between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from feedengine.errors import TransportError
from feedengine.service.sending import Sender
from feedengine.transport.connecting import connect
from feedengine.transport.remote import Place, Progress, Remote
from sending.servers import Death, Desk
from transport.lab import servers
from transport.lab.servers import Start

pytestmark = [pytest.mark.network_lab, pytest.mark.feature("P20", "P23", "P26")]


class _Cut(TransportError):
    code = "TRANSPORT_CUT"


def cutting(place: Place) -> Remote:
    """A connection whose uploads end in the middle."""
    remote = connect(place)
    plain = remote.put

    def put(file: Path, path: str, *, offset: int = 0, progress: Progress | None = None) -> None:
        def stop(done: int) -> None:
            if done > 300_000:
                raise _Cut("the connection was cut")

        plain(file, path, offset=offset, progress=stop)

    remote.put = put  # type: ignore[method-assign]
    return remote


@pytest.mark.parametrize("start", [servers.vsftpd, servers.proftpd, servers.pure_ftpd, servers.openssh])
def test_files_arrive_whole_in_order_and_once(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    content = "0123456789" * 200_000
    with servers.base() as base, start(base) as server:
        target = replace(desk.target(), place=server.place)

        def drain(**how: object) -> int:
            return Sender(desk.store, target, desk._note, now=desk.clock, **how).drain()  # type: ignore[arg-type]

        desk.put_in(content, "feed.csv")
        desk.put_in("second", "out/daily/second.csv")
        assert drain(connect=cutting) == 0
        desk.clock.passes(10)
        assert drain() == 2, desk.log
        with connect(server.place) as remote:
            assert remote.size("feed.csv") == len(content)
            assert [entry.name for entry in remote.list() if "part" in entry.name] == []
            assert remote.get("feed.csv", tmp_path / "back.csv") == len(content)
            assert (tmp_path / "back.csv").read_text() == content
            assert remote.size("out/daily/second.csv") == 6

        desk.put_in("a newer one", "feed.csv")
        armed = ["serve.send.renamed"]

        def point(name: str) -> None:
            if armed == [name]:
                armed.clear()
                raise Death

        monkeypatch.setattr("feedengine.service.delivering.point", point)
        with pytest.raises(Death):
            drain()
        assert drain() == 1, desk.log
        with connect(server.place) as remote:
            assert remote.size("feed.csv") == 11
    assert set(desk.status().values()) == {"SENT"}
    assert desk.outbox.get(3).verified in ("size", "hash")
