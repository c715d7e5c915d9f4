"""What attackers and odd clients try: injection before TLS, clear data, other people's data connections, paths."""

from __future__ import annotations

import ftplib
import gzip
import os
import socket
import ssl
import time
from pathlib import Path

import pytest

from transport.ftps.rig import PASSWORD, Line, Rig, in_the_end, rig

FEED = "/in/key_main_sync_2026-11-21-02-00-00.csv"


@pytest.mark.feature("W19")
def test_nothing_is_done_before_tls(server: Rig) -> None:
    line = server.plain()
    for command in (b"USER anna", b"PASS x"):
        line.send(command + b"\r\n")
        assert line.reply().startswith("530")
    line.send(b"PROT P\r\n")
    assert line.reply().startswith("503")
    for command in (b"LIST", b"PASV", b"STOR x", b"CWD /"):
        line.send(command + b"\r\n")
        assert line.reply().startswith("530")
    assert server.door.checks == 0


def test_commands_behind_auth_in_the_clear_are_dropped(server: Rig) -> None:
    line = server.plain()
    line.send(b"AUTH TLS\r\nFEAT\r\nUSER injected\r\nNO")
    assert line.reply().startswith("234")
    line.secure(server.tls())
    assert line.silent()
    line.send(b"NOOP\r\n")
    assert line.reply().startswith("200")  # and not "NONOOP"
    line.send(b"AUTH TLS\r\n")
    assert line.reply().startswith("503")


def test_data_is_private_or_not_at_all(server: Rig) -> None:
    client = server.connect(user=None)
    client.login("anna", PASSWORD, secure=False)
    for command in ("PASV", "EPSV"):
        assert client.ask(command).startswith("521")
    client.prot_p()
    client.passive()
    assert client.ask("PROT C").startswith("534")
    assert client.ask("PROT S").startswith("534")
    assert client.ask(f"STOR {FEED}").startswith("125")
    # Clear bytes on the private connection are no upload.
    conn = client.opened[-1]
    conn.sendall(b"id\n1\n" * 100)
    conn.close()
    assert client.reply().startswith("522")
    assert server.files() == []


def test_active_mode_says_what_to_do(server: Rig) -> None:
    client = server.connect()
    for command in ("PORT 127,0,0,1,200,10", "PORT 10,0,0,1,0,22", "EPRT |1|127.0.0.1|5000|"):
        reply = client.ask(command)
        assert reply.startswith("502") and "passive" in reply
    assert client.ask(f"STOR {FEED}").startswith("425")


def test_a_data_connection_from_elsewhere_is_closed(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate) as server:
        client = server.connect()
        _, port = client.makepasv()
        with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0), timeout=60) as stranger:
            assert stranger.recv(1) == b""
        [event] = server.said("ftps.foreign_data")
        assert event == {"peer": "127.0.0.2", "port": port}
        # And whom it was for still gets through.
        conn = client.wrap(socket.create_connection(("127.0.0.1", port), timeout=60))
        assert client.ask(f"STOR {FEED}")[:3] in ("125", "150")
        conn.sendall(b"x")
        conn.unwrap().close()
        assert client.reply().startswith("226")


def test_nobody_is_expected_on_a_port_that_was_not_announced(server: Rig) -> None:
    for port in server.options.passive_ports:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as stranger:
            assert stranger.recv(1) == b""


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_another_sessions_ticket_does_not_pass_where_reuse_is_required(
    tmp_path: Path, certificate: Path, version: str
) -> None:
    with rig(tmp_path, certificate, session_reuse="require") as server:
        attacker, victim = server.connect(version), server.connect(version)
        assert victim.put(FEED, b"x").startswith("226")
        assert server.said("ftps.upload")[0]["reused"] is True
        # The attacker is the first to connect to the victim's port, with the best ticket that it has.
        with pytest.raises((ssl.SSLError, ConnectionError)):
            stolen = attacker.wrap(victim.passive())
            assert not stolen.session_reused
            assert stolen.recv(1) == b""
            raise ConnectionError
        assert victim.ask(f"STOR {FEED}2").startswith("522")
        victim.reuse = False
        with pytest.raises((ssl.SSLError, ConnectionError, ftplib.Error)):
            victim.put("/in/other.csv", b"x")
        assert server.desk.names() == [FEED]


def test_reuse_can_be_off(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, session_reuse="off") as server:
        client = server.connect("1.3")
        assert client.sock.session is None or not client.sock.session.has_ticket  # type: ignore[union-attr]
        assert client.put(FEED, b"x").startswith("226")
        assert server.said("ftps.upload")[0]["reused"] is False


