"""What a partner over SFTP takes for an answer: nothing but an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import asyncssh
import pytest

from soak import sftp
from soak.feeds import Sent
from soak.world import Catalog, Partner
from transport.desk import refusing
from transport.sftp_server import NAME, PASSWORD, Server

FEED = "key_a_Products_delta_2026-11-21-02-00-00.csv"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def sent() -> Sent:
    catalog = Catalog("key_a", "Products")
    partner = Partner(0, NAME, PASSWORD, ("key_a",), [catalog], 1, "sftp", Random(1), 0)
    return Sent(partner, 0, FEED, "delta", b"id,item_name,url\n1,One,https://x/1\n", catalog)


def test_an_answer_is_an_answer(server: Server, sent: Sent) -> None:
    assert sftp.attempt("127.0.0.1", server.port, sent)[0] == "stored"
    assert server.desk.names() == [f"/{FEED}"]
    server.desk.refuse_landed = refusing("not today; try again later", later=True)
    other = Sent(sent.partner, 1, FEED.replace("02-00-00", "03-00-00"), "delta", sent.content, sent.catalog)
    assert sftp.attempt("127.0.0.1", server.port, other) == ("later", "not today; try again later")
    server.desk.refuse = refusing("never")
    assert sftp.attempt("127.0.0.1", server.port, other) == ("refused", "never")


def test_a_connection_that_is_lost_before_the_close_is_no_answer(
    server: Server, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's close does nothing then, and does not say so: a file that never landed looked stored."""
    connections: list[Any] = []
    connect, write = asyncssh.connect, asyncssh.SFTPClientFile.write

    async def noted(*given: Any, **named: Any) -> Any:
        connections.append(await connect(*given, **named))
        return connections[-1]

    async def cut(file: Any, data: Any, offset: int | None = None) -> int:
        """As on a loaded machine: by the time the answer is read the server is gone."""
        done = await write(file, data, offset)
        connections[-1].abort()
        while file._handler._writer is not None:
            await asyncio.sleep(0)
        return done

    monkeypatch.setattr(asyncssh, "connect", noted)
    monkeypatch.setattr(asyncssh.SFTPClientFile, "write", cut)
    assert sftp.attempt("127.0.0.1", server.port, sent)[0] == "unknown"
    server.wait_for("sftp.upload_incomplete")
    assert server.desk.names() == []
