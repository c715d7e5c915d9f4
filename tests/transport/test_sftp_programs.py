"""Other people's SFTP programs against our server: OpenSSH's sftp and scp, lftp, rclone, curl."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from .raw_sftp import TRUNC, Raw
from .remote_contract import DATA
from .sftp_server import NAME, PASSWORD, PLAIN, Server

pytestmark = pytest.mark.network_lab

FEED = "key_a_Products_sync_2026-11-21-02-00-00.csv"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("sftp"))
    yield running
    running.stop()


@pytest.fixture
def box(server: Server, tmp_path: Path) -> Iterator[Path]:
    """A folder with a key, the known host and a file to send; the server's home is empty."""
    server.desk.files.clear()
    server.part.events.clear()
    for path in (server.home / "in").iterdir():
        path.unlink()
    (tmp_path / "source.csv").write_bytes(DATA)
    (tmp_path / "known").write_text(server.known_hosts())
    yield tmp_path


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def call(*argv: str | Path, text: str | None = None, cwd: Path, code: int | None = 0) -> str:
    done = subprocess.run(
        [str(each) for each in argv], input=text, capture_output=True, text=True, cwd=cwd, timeout=120
    )
    if code is not None:
        assert done.returncode == code, done.stdout + done.stderr
    else:
        assert done.returncode != 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def landed(server: Server, name: str = f"/in/{FEED}") -> None:
    """The one file that arrived is whole."""
    [file] = server.desk.files
    assert file.virtual == name and file.sha256 == hashlib.sha256(DATA).hexdigest()
    assert (server.home / name.lstrip("/")).read_bytes() == DATA


@pytest.fixture
def openssh(server: Server, box: Path) -> Iterator[list[str]]:
    """Options of OpenSSH's programs."""
    program("ssh-keygen")
    call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", box / "id", cwd=box)
    key = server.accounts.add_key(PLAIN, (box / "id.pub").read_text())
    options = ("StrictHostKeyChecking=yes", f"UserKnownHostsFile={box / 'known'}", f"User={PLAIN}", "BatchMode=yes")
    yield [
        *("-F", "none", "-i", str(box / "id"), "-P", str(server.port)),
        *(word for each in options for word in ("-o", each)),
    ]
    server.accounts.remove_key(PLAIN, key.fingerprint)


@pytest.mark.feature("P3")
class TestOpenSSH:
    def sftp(self, openssh: list[str], box: Path, script: str, code: int | None = 0) -> str:
        return call(program("sftp"), *openssh, "-b", "-", "127.0.0.1", text=script, cwd=box, code=code)

    def test_put_get_list_rename_remove(self, server: Server, openssh: list[str], box: Path) -> None:
        told = self.sftp(
            openssh,
            box,
            f"cd in\nput -p source.csv {FEED}.part\nls -l\nrename {FEED}.part {FEED}\nget {FEED} back\nls\n",
        )
        assert FEED in told and "feed" in told
        landed(server)
        assert (box / "back").read_bytes() == DATA
        self.sftp(openssh, box, f"mkdir in/new\nrmdir in/new\nrm in/{FEED}\n")
        assert list((server.home / "in").iterdir()) == []

    def test_resume(self, server: Server, openssh: list[str], box: Path) -> None:
        raw = Raw(server, username=PLAIN)
        file = raw.open(f"/in/{FEED}", TRUNC)
        raw.run(file.write(DATA[:1_000_000]))
        raw.die()
        server.wait_for("sftp.upload_incomplete")
        self.sftp(openssh, box, f"reput source.csv in/{FEED}\n")
        landed(server)
        (box / "back").write_bytes(DATA[:1_000_000])
        self.sftp(openssh, box, f"reget in/{FEED} back\n")
        assert (box / "back").read_bytes() == DATA

    def test_an_existing_feed_is_not_replaced(self, server: Server, openssh: list[str], box: Path) -> None:
        self.sftp(openssh, box, f"put source.csv in/{FEED}\n")
        (box / "other.csv").write_text("other")
        self.sftp(openssh, box, f"put other.csv in/{FEED}\n", code=1)
        landed(server)

    def test_scp_uses_sftp(self, server: Server, openssh: list[str], box: Path) -> None:
        call(program("scp"), *openssh, "-s", "source.csv", f"127.0.0.1:/in/{FEED}", cwd=box)
        landed(server)

    def test_the_old_scp_and_commands_are_refused(self, server: Server, openssh: list[str], box: Path) -> None:
        call(program("scp"), *openssh, "-O", "source.csv", f"127.0.0.1:/in/{FEED}", cwd=box, code=None)
        ssh = [each if each != "-P" else "-p" for each in openssh]
        call(program("ssh"), *ssh, "127.0.0.1", "id", cwd=box, code=None)
        assert server.desk.files == []

    def test_killed_while_sending(self, server: Server, openssh: list[str], box: Path) -> None:
        with (box / "large.csv").open("wb") as file:
            file.truncate(1 << 30)
        command = [program("sftp"), *openssh, "-l", "40000", "-b", "-", "127.0.0.1"]
        running = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=box, text=True, stdout=subprocess.DEVNULL)
        assert running.stdin is not None
        running.stdin.write(f"put large.csv in/{FEED}\n")
        running.stdin.close()
        while not any(path.stat().st_size for path in (server.home / "in").iterdir()):
            assert running.poll() is None
        running.kill()
        running.wait(60)
        server.wait_for("sftp.upload_incomplete")
        assert server.desk.files == [] and not (server.home / "in" / FEED).exists()


