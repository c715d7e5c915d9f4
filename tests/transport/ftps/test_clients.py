"""Other people's clients, unmodified, over TLS 1.2 and 1.3: all they do, and twenty uploads of which none is short."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from transport.ftps.rig import PASSWORD, Rig, rig

pytestmark = [pytest.mark.network_lab, pytest.mark.feature("P3")]
VERSIONS = ["1.2", "1.3"]
DATA = random.Random(11).randbytes(5_000_000)


@pytest.fixture
def ten_ports(tmp_path: Path, certificate: Path) -> Iterator[Rig]:
    with rig(tmp_path, certificate, ports=10, tls_min="1.2") as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "feed.csv"
    path.write_bytes(DATA)
    return path


def run(command: list[str], **more: object) -> subprocess.CompletedProcess[bytes]:
    """A client's run; left out where it is not installed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **more)  # type: ignore[call-overload,no-any-return]


class Curl:
    """curl: a command line for each thing."""

    def __init__(self, server: Rig, version: str) -> None:
        self.server = server
        self.url = f"ftp://localhost:{server.options.port}"
        self.common = ["curl", "-sS", "--ssl-reqd", "--cacert", str(server.certificate), "--user", f"anna:{PASSWORD}"]
        self.common += ["--tlsv1.2", "--tls-max", "1.2"] if version == "1.2" else ["--tlsv1.3"]

    def do(self, *words: str) -> bytes:
        done = run([*self.common, *words])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def put(self, file: Path, to: str) -> None:
        self.do("-T", str(file), self.url + to)

    def list(self, folder: str) -> str:
        return self.do(self.url + folder + "/").decode()

    def rename(self, source: str, target: str) -> None:
        self.do("-Q", f"RNFR {source}", "-Q", f"RNTO {target}", self.url + "/", "-o", os.devnull)

    def get(self, path: str) -> bytes:
        return self.do(self.url + path)

    def resume(self, file: Path, to: str) -> None:
        self.do("-C", "-", "-T", str(file), self.url + to)

    def delete(self, path: str) -> None:
        self.do("-Q", f"DELE {path}", self.url + "/", "-o", os.devnull)