def test_old_tls_is_not_spoken(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, tls_min="1.3") as server:
        with pytest.raises(ssl.SSLError):
            server.connect("1.2")
        server.wait_for("ftps.tls_failed")
        server.connect("1.3")


@pytest.mark.feature("P14")
@pytest.mark.parametrize(
    "path",
    ["../../../etc/passwd", "/in/../../../../etc/passwd", "/in/link", "/in/away/secret", "/in/./../..//etc/passwd"],
)
def test_nothing_outside_the_home_is_reached(server: Rig, tmp_path: Path, path: str) -> None:
    client = server.connect()
    (tmp_path / "secret").write_text("secret")
    (server.home("in") / "link").symlink_to(tmp_path / "secret")
    (server.home("in") / "away").symlink_to(tmp_path)
    for command in ("SIZE", "MDTM", "DELE", "CWD", "RMD", "RNFR", "MLST", "HASH"):
        assert client.ask(f"{command} {path}").startswith("5"), command
    for command in ("RETR", "STOR", "LIST", "MLSD"):
        client.passive()
        assert client.ask(f"{command} {path}").startswith("5"), command
    assert (tmp_path / "secret").read_text() == "secret"
    assert sorted(os.listdir(tmp_path)) == ["homes", "run", "secret"]
    assert client.nlst("/in") == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"STOR /in/a\0b.csv", "553"),
        (b"DELE a\x07", "553"),
        (b"MKD a\x1b[2J", "553"),
        (b"STOR " + b"x" * 256 + b".csv", "553"),
        (b"MKD " + b"a/" * 900 + b"b", "550"),
        (b"SIZE \xff\xfe", "501"),
        (b"CWD " + b"x" * 9000, "500"),
        (b"CWD " + b"x" * 100_000 + b" DELE /in/a", "500"),
        (b"SITE EXEC sh", "500"),
        (b"STOU a", "500"),
        (b"CCC", "500"),
        (b"REIN", "502"),
        (b"USER lena", "503"),
        (b"REST -1", "501"),
        (b"REST 99999999999999999999", "501"),
        (b"MFMT 20261399000000 /in", "550"),
        (b"STOR /processed/a.csv", "553"),
        (b"MKD /reports/x", "550"),
        (b"RMD /in", "550"),
        (b"RMD /", "550"),
        (b"RNTO /in/x", "503"),
        (b"STAT /in", "502"),
        (b"XSHA256 /in/none", "550"),
        (b"LIST \xc3\x28", "501"),
    ],
)
def test_odd_commands_get_a_sober_answer(server: Rig, sent: bytes, code: str) -> None:
    client = server.connect()
    client.passive()
    client.sock.sendall(sent + b"\r\n")  # type: ignore[union-attr]
    assert client.reply().startswith(code)
    assert client.ask("NOOP").startswith("200")


def test_the_engines_folders_can_be_read_and_cleaned(server: Rig) -> None:
    client = server.connect()
    for name in ("reports", "failed"):
        (server.home(name) / "a.csv").write_text("x")
    assert client.get("/reports/a.csv") == b"x"
    assert client.ask("DELE /reports/a.csv").startswith("250")
    # A feed that failed may be moved back to be tried again.
    assert client.ask("RNFR /failed/a.csv").startswith("350")
    assert client.ask(f"RNTO {FEED}").startswith("250")
    assert server.desk.names() == [FEED]
    assert client.ask("RNFR /failed").startswith("350")
    assert client.ask("RNTO /in/failed").startswith("553")


@pytest.mark.feature("C23")
def test_feeds_are_not_replaced(server: Rig) -> None:
    client = server.connect()
    client.put(FEED, b"first")
    for command in ("STOR", "APPE"):
        client.passive()
        reply = client.ask(f"{command} {FEED}")
        assert reply.startswith("553") and "new name" in reply
    client.put("/in/b.tmp", b"second")
    client.ask("RNFR /in/b.tmp")
    assert client.ask(f"RNTO {FEED}").startswith("553")
    assert client.get(FEED) == b"first"
    assert server.desk.names() == [FEED]


def test_a_temporary_name_lands_by_renaming(server: Rig) -> None:
    client = server.connect()
    client.put("/in/.in.feed.csv.", b"id\n1\n")
    client.put("/in/feed.csv.filepart", b"id\n2\n")
    assert server.desk.files == []
    for source, target in (("/in/.in.feed.csv.", "/in/one.csv"), ("/in/feed.csv.filepart", "/in/two.csv")):
        assert client.rename(source, target).startswith("250")
    assert server.desk.names() == ["/in/one.csv", "/in/two.csv"]
    assert [event["landed"] for event in server.said("ftps.rename")] == [True, True]


