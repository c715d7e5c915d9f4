"""What an answer over SFTP means: a file that its sender was told of is there, for the engine, too."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from feedengine.errors import TransportError
from feedengine.service import reception
from feedengine.store import Store
from feedengine.transport.connecting import connect
from feedengine.transport.sftp_client import SftpRemote

from .raw_sftp import TRUNC, Raw
from .remote_contract import DATA
from .sftp_server import Server

FEED = "key_a_Products_sync_2026-11-21-02-00-00.csv"
OTHER = "key_a_Products_sync_2026-11-21-03-00-00.csv"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.csv"
    path.write_bytes(DATA)
    return path


@pytest.mark.feature("W10")
def test_a_stop_waits_for_the_answer_to_a_file_that_lands(tmp_path: Path) -> None:
    """Who closed a file in time is told that it is there, and need not send it again to find out."""
    server = Server(tmp_path)
    busy, idle = Raw(server), Raw(server)
    file = busy.open(f"/in/{FEED}", TRUNC)
    busy.run(file.write(DATA))
    server.desk.gate.clear()
    answers: list[object] = []

    def close() -> None:
        try:
            answers.append(busy.run(file.close()))
        except asyncssh.Error as error:
            answers.append(error)

    closing = threading.Thread(target=close)
    closing.start()
    while not (server.home / "in" / FEED).exists():
        closing.join(0.01)
    server.part.stopping.set()
    # Sent away as soon as the stop begins: what is left by then is waited for.
    idle.run(idle.connection.wait_closed())
    idle.loop.close()
    server.desk.gate.set()
    closing.join()
    busy.run(busy.connection.wait_closed())
    busy.loop.close()
    server.stop()
    assert answers == [None]
    assert server.desk.names() == [f"/in/{FEED}"]


@pytest.mark.feature("W10", "W12")
def test_what_the_ledger_could_not_keep_is_not_said_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path
) -> None:
    """Nor is what comes after it: a task that others see is made before its sender is answered."""
    server = Server(tmp_path)
    engines = reception.Desk(server.store, server.settings)
    for name in ("admit", "landed", "knows"):
        monkeypatch.setattr(server.desk, name, getattr(engines, name))
    with server.store.ledger.write() as con:
        # What one file leaves behind can't be committed.
        con.execute("CREATE TABLE owners (id INTEGER PRIMARY KEY)")
        con.execute("CREATE TABLE things (owner INTEGER REFERENCES owners(id) DEFERRABLE INITIALLY DEFERRED)")
        con.execute(
            f"CREATE TRIGGER spoil AFTER INSERT ON tasks WHEN new.filename = '{FEED}' "
            "BEGIN INSERT INTO things VALUES (7); END"
        )
    try:
        with connect(server.place("/in")) as remote:
            with pytest.raises(TransportError, match="could not be queued"):
                remote.put(source, FEED)
            assert remote.list() == []
            remote.put(source, OTHER)
        others = Store.open(server.root).ledger
        assert [task.filename for task in others.list().tasks] == [OTHER]
        others.close()
    finally:
        server.stop()


def test_a_connection_that_is_lost_before_the_close_stored_nothing(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's close says nothing then, so our client asks for more than that."""
    server = Server(tmp_path)
    remote = SftpRemote(server.place("/in"))

    async def lost(file: Any) -> None:
        assert remote._connection is not None
        remote._connection.abort()
        while file._handler._writer is not None:
            await asyncio.sleep(0)
        # As servers that know no sync.
        raise asyncssh.SFTPOpUnsupported("")

    monkeypatch.setattr(asyncssh.SFTPClientFile, "fsync", lost)
    try:
        with remote, pytest.raises(TransportError) as cut:
            remote.put(source, FEED)
        assert cut.value.code == "TRANSPORT_CUT"
        server.wait_for("sftp.upload_incomplete")
        assert server.desk.files == []
    finally:
        server.stop()
