"""Other people's servers on free ports, each with a folder to serve and an account `feed`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from feedengine.settings.kinds import Secret
from feedengine.transport.remote import Place
from network.ports import free_block
from transport.lab.programs import certificate, environment, folder, program

PASSWORD = "p4ss word"
# Servers that change to an account refuse root; vsftpd wants one with a home folder.
_ACCOUNT = "daemon"
NUMBER = 1


#: Starts a server with its files below a folder.
Start = Callable[..., AbstractContextManager["Server"]]


@dataclass(frozen=True)
class Server:
    """A server that runs: how to get in, and where its files are for us."""

    place: Place
    files: Path


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    return free_block(1)[0]


@contextmanager
def base() -> Iterator[Path]:
    """A folder that every account of the machine can walk into, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="feedengine-lab-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def vsftpd(base: Path) -> Iterator[Server]:
    """vsftpd; demands that data connections reuse the TLS session. Its login is anonymous, and without MLSD."""
    binary, (cert, key), files, port = program("vsftpd"), certificate(base), _files(base), free_port()
    # vsftpd refuses a root that its account can write to.
    os.chown(files, os.getuid(), os.getgid())
    inside = files / "in"
    inside.mkdir()
    _owned(inside)
    config = base / "vsftpd.conf"
    config.write_text(f"""listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=YES
no_anon_password=NO
ftp_username={_ACCOUNT if os.getuid() == 0 else _whoami()}
{"run_as_launching_user=YES" if os.getuid() else ""}
secure_chroot_dir={_empty(base)}
anon_root={files}
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
write_enable=YES
seccomp_sandbox=NO
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
rsa_cert_file={cert}
rsa_private_key_file={key}
use_localtime=NO
xferlog_enable=NO
""")
    place = Place("ftps", "/in", "127.0.0.1", port, "anonymous", Secret(PASSWORD), verify=str(cert), timeout=60)
    with _running([binary, str(config)], port, base):
        yield Server(place, inside)


def _hashed() -> str:
    """The password as the system's crypt has it."""
    command = [program("openssl"), "passwd", "-6", PASSWORD]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def proftpd(base: Path, balanced: range | None = None) -> Iterator[Server]:
    """ProFTPD as it comes: session reuse demanded, uploads don't go on.

    `balanced`: the passive ports, which it names at 127.0.0.2.
    """
    binary, (cert, key), files, port = program("proftpd"), certificate(base), _files(base), free_port()
    users = base / "users"
    number = NUMBER if os.getuid() == 0 else os.getuid()
    users.write_text(f"feed:{_hashed()}:{number}:{number}:feed:{files}:/bin/sh\n")
    users.chmod(0o600)
    lab = folder()
    modules = lab / "usr" / "lib" / "proftpd" if lab else Path("/usr/lib/proftpd")
    config = base / "proftpd.conf"
    config.write_text(f"""ModulePath {modules}
LoadModule mod_tls.c
ServerName lab
ServerType standalone
DefaultAddress 127.0.0.1
UseIPv6 off
UseReverseDNS off
Port {port}
PidFile {base}/proftpd.pid
ScoreboardFile {base}/proftpd.scoreboard
DelayEngine off
WtmpLog off
AuthOrder mod_auth_file.c
AuthUserFile {users}
RequireValidShell off
{"DefaultRoot ~" if os.getuid() == 0 else ""}
AllowOverwrite on
Umask 022
TLSEngine on
TLSRequired on
TLSLog {base}/tls.log
TLSProtocol TLSv1.2 TLSv1.3
TLSRSACertificateFile {cert}
TLSRSACertificateKeyFile {key}
TLSVerifyClient off
{_NO_OWNER if os.getuid() else ""}
SocketBindTight on
{_lines(balanced, "MasqueradeAddress 127.0.0.2", "PassivePorts {first} {last}")}
""")
    where = "/" if os.getuid() == 0 else str(files)
    place = Place("ftps", where, "127.0.0.1", port, "feed", Secret(PASSWORD), verify=str(cert), timeout=60)
    with _running([binary, "--nodaemon", "--config", str(config)], port, base):
        yield Server(place, files)


@contextmanager
def pure_ftpd(base: Path) -> Iterator[Server]:
    """pure-ftpd with virtual users; it needs root to become them."""
    if os.getuid() != 0:
        pytest.skip("pure-ftpd needs root")
    binary, (cert, key), files, port = program("pure-ftpd"), certificate(base), _files(base), free_port()
    users, database = base / "pure.passwd", base / "pure.pdb"
    # Its own tool would hash so that each login takes seconds of both cores.
    users.write_text(f"feed:{_hashed()}:{NUMBER}:{NUMBER}::{files}/./::::::::::::\n")
    make = [program("pure-pw"), "mkdb", str(database), "-f", str(users)]
    subprocess.run(make, check=True, capture_output=True, env=environment())
    command = [binary, "-S", f"127.0.0.1,{port}", "-l", f"puredb:{database}", "-Y", "2", "-u", "1", "-E"]
    command += ["-g", str(base / "pure.pid"), "-H", "-2", f"{cert},{key}"]
    place = Place("ftps", "/", "127.0.0.1", port, "feed", Secret(PASSWORD), verify=str(cert), timeout=60)
    with _running(command, port, base):
        yield Server(place, files)


@contextmanager
def openssh(base: Path) -> Iterator[Server]:
    """OpenSSH's SFTP, for the account that runs the test."""
    binary, files, port = program("sshd"), _files(base), free_port()
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name in ("host", "client"):
        command = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(base / name)]
        subprocess.run(command, check=True, capture_output=True)
    config = base / "sshd_config"
    config.write_text(f"""Port {port}
ListenAddress 127.0.0.1
HostKey {base}/host
PidFile {base}/sshd.pid
AuthorizedKeysFile {base}/client.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
""")
    host_key = (base / "host.pub").read_text().split()[:2]
    place = Place(
        "sftp", str(files), "127.0.0.1", port, _whoami(), key_file=str(base / "client"),
        known_host=" ".join(host_key), timeout=60,
    )  # fmt: skip
    with _running([binary, "-D", "-e", "-f", str(config)], port, base):
        yield Server(place, files)


FTP_SERVERS: dict[str, Start] = {"vsftpd": vsftpd, "proftpd": proftpd, "pure-ftpd": pure_ftpd}

# An unprivileged ProFTPD must not try to change its owner.
_NO_OWNER = f"User {os.environ.get('USER', 'nobody')}"


@contextmanager
def _running(command: list[str], port: int, base: Path) -> Iterator[None]:
    log = base / "server.log"
    with log.open("wb") as sink:
        server = subprocess.Popen(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=environment())
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > until:
                    raise AssertionError(f"{command[0]} did not start: {log.read_text()}") from None
                time.sleep(0.05)
        yield
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _lines(ports: range | None, *lines: str) -> str:
    """Lines of a configuration for passive ports; none where there are none."""
    return "\n".join(lines).format(first=ports[0], last=ports[-1]) if ports else ""


def _files(base: Path) -> Path:
    files = base / "files"
    files.mkdir()
    _owned(files)
    return files


def _owned(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, NUMBER, NUMBER)


def _empty(base: Path) -> Path:
    made = base / "empty"
    made.mkdir()
    return made


def _whoami() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name
