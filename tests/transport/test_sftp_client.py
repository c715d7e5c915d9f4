"""The SFTP client against OpenSSH's server: the contract of a remote, keys of hosts and of ours, what goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from feedengine.errors import ConfigError, TransportError
from feedengine.settings.kinds import Secret
from feedengine.transport import sftp_client
from feedengine.transport.connecting import connect
from feedengine.transport.remote import Place, Remote
from feedengine.transport.sftp_client import SftpRemote

from .remote_contract import DATA, RemoteContract
from .sshd import Sshd


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    running = Sshd(tmp_path_factory.mktemp("sshd"))
    yield running
    running.stop()


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def remote(sshd: Sshd, there: Path) -> Iterator[Remote]:
    with connect(sshd.place(there)) as opened:
        yield opened


@pytest.mark.network_lab
@pytest.mark.feature("P3", "L30")
class TestOpenSSH(RemoteContract):
    pass


@pytest.mark.network_lab
def test_gcm_is_chosen(sshd: Sshd, there: Path) -> None:
    with SftpRemote(sshd.place(there)) as remote:
        assert remote._connection is not None
        assert remote._connection.get_extra_info("send_cipher") == "aes128-gcm@openssh.com"


@pytest.mark.network_lab
@pytest.mark.parametrize("which", ["line", "bare", "rsa", "fingerprint", "rsa fingerprint", "both"])
def test_known_host_may_be_said_in_several_ways(sshd: Sshd, there: Path, which: str) -> None:
    bare = [each.with_suffix(".pub").read_text().rsplit(" ", 1)[0] for each in sshd.host_keys]
    listed = [
        subprocess.run(["ssh-keygen", "-l", "-f", str(each)], capture_output=True, text=True, check=True).stdout.split()
        for each in sshd.host_keys
    ]
    known = {
        "line": f"# a comment\n[other.example.com]:2222 {bare[0]}\n",
        "bare": bare[0],
        "rsa": bare[1],
        "fingerprint": listed[0][1],
        "rsa fingerprint": listed[1][1],
        "both": "\n".join(bare),
    }[which]
    with connect(sshd.place(there, known_host=known)) as remote:
        assert remote.list() == []


@pytest.mark.network_lab
def test_an_unknown_host_is_told_nothing(sshd: Sshd, there: Path) -> None:
    other = sshd.client_key.with_suffix(".pub").read_text()
    for known, word in (("", "don't say"), (other, "another key"), ("SHA256:abc", "another key")):
        with pytest.raises(TransportError, match=word) as refused:
            connect(sshd.place(there, known_host=known))
        assert refused.value.code == "TRANSPORT_HOSTKEY"
        assert "known_host = 'ssh-ed25519 AAAA" in refused.value.hints[0].text
    with connect(sshd.place(there, known_host="off")) as remote:
        assert remote.list() == []


@pytest.mark.parametrize("known", ["nonsense", "ssh-ed25519", "ssh-ed25519 AAAA", "@revoked * ssh-ed25519 AAAA"])
def test_a_known_host_that_is_none_is_a_mistake_in_the_settings(known: str) -> None:
    with pytest.raises(ConfigError):
        connect(Place("sftp", "/", host="127.0.0.1", port=1, user="x", known_host=known))


@pytest.mark.network_lab
def test_a_wrong_login_says_what_to_check(sshd: Sshd, there: Path, tmp_path: Path) -> None:
    with pytest.raises(TransportError) as refused:
        connect(replace(sshd.place(there), key_file="", password=Secret("hunter2 hunter2")))
    assert refused.value.code == "TRANSPORT_LOGIN" and refused.value.hints
    assert "hunter2" not in str(refused.value.as_dict())
    (tmp_path / "nokey").write_text("no key")
    with pytest.raises(TransportError) as refused:
        connect(sshd.place(there, key_file=str(tmp_path / "nokey")))
    assert refused.value.code == "TRANSPORT_LOGIN" and "nokey" in refused.value.message


@pytest.mark.network_lab
def test_a_key_with_a_passphrase(sshd: Sshd, there: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.write_bytes(sshd.client_key.read_bytes())
    locked.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", str(locked)], check=True)
    if find_spec("bcrypt"):
        with connect(sshd.place(there, key_file=str(locked), password=Secret("open sesame"))) as remote:
            assert remote.list() == []
    with pytest.raises(TransportError) as refused:
        connect(sshd.place(there, key_file=str(locked)))
    assert refused.value.code == "TRANSPORT_LOGIN" and "passphrase" in refused.value.hints[0].text


@pytest.mark.network_lab
def test_a_relative_place_is_below_the_logins_folder(sshd: Sshd) -> None:
    with connect(sshd.place(Path("."))) as remote:
        assert {entry.name for entry in remote.list()} <= set(os.listdir(Path.home()))


@pytest.mark.network_lab
def test_links_count_as_what_they_lead_to(remote: Remote, there: Path) -> None:
    (there / "file").write_bytes(b"12345")
    (there / "link").symlink_to("file")
    (there / "nowhere").symlink_to("gone")
    (there / "folder").mkdir()
    (there / "to_folder").symlink_to("folder")
    os.mkfifo(there / "pipe")
    assert [(each.name, each.bytes) for each in remote.list()] == [("file", 5), ("link", 5)]


@pytest.mark.network_lab
def test_a_connection_that_died_is_made_anew(remote: Remote, sshd: Sshd, there: Path) -> None:
    (there / "a").write_bytes(b"x")
    assert remote.size("a") == 1
    # The sessions' own processes: children of the one that listens.
    children = subprocess.run(
        ["ps", "--ppid", str(sshd.process.pid), "-o", "pid="], capture_output=True, text=True, check=True
    ).stdout.split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    with pytest.raises(TransportError) as lost:
        remote.size("a")
    assert lost.value.code == "TRANSPORT_CUT"
    assert remote.size("a") == 1


def test_who_does_not_speak_ssh_or_not_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def greet() -> None:
            peer, _ = server.accept()
            with peer, suppress(OSError):
                peer.sendall(b"220 FTP server ready\r\n" * 3000)
                peer.settimeout(5)
                while peer.recv(1000):
                    pass

        thread = threading.Thread(target=greet)
        thread.start()
        place = Place("sftp", "/", host="127.0.0.1", port=port, user="x", known_host="off", timeout=3)
        with pytest.raises(TransportError):
            connect(place)
        thread.join()
        with pytest.raises(TransportError) as silent:
            connect(replace(place, timeout=0.2))
        assert silent.value.code == "TRANSPORT_CONNECT"
    with pytest.raises(TransportError, match="nothing listens") as refused:
        connect(place)
    assert refused.value.code == "TRANSPORT_CONNECT"


@pytest.mark.network_lab
def test_a_file_that_changes_while_it_is_loaded_is_none(
    remote: Remote, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = there / "shrinks"
    path.write_bytes(DATA)

    def shrink(done: int) -> None:
        os.truncate(path, 1_500_000)

    monkeypatch.setattr(sftp_client, "paced", lambda progress: shrink)
    with pytest.raises(TransportError) as cut:
        remote.get("shrinks", tmp_path / "back")
    assert cut.value.code == "TRANSPORT_CHANGED"


@pytest.mark.network_lab
def test_a_file_that_is_put_over_a_longer_one_is_as_long_as_ours(remote: Remote, there: Path, tmp_path: Path) -> None:
    (there / "long").write_bytes(DATA + b"more")
    (tmp_path / "ours").write_bytes(DATA)
    remote.put(tmp_path / "ours", "long", offset=1000)
    assert (there / "long").read_bytes() == DATA
    with pytest.raises(TransportError) as cut:
        (there / "short").write_bytes(b"x")
        remote.put(tmp_path / "ours", "short", offset=1000)
    assert cut.value.code == "TRANSPORT_CUT" and (there / "short").read_bytes() == b"x"
