"""The SFTP server: what lands and what doesn't, who gets in, what nobody gets."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from feedengine.errors import ConfigError, FeedEngineError, NotFound, TransportError
from feedengine.settings.kinds import Secret
from feedengine.transport.connecting import connect
from feedengine.transport.landing import Home, names
from feedengine.transport.remote import Remote

from .desk import refusing
from .raw_sftp import TRUNC, WRITE, Raw
from .remote_contract import DATA, RemoteContract
from .sftp_server import NAME, PASSWORD, Server

FEED = "key_a_Products_sync_2026-11-21-02-00-00.csv"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("sftp"))
    yield server
    server.stop()


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """The running server with an empty home and a desk that takes everything."""
    running.desk.files.clear()
    running.part.events.clear()
    running.desk.refuse = running.desk.refuse_landed = lambda virtual: None
    for path in sorted(running.home.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if path.parent != running.home:
                path.rmdir()
        else:
            path.unlink()
    yield running
    running.accounts.change(NAME, may="lrwdnm", disabled=False, quota=0, most_connections=0)


@pytest.fixture
def remote(server: Server) -> Iterator[Remote]:
    with connect(server.place("/in")) as opened:
        yield opened


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.csv"
    path.write_bytes(DATA)
    return path


@pytest.mark.feature("P3", "P14")
class TestOurServer(RemoteContract):
    replaces = False
    resumes = False
    renames_folders = False


@pytest.fixture
def raw(server: Server) -> Iterator[Raw]:
    opened = Raw(server)
    yield opened
    if not opened.loop.is_closed():
        opened.leave()


@pytest.mark.feature("C35", "W1")
def test_a_closed_file_has_landed(server: Server, remote: Remote, source: Path) -> None:
    remote.put(source, FEED)
    [landed] = server.desk.files
    assert (landed.virtual, landed.bytes, landed.protocol, landed.eof) == (f"/in/{FEED}", len(DATA), "sftp", "clean")
    assert landed.sha256 == hashlib.sha256(DATA).hexdigest() and landed.peer == "127.0.0.1"
    assert landed.account.name == NAME and landed.path.read_bytes() == DATA
    [event] = server.events("sftp.upload")
    assert event["sha256"] == landed.sha256 and event["user"] == NAME and event["peer"] == "127.0.0.1"


@pytest.mark.parametrize("written", [0, 1, 100_000])
def test_a_connection_that_dies_lands_nothing(server: Server, raw: Raw, written: int) -> None:
    file = raw.open(f"/in/{FEED}", TRUNC)
    if written:
        raw.run(file.write(DATA[:written]))
    raw.die()
    [event] = server.wait_for("sftp.upload_incomplete")
    assert event["bytes"] == written
    assert server.desk.files == [] and not (server.home / "in" / FEED).exists()
    # What came is kept for a resume, and nothing is kept of nothing.
    assert len(list((server.home / "in").iterdir())) == bool(written)


def test_a_polite_goodbye_without_close_lands_nothing(server: Server, raw: Raw) -> None:
    file = raw.open(f"/in/{FEED}", TRUNC)
    raw.run(file.write(DATA[:100]))
    raw.sftp.exit()
    raw.leave()
    server.wait_for("sftp.upload_incomplete")
    assert server.desk.files == []


@pytest.mark.feature("T12")
def test_an_upload_goes_on_where_it_was_cut(server: Server, raw: Raw, source: Path) -> None:
    file = raw.open(f"/in/{FEED}", TRUNC)
    raw.run(file.write(DATA[:1_000_000]))
    raw.die()
    server.wait_for("sftp.upload_incomplete")
    with connect(server.place("/in")) as remote:
        assert remote.size(FEED) == 1_000_000 and remote.list() == []
        remote.put(source, FEED, offset=1_000_000)
    [landed] = server.desk.files
    assert landed.path.read_bytes() == DATA and landed.sha256 == hashlib.sha256(DATA).hexdigest()
    assert [path.name for path in (server.home / "in").iterdir()] == [FEED]


def test_what_was_kept_is_not_mixed_into_another_upload(server: Server, raw: Raw) -> None:
    file = raw.open(f"/in/{FEED}", TRUNC)
    raw.run(file.write(b"old content, longer than the new one"))
    raw.die()
    server.wait_for("sftp.upload_incomplete")
    again = Raw(server)
    file = again.open(f"/in/{FEED}", WRITE)
    again.run(file.write(b"new", 0))
    again.run(file.close())
    again.leave()
    assert server.desk.files[0].path.read_bytes() == b"new"


def test_a_resume_that_sends_nothing_makes_no_file(server: Server, raw: Raw) -> None:
    file = raw.open(f"/in/{FEED}", TRUNC)
    raw.run(file.write(b"half"))
    raw.die()
    server.wait_for("sftp.upload_incomplete")
    again = Raw(server)
    file = again.open(f"/in/{FEED}", WRITE)
    with pytest.raises(asyncssh.SFTPFailure):
        again.run(file.close())
    assert server.desk.files == [] and again.run(again.sftp.getsize(f"/in/{FEED}")) == 4
    file = again.open(f"/in/{FEED}", WRITE | asyncssh.FXF_APPEND)
    again.run(file.write(b" and half"))
    again.run(file.close())
    again.leave()
    assert server.desk.files[0].path.read_bytes() == b"half and half"


def test_blocks_may_come_in_any_order_but_all_must_come(server: Server, raw: Raw) -> None:
    blocks = [(2, b"cc"), (0, b"aa"), (6, b"dd"), (4, b"xx")]
    file = raw.open("/in/whole.csv", TRUNC)
    for offset, data in blocks:
        raw.run(file.write(data, offset))
    raw.run(file.close())
    assert server.desk.files[0].path.read_bytes() == b"aaccxxdd"
    assert server.desk.files[0].sha256 == hashlib.sha256(b"aaccxxdd").hexdigest()
    file = raw.open("/in/holes.csv", TRUNC)
    for offset, data in blocks[:3]:
        raw.run(file.write(data, offset))
    with pytest.raises(asyncssh.SFTPFailure, match="never came"):
        raw.run(file.close())
    assert len(server.desk.files) == 1 and raw.run(raw.sftp.getsize("/in/holes.csv")) == 4


@pytest.mark.feature("C23")
def test_a_feed_is_never_replaced(server: Server, remote: Remote, source: Path, tmp_path: Path) -> None:
    remote.put(source, FEED)
    (tmp_path / "other").write_bytes(b"other")
    for attempt in (
        lambda: remote.put(tmp_path / "other", FEED),
        lambda: remote.put(tmp_path / "other", FEED, offset=1),
    ):
        with pytest.raises(TransportError):
            attempt()
    remote.put(tmp_path / "other", "x.part")
    with pytest.raises(TransportError, match="exists already"):
        remote.rename("x.part", FEED)
    assert len(server.desk.files) == 1 and (server.home / "in" / FEED).read_bytes() == DATA


@pytest.mark.feature("W10")
def test_a_temporary_name_lands_when_it_is_renamed(server: Server, remote: Remote, source: Path) -> None:
    remote.put(source, f"{FEED}.part")
    assert server.desk.files == []
    remote.rename(f"{FEED}.part", FEED)
    [landed] = server.desk.files
    assert landed.virtual == f"/in/{FEED}" and landed.sha256 == hashlib.sha256(DATA).hexdigest()
    assert server.events("sftp.rename")[0]["landed"] is True


def test_what_the_engine_refuses_is_told_and_not_kept(server: Server, remote: Remote, source: Path) -> None:
    server.desk.refuse = refusing("the name says nothing")
    with pytest.raises(TransportError, match="the name says nothing"):
        remote.put(source, FEED)
    server.desk.refuse = lambda virtual: None
    server.desk.refuse_landed = refusing("the queue is full", later=True)
    with pytest.raises(TransportError, match="the queue is full"):
        remote.put(source, FEED)
    assert [path.name for path in (server.home / "in").iterdir()] == []
    assert len(server.events("sftp.refused")) == 2


def test_a_bug_of_ours_is_logged_and_not_told(server: Server, remote: Remote, source: Path) -> None:
    def broken(virtual: str) -> None:
        raise RuntimeError("secret detail")

    server.desk.refuse = broken
    with pytest.raises(TransportError) as failed:
        remote.put(source, FEED)
    assert "secret" not in str(failed.value.as_dict())
    assert "secret detail" in server.events("sftp.fault")[0]["why"]


def test_engine_folders_are_read_only(server: Server, remote: Remote, source: Path) -> None:
    (server.home / "processed" / "done.csv").write_bytes(b"done")
    assert remote.size("/processed/done.csv") == 4
    for attempt in (
        lambda: remote.put(source, "/processed/x.csv"),
        lambda: remote.put(source, "/reports/x.csv"),
        lambda: remote.make_folder("/export/mine"),
        lambda: remote.rename("/processed", "/mine"),
    ):
        with pytest.raises(TransportError):
            attempt()
    assert server.desk.files == []


@pytest.mark.feature("P14")
@pytest.mark.parametrize(
    "path", ["/../../secret", "../../secret", "/in/../../secret", "/in/link", "/in/folder/secret", "/in/./..//secret"]
)
def test_nobody_gets_out_of_the_home(server: Server, remote: Remote, tmp_path: Path, path: str) -> None:
    (server.root / "homes" / "secret").write_bytes(b"secret")
    (server.home / "in" / "link").symlink_to(server.root / "secret")
    (server.home / "in" / "folder").symlink_to(server.root)
    assert remote.size(path) is None
    with pytest.raises((NotFound, TransportError)):
        remote.get(path, tmp_path / "got")
    with pytest.raises((NotFound, TransportError)):
        remote.delete(path)
    assert (server.root / "secret").exists() and (server.root / "homes" / "secret").exists()


def test_odd_paths_are_answered(server: Server, raw: Raw) -> None:
    for path in (b"/in/\xff\xfe", b"/in/a\0b", b"/in/a\nb", b"/in/" + b"x" * 300, b"/" + b"a/" * 3000):
        for attempt in (raw.sftp.open(path, TRUNC), raw.sftp.stat(path), raw.sftp.mkdir(path)):
            with pytest.raises(asyncssh.SFTPError):
                raw.run(attempt)
    assert raw.run(raw.sftp.realpath("/in/../in/./x")) == "/in/x" and raw.run(raw.sftp.getcwd()) == "/"
    assert server.desk.files == []


def test_links_and_copies_are_not_made(server: Server, raw: Raw, remote: Remote, source: Path) -> None:
    remote.put(source, "a.tmp")
    for attempt in (
        raw.sftp.symlink("/in/a.tmp", "/in/b.tmp"),
        raw.sftp.link("/in/a.tmp", "/in/b.tmp"),
        raw.sftp.readlink("/in/a.tmp"),
        raw.sftp.statvfs("/"),
    ):
        with pytest.raises(asyncssh.SFTPError):
            raw.run(attempt)
    assert raw.run(raw.sftp.listdir("/in")) == ["a.tmp"]


@pytest.mark.feature("P4")
def test_a_folder_with_very_many_files_is_listed_a_part_at_a_time(
    server: Server, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {f"{number}.csv" for number in range(1000)}
    for name in wanted:
        (server.home / "in" / name).touch()
    assert set(raw.run(raw.sftp.listdir("/in"))) == wanted
    seen: list[str] = []
    monkeypatch.setattr(names, "hidden", lambda virtual: bool(seen.append(virtual)))
    entries = Home(server.home).entries("/in")
    next(entries)
    entries.close()
    assert len(seen) == 1, "no more than was asked for is looked at"
    with pytest.raises(asyncssh.SFTPNoSuchFile):
        raw.run(raw.sftp.listdir("/nothing"))


def test_nothing_but_files_is_served(raw: Raw) -> None:
    for attempt in (
        lambda: raw.connection.create_process("id"),
        lambda: raw.connection.create_process(),
        lambda: raw.connection.create_process("scp -t /"),
        lambda: raw.connection.create_session(asyncssh.SSHClientSession, subsystem="other"),
        lambda: raw.connection.open_connection("127.0.0.1", 22),
        lambda: raw.connection.open_unix_connection("/tmp/x"),
        lambda: raw.connection.start_server(lambda *_: None, "127.0.0.1", 0),
        lambda: raw.connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 22),
    ):
        with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ChannelListenError)):
            raw.run(attempt())
    assert raw.run(raw.sftp.listdir("/")) != []


@pytest.mark.parametrize(
    ("letter", "verb"),
    [
        ("l", lambda remote, source, to: remote.list()),
        ("r", lambda remote, source, to: remote.get("a.tmp", to)),
        ("w", lambda remote, source, to: remote.put(source, "b.tmp")),
        ("d", lambda remote, source, to: remote.delete("a.tmp")),
        ("n", lambda remote, source, to: remote.rename("a.tmp", "b.tmp")),
        ("m", lambda remote, source, to: remote.make_folder("new")),
    ],
)
def test_permissions(server: Server, remote: Remote, source: Path, tmp_path: Path, letter: str, verb: Any) -> None:
    remote.put(source, "a.tmp")
    server.accounts.change(NAME, may="lrwdnm".replace(letter, ""))
    with pytest.raises(TransportError, match="may not"):
        verb(remote, source, tmp_path / "to")
    server.accounts.change(NAME, may="lrwdnm")
    verb(remote, source, tmp_path / "to")


def test_a_quota_and_a_full_disk_are_told(server: Server, remote: Remote, source: Path, tmp_path: Path) -> None:
    server.accounts.change(NAME, quota=1_000_000)
    with pytest.raises(TransportError, match="larger than"):
        remote.put(source, FEED)
    assert server.desk.files == []
    server.accounts.change(NAME, quota=0)
    remote.put(source, FEED)


def test_a_download_is_in_the_log(server: Server, remote: Remote, source: Path, tmp_path: Path) -> None:
    remote.put(source, FEED)
    remote.get(FEED, tmp_path / "back")
    [event] = server.wait_for("sftp.download")
    assert (event["path"], event["bytes"], event["user"]) == (f"/in/{FEED}", len(DATA), NAME)


def test_times_are_kept_and_modes_are_not(server: Server, raw: Raw) -> None:
    file = raw.open("/in/a.csv", TRUNC)
    raw.run(file.write(b"data"))
    raw.run(file.utime((1_700_000_000, 1_700_000_000)))
    raw.run(file.close())
    path = server.home / "in" / "a.csv"
    assert path.stat().st_mtime == 1_700_000_000
    raw.run(raw.sftp.chmod("/in/a.csv", 0o4777))
    assert not path.stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)
    with pytest.raises(asyncssh.SFTPError):
        raw.run(raw.sftp.truncate("/in/a.csv", 1))
    assert path.read_bytes() == b"data"


def test_reading_what_is_being_written_is_refused(raw: Raw) -> None:
    file = raw.open("/in/a.csv", TRUNC | asyncssh.FXF_READ)
    with pytest.raises(asyncssh.SFTPPermissionDenied):
        raw.run(file.read(10, 0))
    raw.run(file.write(b"data"))
    raw.run(file.close())
    file = raw.open("/in/a.csv", asyncssh.FXF_READ)
    with pytest.raises(asyncssh.SFTPPermissionDenied):
        raw.run(file.write(b"x"))


def test_open_files_and_channels_are_bounded(server: Server, raw: Raw) -> None:
    for number in range(64):
        raw.open(f"/in/{number}.csv", TRUNC)
    with pytest.raises(asyncssh.SFTPFailure, match="64"):
        raw.open("/in/64.csv", TRUNC)
    for _ in range(9):
        raw.run(raw.connection.start_sftp_client())
    with pytest.raises(asyncssh.ChannelOpenError):
        raw.run(raw.connection.start_sftp_client())
    again = Raw(server)
    for _ in range(15):
        channel = again.run(again.connection.start_sftp_client())
        channel.exit()
        again.run(channel.wait_closed())
    again.leave()
    raw.die()
    server.wait_for("sftp.upload_incomplete", 64)
    assert list((server.home / "in").iterdir()) == []


# Who gets in


def test_a_wrong_password_is_refused_and_no_secret_is_logged(server: Server) -> None:
    for user, password in ((NAME, "wrong wrong wrong"), ("nobody", PASSWORD), ("", "x")):
        with pytest.raises(FeedEngineError) as refused:
            connect(replace(server.place(), user=user, password=Secret(password)))
        assert refused.value.code in ("TRANSPORT_LOGIN", "TRANSPORT_CUT")
    assert {each["why"] for each in server.events("sftp.login_failed")} == {"password", "unknown"}
    assert "wrong wrong" not in str(server.part.events) and PASSWORD not in str(server.part.events)


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_a_public_key_logs_in(server: Server, tmp_path: Path, kind: str) -> None:
    key = asyncssh.generate_private_key(kind)
    key.write_private_key(tmp_path / "id")
    place = replace(server.place(), password=Secret(""), key_file=str(tmp_path / "id"))
    with pytest.raises(TransportError) as refused:
        connect(place)
    assert refused.value.code == "TRANSPORT_LOGIN"
    added = server.accounts.add_key(NAME, key.export_public_key().decode())
    with connect(place) as remote:
        assert remote.list("/in") == []
    server.accounts.remove_key(NAME, added.fingerprint)
    with pytest.raises(TransportError):
        connect(place)


def test_its_numbers_lie_where_the_metrics_look(server: Server) -> None:
    numbers = server.part.store.root / "run" / "sftp.json"
    until = time.monotonic() + 120
    # The look whether it is up may still count as a session.
    while not numbers.exists() or json.loads(numbers.read_text())["sessions"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert json.loads(numbers.read_text())["pid"] == os.getpid()


def test_an_account_that_is_disabled_meanwhile_is_not_served_on(server: Server, remote: Remote) -> None:
    assert remote.list() == []
    server.accounts.change(NAME, disabled=True)
    with pytest.raises(TransportError):
        remote.list()


def test_connections_of_an_account_are_limited(server: Server, remote: Remote) -> None:
    server.accounts.change(NAME, most_connections=2)
    with connect(server.place()), pytest.raises(TransportError):
        connect(server.place())
    with connect(server.place()) as second:
        assert second.list("/in") == []


def test_the_host_keys_are_made_once_and_private(server: Server) -> None:
    folder = server.root / "ssh"
    for name in ("host_ed25519", "host_rsa"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {each.split()[0] for each in server.part.facts["host_keys"]} == {"ssh-ed25519", "ssh-rsa"}


def test_the_third_wrong_password_ends_the_connection(server: Server) -> None:
    tried: list[str] = []

    class Guessing(asyncssh.SSHClient):
        def password_auth_requested(self) -> str:
            tried.append("wrong wrong wrong")
            return tried[-1]

    with pytest.raises((asyncssh.DisconnectError, OSError)):
        Raw(server, password=None, client_factory=Guessing)
    assert len(tried) == 3
    assert len(server.wait_for("sftp.login_failed", 3)) == 3


# Servers of their own


def test_guessing_is_banned_for_all_protocols(tmp_path: Path) -> None:
    server = Server(tmp_path, FEEDENGINE_ACCOUNTS_BAN_SCORE="3")
    try:
        for _ in range(8):
            with pytest.raises(FeedEngineError):
                connect(server.place(password=Secret("wrong wrong wrong")))
        with pytest.raises(FeedEngineError):
            connect(server.place())
        assert server.events("sftp.turned_away")[-1]["why"] == "banned"
        assert (server.root / "run" / "bans.json").exists()
    finally:
        server.stop()


def test_limits_of_connections_and_garbage(tmp_path: Path) -> None:
    server = Server(tmp_path, FEEDENGINE_SFTP_MAX_PER_ADDRESS="2", FEEDENGINE_SFTP_LOGIN_TIMEOUT="2")
    try:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        with pytest.raises(FeedEngineError):
            connect(server.place())
        assert server.wait_for("sftp.turned_away")[0]["why"] == "too many connections from this address"
        for each in idle:
            each.sendall(b"GET / HTTP/1.0\r\n\r\n" * 10_000)
            each.close()
        server.wait_for("sftp.protocol", 2)
        with connect(server.place()) as remote:
            assert remote.list("/in") == []
        silent = socket.create_connection(("127.0.0.1", server.port))
        silent.settimeout(60)
        while silent.recv(4096):
            pass
        silent.close()
    finally:
        server.stop()


def test_a_stop_lets_a_transfer_end_and_takes_nothing_new(tmp_path: Path) -> None:
    server = Server(tmp_path)
    busy, idle = Raw(server), Raw(server)
    file = busy.open(f"/in/{FEED}", TRUNC)
    busy.run(file.write(b"first "))
    server.part.stopping.set()
    idle.run(idle.connection.wait_closed())
    idle.loop.close()
    server.wait_for("sftp.draining")
    with pytest.raises(asyncssh.SFTPFailure):
        busy.open("/in/another.csv", TRUNC)
    with pytest.raises((FeedEngineError, OSError)):
        connect(server.place())
    busy.run(file.write(b"and last"))
    busy.run(file.close())
    busy.run(busy.connection.wait_closed())
    busy.loop.close()
    server.stop()
    assert server.desk.files[0].path.read_bytes() == b"first and last"
    assert server.events("sftp.stopped")[0]["cut_off"] == 0


def test_a_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    server = Server(tmp_path, FEEDENGINE_SFTP_DRAIN_TIMEOUT="0.1")
    busy = Raw(server)
    file = busy.open(f"/in/{FEED}", TRUNC)
    busy.run(file.write(b"first "))
    server.stop()
    busy.die()
    assert server.desk.files == [] and server.events("sftp.upload_incomplete")
    assert len(list((server.home / "in").iterdir())) == 1


def test_idle_connections_are_ended_and_settings_are_read_anew(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        idle = Raw(server)
        from feedengine.settings import Settings

        server.part.settings = Settings.load(
            None, {"FEEDENGINE_SFTP_IDLE_TIMEOUT": "1", "FEEDENGINE_LANDING_MAX_FILE": "10"}
        )
        server.part.reloading.set()
        idle.run(idle.connection.wait_closed())
        idle.loop.close()
        with connect(server.place("/in")) as remote:
            (tmp_path / "big").write_bytes(b"x" * 11)
            with pytest.raises(TransportError, match="larger"):
                remote.put(tmp_path / "big", FEED)
    finally:
        server.stop()


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=str(port)):
            Server(tmp_path, FEEDENGINE_SFTP_PORT=str(port))


def test_without_asyncssh_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from feedengine.transport.sftp import run

    monkeypatch.setitem(sys.modules, "asyncssh", None)
    with pytest.raises(ConfigError) as refused:
        run(None, None)  # type: ignore[arg-type]
    assert refused.value.hints[0].argv == ("pip", "install", "feedengine[sftp]")


def test_uploads_at_once_all_land(server: Server, tmp_path: Path) -> None:
    def send(number: int) -> None:
        path = tmp_path / f"{number}"
        path.write_bytes(DATA[: 200_000 + number])
        with connect(server.place("/in")) as remote:
            remote.put(path, f"key_a_Products_delta_2026-11-21-02-00-{number:02}.csv")

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(server.desk.files) == 8
    assert all(each.sha256 == hashlib.sha256(DATA[: each.bytes]).hexdigest() for each in server.desk.files)
    assert len(os.listdir(server.home / "in")) == 8
