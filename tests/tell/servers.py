"""Small real servers on loopback: an SMTP server, an HTTP receiver, and one that says what a test wants."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate and its key; clients trust it by its file."""

    file: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.file, self.key)
        return made


def certificate(folder: Path, name: str = "localhost", days: int = 30) -> Certificate:
    """Make one for a host name; for localhost also for 127.0.0.1. With negative days it has ended."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    found = Certificate(folder / f"{name}.{days}.pem", folder / f"{name}.{days}.key")
    found.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    found.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    return found


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are what the tests are about."""


@contextlib.contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that hands each connection to `handle`; gives its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                handle(self.request)

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Smtp:
    """An SMTP server: keeps what it is handed. `answers` replaces the answer to a verb (`RCPT` -> `550 no`)."""

    certificate: Certificate | None = None
    implicit: bool = False
    offers_starttls: bool = True
    password: str = "hunter2"
    answers: dict[str, str] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, str]] = field(default_factory=list)
    logins: list[tuple[str, bool]] = field(default_factory=list)
    port: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[Smtp]:
        with serving(self._serve) as self.port:
            yield self

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.ExitStack() as open_ones:
            self._converse(connection, open_ones)

    def _converse(self, connection: socket.socket, open_ones: contextlib.ExitStack) -> None:
        def wrapped() -> socket.socket:
            assert self.certificate
            return open_ones.enter_context(self.certificate.context().wrap_socket(connection, server_side=True))

        secure = self.implicit
        if secure:
            connection = wrapped()
        stream = connection.makefile("rb")

        def say(text: str) -> None:
            connection.sendall(text.encode() + b"\r\n")

        say("220 test")
        sender = to = ""
        while line := stream.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            verb = verb.upper()
            if verb in self.answers:
                say(self.answers[verb])
                continue
            match verb:
                case "EHLO":
                    offer = self.offers_starttls and not secure and self.certificate
                    say("250-test" + ("\r\n250-STARTTLS" if offer else "") + "\r\n250 AUTH PLAIN")
                case "STARTTLS":
                    say("220 go")
                    connection = wrapped()
                    stream, secure = connection.makefile("rb"), True
                case "AUTH":
                    import base64

                    _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                    self.logins.append((user, secure))
                    say("235 ok" if password == self.password else "535 wrong")
                case "MAIL":
                    sender = rest
                    say("250 ok")
                case "RCPT":
                    to = rest
                    say("250 ok")
                case "DATA":
                    say("354 go")
                    lines = []
                    while (each := stream.readline()) not in (b".\r\n", b""):
                        lines.append(each[1:] if each.startswith(b"..") else each)
                    self.mails.append(b"".join(lines))
                    self.envelopes.append((sender, to))
                    say("250 taken")
                case "QUIT":
                    say("221 bye")
                    return
                case _:
                    say("250 ok")


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that keeps what is posted; `answers` are given one by one (status, headers), then 204."""

    certificate: Certificate | None = None
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}/hook?x=1"

    @contextlib.contextmanager
    def running(self) -> Iterator[Receiver]:
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                keeper.requests.append(Request(self.path, dict(self.headers), body))
                status, headers = keeper.answers.pop(0) if keeper.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        def handle(connection: socket.socket) -> None:
            if keeper.certificate:
                connection = keeper.certificate.context().wrap_socket(connection, server_side=True)
            with connection:
                Handler(connection, connection.getpeername(), None)  # type: ignore[arg-type]

        with serving(handle) as self.port:
            yield self
