"""Logging in, uploading, listing, renaming, downloading, deleting, over TLS 1.2 and 1.3."""

from __future__ import annotations

import ftplib
import hashlib
import random

import pytest

from transport.ftps.rig import PASSWORD, Rig

FEED = "/in/key_main_sync_2026-11-21-02-00-00.csv"


@pytest.mark.feature("W19", "P3")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_everything_a_client_does(server: Rig, version: str) -> None:
    data = random.Random(1).randbytes(3_000_000)
    client = server.connect(version)
    reply = client.put(FEED, data)
    digest = hashlib.sha256(data).hexdigest()
    assert reply.startswith("226") and digest in reply
    assert [file.sha256 for file in server.desk.files] == [digest]
    assert client.size(FEED) == len(data)
    assert client.get(FEED) == data
    assert client.get(FEED, rest=2_999_000) == data[2_999_000:]
    assert client.ask(f"HASH {FEED}") == f"213 SHA-256 0-{len(data)} {digest} {FEED}"
    assert client.ask(f'XSHA256 "{FEED}"') == f"250 {digest}"
    assert client.ask(f"MFMT 20260101000000 {FEED}").startswith("213")
    assert client.ask(f"MDTM {FEED}") == "213 20260101000000"
    assert client.ask(f"SITE CHMOD 644 {FEED}").startswith("200")
    assert client.ask(f"MLST {FEED}").splitlines()[1].endswith(FEED)
    client.cwd("/in")
    name = FEED[4:]
    assert client.nlst() == [name]
    assert [entry for entry, _ in client.mlsd()] == [name]
    [line] = client.lines("LIST -la")
    assert line.split()[4] == str(len(data)) and line.endswith(name)
    assert client.lines("NLST *.csv") == [name]
    assert client.lines("NLST *.json") == []
    assert client.ask(f"DELE {name}").startswith("250")
    assert client.nlst() == []
    client.mkd("new")
    client.rmd("new")
    assert {name for name, _ in client.mlsd("/")} == {
        *("in", "processed", "processed_with_errors", "failed", "reports", "export")
    }
    assert client.quit().startswith("221")
    [upload] = server.said("ftps.upload")
    assert upload["reused"] is True
    assert upload["tls"] == f"TLSv{version}"
    assert PASSWORD not in repr(server.events)


def test_a_password_is_not_kept(server: Rig) -> None:
    client = server.connect()
    [session] = server.server.hall.sessions
    assert session.password == ""
    assert PASSWORD not in repr(vars(session))
    client.quit()


def test_login_fails_alike_for_everybody_and_three_times(server: Rig) -> None:
    client = server.connect(user=None)
    replies = []
    for user in ("anna", "nobody", "anna"):
        assert client.ask(f"USER {user}").startswith("331")
        replies.append(client.ask("PASS wrong"))
    assert len(set(replies)) == 1 and replies[0].startswith("530")
    with pytest.raises(EOFError):
        client.reply()
    assert [each["why"] for each in server.said("ftps.login_failed")] == ["password", "unknown", "password"]
    assert "wrong" not in repr(server.events)


def test_permissions(server: Rig) -> None:
    server.connect().put(FEED, b"x")
    client = server.connect(user="reader")
    assert client.get(FEED) == b"x"
    for command in (f"DELE {FEED}", f"RNFR {FEED}", "MKD /in/x", f"MFMT 20260101000000 {FEED}"):
        assert client.ask(command).startswith("550"), command
    client.passive()
    assert client.ask("STOR /in/b.csv").startswith("550")


def test_what_the_desk_refuses_is_said(server: Rig) -> None:
    from transport.desk import refusing

    client = server.connect()
    server.desk.refuse = refusing("unknown key")
    with pytest.raises(ftplib.error_perm, match="553 Unknown key"):
        client.put(FEED, b"x")
    server.desk.refuse = lambda virtual: None
    server.desk.refuse_landed = refusing("the queue is full", later=True)
    with pytest.raises(ftplib.error_temp, match="452 The queue is full"):
        client.put(FEED, b"x")
    assert server.files() == []
    client.quit()