def test_lftp(server: Server, box: Path) -> None:
    connect = f"sftp:connect-program 'ssh -a -x -F none -o UserKnownHostsFile={box / 'known'}'"
    script = (
        f"set {connect}; set net:max-retries 2; open --user '{PLAIN}' --password '{PASSWORD}' "
        f"sftp://127.0.0.1:{server.port}; cd in; put source.csv -o {FEED}; ls; get {FEED} -o back; "
        "mkdir new; rmdir new; put source.csv -o a.tmp; mv a.tmp b.tmp; rm b.tmp; bye"
    )
    told = call(program("lftp"), "--norc", "-c", script, cwd=box)
    assert FEED in told
    assert [file.virtual for file in server.desk.files] == [f"/in/{FEED}"]
    assert (server.home / "in" / FEED).read_bytes() == DATA and (box / "back").read_bytes() == DATA
    assert [path.name for path in (server.home / "in").iterdir()] == [FEED]


def test_rclone(server: Server, box: Path) -> None:
    rclone = program("rclone")
    secret = call(rclone, "obscure", PASSWORD, cwd=box).strip()
    (box / "rclone.conf").write_text(
        f"[feed]\ntype = sftp\nhost = 127.0.0.1\nport = {server.port}\nuser = {NAME}\npass = {secret}\n"
        f"known_hosts_file = {box / 'known'}\nshell_type = none\n"
    )
    common = (rclone, "--config", box / "rclone.conf", "--retries", "1")
    call(*common, "copyto", "source.csv", f"feed:in/{FEED}", cwd=box)
    landed(server)
    assert f"{len(DATA)} {FEED}" in call(*common, "ls", "feed:in", cwd=box)
    call(*common, "copyto", f"feed:in/{FEED}", "back", cwd=box)
    assert (box / "back").read_bytes() == DATA
    # Same size and time: nothing is sent again, and nothing fails.
    call(*common, "copyto", "source.csv", f"feed:in/{FEED}", cwd=box)
    call(*common, "deletefile", f"feed:in/{FEED}", cwd=box)
    assert list((server.home / "in").iterdir()) == [] and len(server.desk.files) == 1


def test_curl(server: Server, box: Path) -> None:
    curl = program("curl")
    if "sftp" not in call(curl, "-V", cwd=box).split():
        pytest.skip("this curl knows no SFTP")
    url = f"sftp://{quote(NAME)}:{quote(PASSWORD)}@127.0.0.1:{server.port}/in/{FEED}"
    call(curl, "-sS", "-k", "-T", "source.csv", url, cwd=box)
    landed(server)
    call(curl, "-sS", "-k", "-o", "back", url, cwd=box)
    assert (box / "back").read_bytes() == DATA
    call(curl, "-sS", "-k", "-T", "source.csv", url, cwd=box, code=None)
    landed(server)