def test_an_archive_sent_as_ascii_arrives_byte_for_byte(server: Rig) -> None:
    data = gzip.compress(b"\r\n\n\r" + os.urandom(100_000) + b"\n\r\n")
    client = server.connect()
    assert client.ask("TYPE A").startswith("200")
    conn = client.data("STOR /in/a.tar.gz")
    conn.sendall(data)
    conn.unwrap().close()
    assert client.reply().startswith("226")
    assert server.desk.files[0].path.read_bytes() == data
    assert client.get("/in/a.tar.gz") == data


def test_a_flood_of_commands_ends_the_session(server: Rig) -> None:
    server.door.gate.clear()
    client = server.connect(user=None)
    client.sendcmd("USER anna")
    client.sock.sendall(b"PASS x\r\n" + b"NOOP\r\n" * 1000)  # type: ignore[union-attr]
    assert client.reply().startswith("421")
    server.door.gate.set()


def test_commands_behind_a_slow_one_are_answered_in_order(server: Rig) -> None:
    client = server.connect(user=None)
    client.sock.sendall(f"USER anna\r\nPASS {PASSWORD}\r\nPWD\r\nNOOP\r\n".encode())  # type: ignore[union-attr]
    assert [client.reply()[:3] for _ in range(4)] == ["331", "230", "257", "200"]


def test_limits_of_sessions(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, max_sessions=3, max_per_account=2) as server:
        first, second = server.connect(), server.connect()
        third = server.connect(user=None)
        third.sendcmd("USER anna")
        assert third.ask(f"PASS {PASSWORD}").startswith("421")
        fourth, fifth = server.connect(user="lena"), None
        assert server.plain().reply() == ""
        assert server.said("ftps.turned_away")[0]["why"].startswith("Too many sessions")
        first.quit()
        server.wait_for("ftps.disconnect", 2)
        fifth = server.connect()
        for each in (second, fourth, fifth):
            each.quit()
    with rig(tmp_path, certificate, max_per_address=1) as server:
        first = server.connect()
        assert server.plain().reply() == ""
        assert server.said("ftps.turned_away")[0]["why"].startswith("Too many sessions from your address")


def test_who_is_banned_is_turned_away(server: Rig) -> None:
    server.door.ban = 100.0
    line = Line(socket.create_connection(("127.0.0.1", server.options.port), timeout=60))
    assert line.reply().startswith("421 Too many failed logins")
    line.close()


def test_who_does_not_log_in_or_says_nothing_is_sent_away(tmp_path: Path, certificate: Path) -> None:
    with rig(tmp_path, certificate, login_timeout=0.3, idle_timeout=0.5) as server:
        client = in_the_end(server.connect)
        line = server.plain()
        # Commands don't help: it is the login that is missing.
        until = time.monotonic() + 120
        while (reply := _noop(line)).startswith("200"):
            assert time.monotonic() < until
        assert reply.startswith("421") or reply == ""
        assert client.reply().startswith("421")


def _noop(line: Line) -> str:
    try:
        line.send(b"NOOP\r\n")
        return line.reply()
    except ConnectionError:
        return ""


def test_a_disabled_account_can_send_no_more(server: Rig) -> None:
    client = server.connect()
    del server.door.accounts["anna"]
    client.passive()
    assert client.ask(f"STOR {FEED}").startswith("553 The account was disabled")


def test_replies_tell_nothing_of_our_disk(server: Rig, tmp_path: Path) -> None:
    client = server.connect()
    said = [client.ask(f"{command} /in/none/x.csv") for command in ("SIZE", "DELE", "MKD", "MDTM", "MLST", "CWD")]
    client.passive()
    said.append(client.ask("STOR /in/none/x.csv"))
    assert str(tmp_path) not in repr(said)
    assert all(each.startswith("550") for each in said), said


def test_a_client_that_never_sends_its_hello_costs_nobody_anything(server: Rig) -> None:
    slow = server.plain()
    slow.send(b"AUTH TLS\r\n")
    client = server.connect()
    conn = client.passive()
    assert client.ask(f"STOR {FEED}").startswith("125")
    other = server.connect()
    assert other.put("/in/b.csv", b"x").startswith("226")
    conn.close()
    assert client.reply().startswith("522")
