"""A small FTP server that keeps its files in a dict and misbehaves as it is told; for the client's tests."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

Answer = Callable[["Session", str], bool]


class Scripted:
    """Listens at once. `files` by absolute path; `answers` by verb are asked first: True = it was answered.

    `data_at` is where data connections are expected, `named` the address that PASV says. `features` are FEAT's lines.
    `end`: how a download ends: polite, ragged (no close_notify), half (cut in the middle, ragged), short (cut in the
    middle with close_notify), reset, stall.
    """

    def __init__(
        self, certificate: tuple[Path, Path] | None, *, implicit: bool = False, host: str = "127.0.0.1"
    ) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, Answer] = {}
        self.features = ["SIZE", "REST STREAM", "MLST type*;size*;modify*;", "UTF8", "MDTM"]
        self.end = "polite"
        self.data_at = host
        self.named = "127,0,0,1"
        self.said: list[str] = []
        self.logins = 0
        self.reused: list[bool] = []
        self.implicit = implicit
        self.context: ssl.SSLContext | None = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port = int(self._listener.getsockname()[1])
        self._ended = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._ended:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=Session(self, connection).serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._listener.close()


class Session:
    """One control connection."""

    def __init__(self, server: Scripted, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.passive: socket.socket | None = None
        self.protected = False
        self.folder = "/"
        self.rest = 0
        self.source = ""

    def serve(self) -> None:
        """Answer until somebody has enough."""
        with contextlib.suppress(OSError, ValueError):
            if self.server.implicit:
                self._begin_tls()
            self.say("220 ready")
            for line in iter(self._line, ""):
                verb, _, rest = line.partition(" ")
                self.server.said.append(verb if verb == "PASS" else line)
                answer = self.server.answers.get(verb)
                if answer is not None and answer(self, rest):
                    continue
                known = getattr(self, f"do_{verb.lower()}", None)
                if known is None:
                    self.say("500 what?")
                elif known(rest) is False:
                    break
        self.connection.close()
        if self.passive is not None:
            self.passive.close()

    def say(self, text: str) -> None:
        """Send an answer."""
        self.connection.sendall(text.encode() + b"\r\n")

    def _line(self) -> str:
        line = bytearray()
        while not line.endswith(b"\r\n"):
            got = self.connection.recv(1)
            if not got:
                return ""
            line += got
        return line.decode("utf-8", "surrogateescape").rstrip("\r\n")

    def _begin_tls(self) -> None:
        assert self.server.context is not None
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)

    def path(self, name: str) -> str:
        """An absolute path."""
        return name if name.startswith("/") else f"{self.folder.rstrip('/')}/{name}"

    def do_auth(self, _: str) -> None:
        if self.server.context is None:
            return self.say("502 no TLS here")
        self.say("234 go on")
        self._begin_tls()

    def do_user(self, _: str) -> None:
        self.say("331 and the password")

    def do_pass(self, password: str) -> None:
        if password != "right":
            return self.say("530 Login incorrect.")
        self.server.logins += 1
        self.say("230 welcome")

    def do_feat(self, _: str) -> None:
        self.say("\r\n".join(["211-Features:", *(f" {each}" for each in self.server.features), "211 End"]))

    def do_pbsz(self, _: str) -> None:
        self.say("200 ok")

    def do_prot(self, kind: str) -> None:
        self.protected = kind == "P"
        self.say("200 ok")

    def do_type(self, _: str) -> None:
        self.say("200 ok")

    def do_opts(self, _: str) -> None:
        self.say("200 ok")

    def do_pwd(self, _: str) -> None:
        self.say('257 "/home" is where you are')

    def do_cwd(self, path: str) -> None:
        self.folder = self.path(path)
        self.say("250 there")

    def do_size(self, name: str) -> None:
        content = self.server.files.get(self.path(name))
        self.say("550 No such file" if content is None else f"213 {len(content)}")

    def do_mdtm(self, name: str) -> None:
        self.say("213 20261121020304" if self.path(name) in self.server.files else "550 No such file")

    def do_rest(self, offset: str) -> None:
        self.rest = int(offset)
        self.say("350 go on")

    def do_pasv(self, _: str) -> None:
        self._await_data(socket.AF_INET)
        assert self.passive is not None
        port = self.passive.getsockname()[1]
        self.say(f"227 Entering Passive Mode ({self.server.named},{port >> 8},{port & 255})")

    def do_epsv(self, _: str) -> None:
        family = socket.AF_INET6 if ":" in self.server.data_at else socket.AF_INET
        self._await_data(family)
        assert self.passive is not None
        self.say(f"229 Entering Extended Passive Mode (|||{self.passive.getsockname()[1]}|)")

    def _await_data(self, family: socket.AddressFamily) -> None:
        if self.passive is not None:
            self.passive.close()
        self.passive = socket.create_server((self.server.data_at, 0), family=family)

    def data(self) -> socket.socket:
        """The data connection, protected where that was asked for."""
        assert self.passive is not None
        self.passive.settimeout(60)
        connection, _ = self.passive.accept()
        self.passive.close()
        self.say("150 here it comes")
        if self.protected and self.server.context is not None:
            wrapped = self.server.context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
            self.server.reused.append(bool(wrapped.session_reused))
            return wrapped
        return connection

    def give(self, content: bytes) -> None:
        """Send data, ending it as the server's `end` says."""
        connection, end = self.data(), self.server.end
        half = end in ("half", "short", "reset", "stall")
        connection.sendall(content[: len(content) // 2] if half else content)
        if end == "stall":
            time.sleep(8)
        if end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if isinstance(connection, ssl.SSLSocket) and end in ("polite", "short"):
            with contextlib.suppress(OSError):
                connection = connection.unwrap()
        connection.close()
        self.say("226 done")

    def do_retr(self, name: str) -> None:
        content = self.server.files.get(self.path(name))
        if content is None:
            return self.say("550 No such file")
        self.give(content[self.rest :])
        self.rest = 0

    def do_mlsd(self, _: str) -> None:
        self.give("".join(f"type=file;size={len(content)};modify=20261121020304; {name}\r\n"
                          for name, content in self.here().items()).encode())  # fmt: skip

    def do_list(self, _: str) -> None:
        self.give("".join(f"-rw-r--r--   1 a b {len(content):>9} Jan 02  2026 {name}\r\n"
                          for name, content in self.here().items()).encode())  # fmt: skip

    def here(self) -> dict[str, bytes]:
        """The files of the folder."""
        start = self.folder.rstrip("/") + "/"
        return {
            path.removeprefix(start): content
            for path, content in self.server.files.items()
            if path.startswith(start) and "/" not in path.removeprefix(start)
        }

    def take(self) -> bytes:
        """Receive data to its end."""
        connection, got = self.data(), bytearray()
        with contextlib.suppress(ssl.SSLEOFError):
            while block := connection.recv(1 << 16):
                got += block
        if isinstance(connection, ssl.SSLSocket):
            with contextlib.suppress(OSError):
                connection.unwrap()
        connection.close()
        return bytes(got)

    def do_stor(self, name: str) -> None:
        path = self.path(name)
        self.server.files[path] = self.server.files.get(path, b"")[: self.rest] + self.take()
        self.rest = 0
        self.say("226 stored")

    def do_hash(self, name: str) -> None:
        digest = hashlib.sha256(self.server.files[self.path(name)]).hexdigest()
        self.say(f"213 SHA-256 0-9 {digest} {name}")

    def do_rnfr(self, name: str) -> None:
        self.source = self.path(name)
        self.say("350 and to?" if self.source in self.server.files else "550 Can't rename")

    def do_rnto(self, name: str) -> None:
        self.server.files[self.path(name)] = self.server.files.pop(self.source)
        self.say("250 renamed")

    def do_dele(self, name: str) -> None:
        gone = self.server.files.pop(self.path(name), None)
        self.say("550 Delete operation failed." if gone is None else "250 gone")

    def do_quit(self, _: str) -> bool:
        self.say("221 bye")
        return False
