"""The FTP protocol towards a server: ftplib with TLS as it must be, and ends of transfers that are told apart."""

from __future__ import annotations

import ftplib
import re
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from feedengine.errors import ConfigError, TransportError
from feedengine.transport.ftp_errors import FAILURES, DataFailed
from feedengine.transport.remote import Place

# Small TLS records double the server's work.
_SEND = 1 << 20
_RECEIVE = 512 << 10
_RECORD = 16 << 10
_MOST_LISTED = 64 << 20
# Seconds for the goodbyes, which change nothing any more.
_POLITE = 5.0


class Control(ftplib.FTP_TLS):
    """A login. Differs from ftplib: certificates are verified; data connections reuse the login's TLS session, as
    most servers demand; a connection that ends without close_notify is seen; answers need not be UTF-8."""

    def __init__(self, place: Place) -> None:
        super().__init__(context=_context(place), timeout=place.timeout, encoding="utf-8")
        self.place = place
        self.trust_server_pasv_ipv4_address = place.trust_address
        #: What FEAT says, in upper case.
        self.features: dict[str, str] = {}
        #: The data address that the server named last.
        self.named = ""

    def open(self) -> None:
        """Connect, begin TLS, log in, and say that files are bytes."""
        place = self.place
        self.host, self.port = place.host, place.port
        raw = socket.create_connection((place.host, place.port), place.timeout)
        _keep_alive(raw)
        self.af = raw.family
        self.sock = raw
        if place.scheme == "ftps-implicit":
            self.sock = self.context.wrap_socket(raw, server_hostname=place.host)
        self._listen()
        self.welcome = self.getresp()
        while self.welcome.startswith("1"):
            self.welcome = self.getresp()
        if place.scheme == "ftps":
            self.auth()
        self.login(place.user, place.password.reveal(), secure=False)
        if place.scheme != "ftp":
            self.prot_p()
        self._ask_features()
        self.voidcmd("TYPE I")

    def auth(self) -> str:
        """Begin TLS. What the server sent before it is thrown away: anybody may have written it."""
        try:
            answer = self.voidcmd("AUTH TLS")
        except ftplib.error_perm as error:
            raise TransportError(
                f"{self.host} offers no TLS: {error}.",
                state="No password was sent.",
                hints=['Only with scheme = "ftp" would everything be sent unencrypted'],
                code="TRANSPORT_TLS",
            ) from error
        assert self.sock is not None and self.file is not None
        self.file.close()
        self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)
        self._listen()
        return answer

    def receive(self, command: str, offset: int, take: Callable[[memoryview], None]) -> bool:
        """Load what `command` gives, `take` is handed the blocks. Says whether the end was confirmed: by close_notify
        where there is TLS. The server's last answer was good, or this raises."""
        with self._data(command, offset) as connection:
            clean = True
            gathered = _Gathered(take)
            try:
                while got := connection.recv_into(gathered.room()):
                    gathered.add(got)
            except ssl.SSLEOFError:
                clean = False
            except OSError as error:
                gathered.flush()
                raise self._reason(error) from error
            gathered.flush()
            self._part(connection)
        self._last_answer()
        return clean

    def send(self, command: str, offset: int, source: BinaryIO, tell: Callable[[int], None]) -> None:
        """Send the rest of `source`; returns when the server has confirmed it. `tell` is told the position."""
        with self._data(command, offset) as connection:
            done = offset
            try:
                while block := source.read(_SEND):
                    view = memoryview(block)
                    while view:
                        sent = connection.send(view)
                        view = view[sent:]
                        done += sent
                        tell(done)
            except OSError as error:
                raise self._reason(error) from error
            self._part(connection)
        self._last_answer()

    def lines(self, command: str) -> list[str]:
        """The lines of a listing.

        Some servers end a listing without close_notify, as a cut does: what ended so counts if asking once more gives
        the same.
        """
        gathered, clean = self._gather(command)
        whole = clean or not gathered or gathered.endswith(b"\n")
        if not whole or not (clean or gathered == self._gather(command)[0]):
            raise TransportError(f"The listing of {self.host} was cut.", code="TRANSPORT_CUT")
        return [line.rstrip("\r") for line in gathered.decode("utf-8", "surrogateescape").split("\n") if line.strip()]

    def _gather(self, command: str) -> tuple[bytearray, bool]:
        gathered = bytearray()

        def take(block: memoryview) -> None:
            gathered.extend(block)
            if len(gathered) > _MOST_LISTED:
                raise TransportError("A listing of more than 64 MiB was given up.", code="TRANSPORT_REFUSED")

        return gathered, self.receive(command, 0, take)

    def leave(self) -> None:
        """Say goodbye; never raises."""
        with suppress(*FAILURES):
            if self.sock is not None:
                self.sock.settimeout(_POLITE)
                self.voidcmd("QUIT")
                if isinstance(self.sock, ssl.SSLSocket):
                    self.sock.unwrap()
        self.close()

    # What ftplib calls -------------------------------------------------------------------------------------------

    def putline(self, line: str) -> None:
        """Send a line; names keep bytes that are not UTF-8."""
        if any(mark in line for mark in "\r\n\0"):
            raise TransportError("A file's name holds a line end or NUL; nothing was sent.", code="TRANSPORT_REFUSED")
        assert self.sock is not None
        self.sock.sendall(line.encode("utf-8", "surrogateescape") + b"\r\n")

    def makepasv(self) -> tuple[str, int]:
        """Where the data connection goes."""
        if self.af != socket.AF_INET:
            host, port = ftplib.parse229(self.sendcmd("EPSV"), self._peer())
            self.named = host
            return host, port
        try:
            self.named, port = ftplib.parse227(self.sendcmd("PASV"))
        except ftplib.error_perm:
            # Few servers know only the newer form, which names no address.
            host, port = ftplib.parse229(self.sendcmd("EPSV"), self._peer())
            return host, port
        return (self.named if self.trust_server_pasv_ipv4_address else self._peer()[0]), port

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection, with the session of the login."""
        host, port = self.makepasv()
        try:
            connection = socket.create_connection((host, port), self.place.timeout)
        except OSError as error:
            raise DataFailed(error, self.named) from error
        try:
            if rest is not None:
                self.sendcmd(f"REST {rest}")
            answer = self.sendcmd(cmd)
            if answer.startswith("2"):
                answer = self.getresp()
            if not answer.startswith("1"):
                raise ftplib.error_reply(answer)
            if isinstance(self.sock, ssl.SSLSocket):
                try:
                    connection = self.context.wrap_socket(
                        connection, server_hostname=self.host, session=self.sock.session, suppress_ragged_eofs=False
                    )
                except OSError as error:
                    _close_half_made(error)
                    raise self._reason(error) from error
        except BaseException:
            connection.close()
            raise
        # Disks and networks pause; the data may take twice as long as an answer.
        connection.settimeout(2 * self.place.timeout)
        size = re.search(r"\((\d+) bytes\)", answer)
        return connection, int(size[1]) if size else None

    # -------------------------------------------------------------------------------------------------------------

    def _data(self, command: str, offset: int) -> socket.socket:
        return self.ntransfercmd(command, offset or None)[0]

    def _part(self, connection: socket.socket) -> None:
        """End the data connection's TLS. Reading the server's part of it also takes in its session tickets: unread,
        they would make our system reset the connection and the server lose the last bytes."""
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(min(_POLITE, self.place.timeout))
            # Whatever fails here, the answer on the control connection says what came of the transfer.
            with suppress(OSError, ValueError):
                connection.unwrap()

    def _last_answer(self) -> None:
        """The server may scan or copy what it was sent before it answers."""
        assert self.sock is not None
        self.sock.settimeout(10 * self.place.timeout)
        try:
            self.voidresp()
        finally:
            if self.sock is not None:
                self.sock.settimeout(self.place.timeout)

    def _reason(self, error: OSError) -> Exception:
        """Why the data connection broke: the server's own words where it says some."""
        assert self.sock is not None
        try:
            self.sock.settimeout(min(2.0, self.place.timeout))
            self.voidresp()
        except ftplib.Error as said:
            return said
        except (OSError, EOFError):
            return error
        return error

    def _peer(self) -> tuple[str, int]:
        assert self.sock is not None
        host, port = self.sock.getpeername()[:2]
        return str(host), int(port)

    def _listen(self) -> None:
        assert self.sock is not None
        self.file = self.sock.makefile("r", encoding="utf-8", errors="surrogateescape", newline="\n")

    def _ask_features(self) -> None:
        try:
            answer = self.sendcmd("FEAT")
        except ftplib.error_perm:
            return
        for line in answer.splitlines()[1:-1]:
            name, _, rest = line.strip().partition(" ")
            self.features[name.upper()] = rest
        if "UTF8" in self.features:
            # Refused where it is always on.
            with suppress(ftplib.error_perm):
                self.sendcmd("OPTS UTF8 ON")