class Lftp:
    """lftp: scripts."""

    def __init__(self, server: Rig, version: str) -> None:
        self.server = server
        other = "-VERS-ALL:+VERS-TLS" + version
        self.head = (
            f"set cmd:fail-exit true; set ssl:ca-file {server.certificate}; set ftp:ssl-force true; "
            f"set ftp:ssl-protect-data true; set net:max-retries 1; set ssl:priority NORMAL:{other}; "
            f"open -u anna,'{PASSWORD}' ftp://localhost:{server.options.port}; "
        )

    def do(self, script: str) -> bytes:
        done = run(["lftp", "-c", self.head + script], env={**os.environ, "HOME": str(self.server.store)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def put(self, file: Path, to: str) -> None:
        self.do(f"put {file} -o {to}")

    def list(self, folder: str) -> str:
        return self.do(f"cls -l {folder}/").decode()

    def rename(self, source: str, target: str) -> None:
        self.do(f"mv {source} {target}")

    def get(self, path: str) -> bytes:
        return self.do(f"cat {path}")

    def resume(self, file: Path, to: str) -> None:
        self.do(f"put -c {file} -o {to}")

    def delete(self, path: str) -> None:
        self.do(f"rm {path}")


class Rclone:
    """rclone: checks after an upload, sets times, deletes what it finds wrong."""

    def __init__(self, server: Rig, version: str) -> None:
        self.server = server
        secret = run(["rclone", "obscure", PASSWORD]).stdout.decode().strip()
        words = f"--config /dev/null --ftp-host localhost --ftp-port {server.options.port} --ftp-user anna"
        words += f" --ftp-pass {secret} --ftp-explicit-tls --ftp-no-check-certificate --retries 1 --low-level-retries 1"
        self.options = words.split()
        if version == "1.2":
            self.options.append("--ftp-disable-tls13")

    def do(self, *words: str) -> bytes:
        done = run(["rclone", *words, *self.options], env={**os.environ, "HOME": str(self.server.store)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def put(self, file: Path, to: str) -> None:
        self.do("copyto", str(file), f":ftp:{to}")

    def list(self, folder: str) -> str:
        return self.do("lsl", f":ftp:{folder}").decode()

    def rename(self, source: str, target: str) -> None:
        self.do("moveto", f":ftp:{source}", f":ftp:{target}")

    def get(self, path: str) -> bytes:
        return self.do("cat", f":ftp:{path}")

    def delete(self, path: str) -> None:
        self.do("deletefile", f":ftp:{path}")


CLIENTS = [Curl, Lftp, Rclone]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_does_everything(ten_ports: Rig, file: Path, kind: type, version: str) -> None:
    server = ten_ports
    client = kind(server, version)
    client.put(file, "/in/a.csv")
    assert server.desk.names() == ["/in/a.csv"]
    assert server.home("in/a.csv").read_bytes() == DATA
    listing = client.list("/in")
    assert "a.csv" in listing and "5000000" in listing
    client.put(file, "/in/b.tmp")
    assert server.desk.names() == ["/in/a.csv"]
    client.rename("/in/b.tmp", "/in/b.csv")
    assert server.desk.names() == ["/in/a.csv", "/in/b.csv"]
    assert client.get("/in/b.csv") == DATA
    client.delete("/in/b.csv")
    assert "b.csv" not in client.list("/in")
    if hasattr(client, "resume"):
        part = server.landing.begin(server.anna, "/in/c.csv", protocol="ftps")
        part.write(DATA[:2_000_000])
        part.abandon()
        client.resume(file, "/in/c.csv")
        assert server.home("in/c.csv").read_bytes() == DATA
        assert [each["resumed_at"] for each in server.said("ftps.upload")][-1] == 2_000_000
    assert {each["tls"] for each in server.said("ftps.upload")} == {f"TLSv{version}"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", CLIENTS)
def test_twenty_uploads_are_whole(ten_ports: Rig, file: Path, kind: type, version: str) -> None:
    server = ten_ports
    client = kind(server, version)
    for number in range(20):
        client.put(file, f"/in/{number}.csv")
    assert [each.path.read_bytes() == DATA for each in server.desk.files] == [True] * 20
    assert server.said("ftps.upload_incomplete") == []


@pytest.mark.parametrize("version", VERSIONS)
def test_twenty_uploads_with_ftplib_are_whole(ten_ports: Rig, version: str) -> None:
    client = ten_ports.connect(version)
    for number in range(20):
        assert client.put(f"/in/{number}.csv", DATA).startswith("226")
    assert [each.path.read_bytes() == DATA for each in ten_ports.desk.files] == [True] * 20


@pytest.mark.parametrize("tls_eof", ["strict", "lenient"])
def test_a_client_that_never_says_close_notify(tmp_path: Path, certificate: Path, file: Path, tls_eof: str) -> None:
    """ftp-ssl never does: strict refuses what it sends, lenient takes it, and nothing is short either way."""
    with rig(tmp_path, certificate, ports=10, tls_eof=tls_eof) as server:
        script = f"quote USER anna\nquote PASS {PASSWORD}\nquote PBSZ 0\nquote PROT P\nbinary\n"
        puts = "".join(f"put {file} /in/{number}.csv\n" for number in range(20))
        home = tmp_path / "client"
        home.mkdir()
        (home / ".netrc").write_text(f"machine localhost\nlogin anna\npassword {PASSWORD}\n")
        (home / ".netrc").chmod(0o600)
        command = ["ftp-ssl", "-p", "-n", "-v", "-z", "secure", "-z", f"cacert={certificate}"]
        command += ["localhost", str(server.options.port)]
        done = run(command, input=(script + puts + "quit\n").encode(), env={**os.environ, "HOME": str(home)})
        said = done.stdout.decode()
        assert server.said("ftps.login"), said
        assert said.count("226 Stored") == len(server.desk.files) == (20 if tls_eof == "lenient" else 0), said
        assert all(each.path.read_bytes() == DATA for each in server.desk.files)
        # Every byte came, tickets in the way or not; what was missing is the word that it was all.
        assert {each["bytes"] for each in server.said("ftps.upload_incomplete")} <= {len(DATA)}


def test_curl_speaks_implicit_tls(tmp_path: Path, certificate: Path, file: Path) -> None:
    with rig(tmp_path, certificate, ports=10, implicit_port=1) as server:
        url = f"ftps://localhost:{server.options.implicit_port}/in/a.csv"
        done = run(["curl", "-sS", "--cacert", str(certificate), "--user", f"anna:{PASSWORD}", "-T", str(file), url])
        assert done.returncode == 0, done.stderr
        assert server.home("in/a.csv").read_bytes() == DATA


@pytest.mark.parametrize(
    ("kind", "version"), [(Curl, "1.2"), (Lftp, "1.2"), (Lftp, "1.3"), (Rclone, "1.2"), (Rclone, "1.3")]
)
def test_clients_where_session_reuse_is_required(
    tmp_path: Path, certificate: Path, file: Path, kind: type, version: str
) -> None:
    with rig(tmp_path, certificate, ports=10, session_reuse="require") as server:
        kind(server, version).put(file, "/in/a.csv")
        assert server.said("ftps.upload")[0]["reused"] is True
