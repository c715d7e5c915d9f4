"""However a data connection ends: 226 and a file only for uploads that are whole, over TLS 1.2 and 1.3."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from typing import Any

import pytest

from transport.ftps.rig import Client, Rig, fin, in_the_end, reset

FEED = "/in/key_main_sync_2026-11-21-02-00-00.csv"
DATA = random.Random(7).randbytes(300_000)


def closed_politely(client: Client, conn: Any) -> None:
    conn.unwrap().close()


def ended_without_close_notify(client: Client, conn: Any) -> None:
    fin(conn)


def was_reset(client: Client, conn: Any) -> None:
    reset(conn)


def client_died(client: Client, conn: Any) -> None:
    fin(conn)
    fin(client.sock)  # type: ignore[arg-type]


def aborted(client: Client, conn: Any) -> None:
    client.putcmd("ABOR")


ENDS = [closed_politely, ended_without_close_notify, was_reset, client_died, aborted]
LANDS = {
    ("closed_politely", "anna"): "clean",
    ("closed_politely", "lena"): "clean",
    ("closed_politely", "vera"): "clean",
    # Lenient takes it as whole, verify leaves it to the engine to find out; nothing else is ever taken.
    ("ended_without_close_notify", "lena"): "clean",
    ("ended_without_close_notify", "vera"): "unclean",
}


@pytest.mark.feature("C24")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("user", ["anna", "lena", "vera"])
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_how_an_upload_ends(server: Rig, end: Callable[[Client, Any], None], user: str, version: str) -> None:
    client = server.connect(version, user=user)
    conn = client.data(f"STOR {FEED}")
    conn.sendall(DATA)
    if end in (aborted, was_reset):
        # What lies in buffers may be lost in a reset; here some of it has arrived.
        server.arrived(1)
    end(client, conn)
    wanted = LANDS.get((end.__name__, user))
    if end is client_died:
        server.wait_for("ftps.upload_incomplete")
        assert server.desk.files == []
        return
    replies = [client.reply()] + ([client.reply()] if end is aborted else [])
    if wanted:
        assert replies[0].startswith("226")
        [file] = server.desk.files
        assert (file.eof, file.bytes) == (wanted, len(DATA))
        assert file.path.read_bytes() == DATA
        return
    assert replies[0].startswith("426")
    assert server.desk.files == []
    assert FEED[1:] not in server.files(user)
    if end is aborted:
        assert replies[1].startswith("226")
    # The session goes on, and the same name is still free.
    if end is not aborted:
        assert client.size(FEED) == server.said("ftps.upload_incomplete")[0]["bytes"]
    assert client.put(FEED, DATA).startswith("226")
    assert len(server.desk.files) == 1


def test_abort_in_every_other_state(server: Rig) -> None:
    client = server.connect()
    assert client.ask("ABOR").startswith("225")
    conn = client.passive()  # announced and connected, no command yet
    assert client.ask("ABOR").startswith("225")
    assert conn.recv(1) == b""
    client.makepasv()  # announced only
    assert client.ask(f"STOR {FEED}").startswith("150")
    assert client.ask("ABOR").startswith("426")
    assert client.reply().startswith("226")
    assert server.files() == []
    conn = client.data(f"STOR {FEED}")  # nothing sent
    assert client.ask("ABOR").startswith("426")
    assert client.reply().startswith("226")
    assert server.desk.files == []
    client.put(FEED, DATA)
    assert client.ask("ABOR").startswith("225")
    conn = client.data(f"RETR {FEED}")
    assert client.ask("ABOR")[:3] in ("426", "226")
    conn.close()
    assert [file.virtual for file in server.desk.files] == [FEED]


def test_quit_while_uploading_still_gets_the_reply(server: Rig) -> None:
    client = server.connect()
    conn = client.data(f"STOR {FEED}")
    assert client.ask("QUIT").startswith("221")
    conn.sendall(DATA)
    conn.unwrap().close()
    assert client.reply().startswith("226")
    with pytest.raises(EOFError):
        client.reply()
    assert len(server.desk.files) == 1


def test_a_client_that_leaves_while_the_file_lands_has_still_sent_it(server: Rig) -> None:
    server.desk.gate.clear()
    client = server.connect()
    conn = client.data(f"STOR {FEED}")
    conn.sendall(DATA)
    conn.unwrap().close()
    client.close()
    server.wait_for("ftps.disconnect")
    server.desk.gate.set()
    server.wait_for("ftps.upload")
    assert server.desk.names() == [FEED]


def test_an_empty_file_is_a_file(server: Rig) -> None:
    assert server.connect().put(FEED, b"").startswith("226")
    assert server.desk.files[0].bytes == 0


def test_no_ticket_is_written_where_a_client_only_writes(server: Rig) -> None:
    """What made rclone and ftp-ssl lose data: unread tickets turn their close into a reset."""
    client = server.connect("1.3")
    conn = client.data(f"STOR {FEED}")
    conn.sendall(DATA)
    conn.settimeout(0.3)
    with pytest.raises(TimeoutError):
        socket.socket.recv(conn, 1)
    conn.settimeout(60)
    # Closed at once with all bytes unread on our side would be a reset if anything were there.
    conn.unwrap().close()
    assert client.reply().startswith("226")


def test_downloads_end_with_close_notify(server: Rig) -> None:
    client = server.connect()
    client.put(FEED, DATA)
    assert client.get(FEED) == DATA  # the client is strict: another end raises
    conn = client.data(f"RETR {FEED}")
    reset(conn)
    reply = client.reply()
    # Small enough to be in the kernel's buffers already: both are true then.
    assert reply[:3] in ("426", "226")


def test_a_second_transfer_must_wait(server: Rig) -> None:
    client = server.connect()
    conn = client.data(f"STOR {FEED}")
    for command in (f"STOR {FEED}2", "LIST", f"RETR {FEED}"):
        assert client.ask(command).startswith("450"), command
    assert client.ask("NOOP").startswith("200")
    assert "211" in client.ask("STAT")
    conn.sendall(DATA)
    conn.unwrap().close()
    assert client.reply().startswith("226")


def test_a_stalled_upload_ends_and_can_be_continued(tmp_path: Any, certificate: Any) -> None:
    from transport.ftps.rig import rig

    with rig(tmp_path, certificate, stall_timeout=0.3) as server:
        client = server.connect()
        conn = client.data(f"STOR {FEED}")
        conn.sendall(DATA[:200_000])
        assert client.reply().startswith("426 Nothing came")
        conn.close()
        kept = client.size(FEED)
        assert kept is not None and 0 < kept <= 200_000

        def goes_on() -> str:
            kept = client.size(FEED) or 0
            return client.put(FEED, DATA[kept:], rest=kept)

        assert in_the_end(goes_on).startswith("226")
        assert server.desk.files[0].path.read_bytes() == DATA


@pytest.mark.parametrize("how", ["REST", "APPE"])
def test_a_broken_upload_is_continued(server: Rig, how: str) -> None:
    client = server.connect()
    conn = client.data(f"STOR {FEED}")
    conn.sendall(DATA[:250_000])
    server.arrived(200_000)
    reset(conn)
    assert client.reply().startswith("426")
    kept = client.size(FEED)
    assert kept is not None and kept >= 200_000
    if how == "REST":
        reply = client.put(FEED, DATA[kept - 1000 :], rest=kept - 1000)
    else:
        conn = client.data(f"APPE {FEED}")
        conn.sendall(DATA[kept:])
        conn.unwrap().close()
        reply = client.reply()
    assert reply.startswith("226")
    assert server.desk.files[0].path.read_bytes() == DATA
    assert server.files() == [FEED[1:]]
    assert client.ask("REST 400000").startswith("350")
    client.passive()
    assert client.ask("STOR /in/other.csv").startswith("554")