class _Gathered:
    """TLS gives 16 KiB at a time; handing on and writing every record by itself would cost more than the TLS."""

    def __init__(self, take: Callable[[memoryview], None]) -> None:
        self._take = take
        self._buffer = memoryview(bytearray(_RECEIVE))
        self._filled = 0
        self._handed = time.monotonic()

    def room(self) -> memoryview:
        """Where the next bytes go."""
        return self._buffer[self._filled :]

    def add(self, count: int) -> None:
        """So many came. On a slow line they are handed on twice a second."""
        self._filled += count
        if self._filled > _RECEIVE - _RECORD or time.monotonic() - self._handed > 0.5:
            self.flush()

    def flush(self) -> None:
        """Hand on what is there."""
        count, self._filled = self._filled, 0
        self._handed = time.monotonic()
        if count:
            self._take(self._buffer[:count])


def _context(place: Place) -> ssl.SSLContext:
    if place.verify in ("system", "off"):
        context = ssl.create_default_context()
    else:
        try:
            context = ssl.create_default_context(cafile=place.verify)
        except OSError as error:
            raise ConfigError(
                f"verify: could not read the certificates in {place.verify}: {error.strerror or error}.",
                state="Nothing was sent or loaded.",
            ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if place.verify == "off":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _keep_alive(connection: socket.socket) -> None:
    """While data flows the control connection is silent, and firewalls forget silent connections."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)


def _close_half_made(error: BaseException) -> None:
    """Close the TLS socket that the library had begun to make of a connection which was reset meanwhile.

    It has taken the descriptor by then and leaves it open; nobody but the failure's own frames knows it.
    """
    step = error.__traceback__
    while step is not None:
        made = step.tb_frame.f_locals.get("self")
        if isinstance(made, ssl.SSLSocket):
            made.close()
        step = step.tb_next
