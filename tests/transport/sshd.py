"""OpenSSH's server as a process of the tests' own user, on a port of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from feedengine.transport.remote import Place

_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")


class Sshd:
    """Serves this user's files to whoever has the key `client_key`."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
        server = next((each for each in _SFTP_SERVERS if Path(each).exists()), None)
        if program is None or server is None or shutil.which("ssh-keygen") is None:
            pytest.skip("no OpenSSH server here")
        self.folder = folder
        self.client_key = self._key("client")
        self.host_keys = [self._key("host_ed25519"), self._key("host_rsa", "rsa")]
        authorized = folder / "authorized"
        authorized.write_bytes(self.client_key.with_suffix(".pub").read_bytes())
        authorized.chmod(0o600)
        with socket.create_server(("127.0.0.1", 0)) as chosen:
            self.port = int(chosen.getsockname()[1])
        config = folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 100\n"
            f"AuthorizedKeysFile {authorized}\nSubsystem sftp {server}\n"
            + "".join(f"HostKey {each}\n" for each in self.host_keys)
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.log = folder / "sshd.log"
        self.process = subprocess.Popen([program, "-D", "-f", str(config), "-E", str(self.log)])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    pytest.skip(f"sshd does not start here: {self.log.read_text()[-300:]}")
                time.sleep(0.05)
        raise AssertionError("sshd does not answer")

    def _key(self, name: str, kind: str = "ed25519") -> Path:
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
        return path

    def place(self, folder: Path, **more: object) -> Place:
        """A place on it."""
        known = self.host_keys[0].with_suffix(".pub").read_text()
        given = {"known_host": known, "key_file": str(self.client_key), "user": getpass.getuser(), **more}
        return Place("sftp", str(folder), host="127.0.0.1", port=self.port, **given)  # type: ignore[arg-type]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
