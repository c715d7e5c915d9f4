"""A control connection: TLS, login, the order of commands, limits in time; transfers and files are in its halves."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from collections import deque
from contextlib import suppress
from typing import Any

from feedengine.accounts import Account, Verdict
from feedengine.transport.ftps.commands import COMMANDS, FEATURES, TRANSFERS
from feedengine.transport.ftps.files import Files, Permissions
from feedengine.transport.ftps.filing import Filing
from feedengine.transport.ftps.passive import plain
from feedengine.transport.ftps.tls import TlsChannel, why
from feedengine.transport.ftps.transfers import Transfers
from feedengine.transport.ftps.upstream import FTPHandler
from feedengine.transport.landing import BadPath, Home

_TELNET = b"\xff\xf4\xf2"
_LONGEST_LINE = 8192
_MOST_HELD = 64
_MOST_LOGINS_WAITING = 256
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LS_FLAGS = re.compile(r"-[A-Za-z1]+(?: |$)")


class Session(TlsChannel, Transfers, Filing, FTPHandler):  # type: ignore[misc]
    """One client. While something is done on a thread the session is held: further commands wait in order."""

    encoding = "utf-8"
    # Names that are no UTF-8 are refused, not mended: see `found_terminator`.
    unicode_errors = "strict"
    proto_cmds = COMMANDS
    use_gmt_times = True

    def __init__(self, conn: socket.socket, server: Any, ioloop: Any = None) -> None:
        self.hall = server.hall
        self.options = self.hall.options
        self.id = os.urandom(4).hex()
        self.peer = ""
        self.account: Account | None = None
        self.home: Home | None = None
        self.context: ssl.SSLContext = self.hall.certificates.session()
        self._prot = False
        self._implicit = bool(server.implicit)
        self._in_buffer: list[bytes] = []
        self._in_buffer_len = 0
        self._held: deque[bytes] | None = None
        self._active = time.monotonic()
        # pyftpdlib's own clock is off: see `_watch_idling`.
        self.timeout = 0
        self.max_login_attempts = self.options.login_attempts
        # First, because a client that is gone already has it closed in there.
        self.begin_transfers()
        super().__init__(conn, server, ioloop)

    # connecting

    def welcome(self, peer: tuple[str, int]) -> None:
        """Take the session up: from here on it counts. `peer` is whom a balancer names, or the socket's own."""
        self.peer = self.remote_ip = plain(peer[0])
        self.remote_port = peer[1]
        self.hall.enter(self)
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 6)):
            with suppress(OSError, AttributeError):
                self.socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self.call_later(self.options.login_timeout, self._login_took_too_long)
        self.call_later(self.options.idle_timeout, self._watch_idling)
        self.hall.log("ftps.connect", level="debug", **self.who())
        if self._implicit:
            self.secure(self.context, self.hall.certificates.tickets)
        else:
            self._greet()

    def _greet(self) -> None:
        self.respond("220 feedengine is ready; " + ("" if self._secured else "AUTH TLS first, then ") + "log in.")

    def _login_took_too_long(self) -> None:
        if not self.authenticated and not self._closed:
            self.hall.counts["login_timeouts"] += 1
            if not self._shaking:
                self.respond("421 Nobody logged in in time.")
            self.close()

    def tls_ready(self) -> None:
        self.watch(self.ioloop.READ)
        if self._implicit:
            self._prot = True
            self._greet()

    def tls_failed(self, error: Exception) -> None:
        self.hall.counts["tls_failures"] += 1
        self.hall.log("ftps.tls_failed", level="warning", why=why(error), **self.who())
        self.close()

    def who(self) -> dict[str, Any]:
        """Facts that every event of the session has."""
        return {"session": self.id, "peer": self.peer, "user": self.account.name if self.account else self.username}

    # one command after the other

    def hold(self) -> None:
        """Let further commands wait; the idle clock stands still."""
        if self._held is None:
            self._held = deque()

    def release(self) -> None:
        """Go on with the commands that came meanwhile, until one of them holds again."""
        if self._closed or self._held is None:
            return
        waiting, self._held = self._held, None
        self._active = time.monotonic()
        while waiting and not self._closed:
            self._in_buffer = [waiting.popleft()]
            self.found_terminator()
            if self._held is not None:
                self._held.extend(waiting)
                return

    def start_idling(self) -> None:
        """Something ended: the time without a command counts from now."""
        self._active = time.monotonic()

    def _watch_idling(self) -> None:
        # One timer that looks again and again costs less than one that every command sets anew.
        if self._held is not None or self.transferring:
            self._active = time.monotonic()
        left = self._active + self.options.idle_timeout - time.monotonic()
        if left <= 0:
            self.respond("421 Nothing was said for a while; goodbye.")
            self.close_when_done()
        else:
            self.call_later(left + 0.01, self._watch_idling)

    def collect_incoming_data(self, data: bytes) -> None:
        # What goes beyond the limit is forgotten up to the line's end: its tail must not pass for a command.
        self._in_buffer_len += len(data)
        if self._in_buffer_len <= _LONGEST_LINE:
            self._in_buffer.append(data)

    def found_terminator(self) -> None:
        if self._in_buffer_len > _LONGEST_LINE:
            self._in_buffer, self._in_buffer_len = [], 0
            self.respond("500 The command is too long.")
            return
        line = b"".join(self._in_buffer).lstrip(_TELNET)
        self._in_buffer, self._in_buffer_len = [], 0
        if self._held is not None:
            if len(self._held) >= _MOST_HELD:
                self.respond("421 Too many commands at once.")
                self.close()
                return
            self._held.append(line)
            return
        self._active = time.monotonic()
        try:
            line.decode()
        except UnicodeDecodeError:
            self.respond("501 Names and commands must be UTF-8.")
            return
        self._in_buffer = [line]
        super().found_terminator()

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        if self._closed:
            return
        if cmd != "PASS" and _CONTROL.search(line):
            self.refused(cmd, "553 A name must not hold control characters.")
            return
        if cmd in ("LIST", "NLST"):
            arg = _LS_FLAGS.sub("", arg, count=1)
        if cmd == "XSHA256" and len(arg) > 2 and arg[0] == arg[-1] == '"':
            arg = arg[1:-1]
        if cmd == "STAT" and arg:
            self.respond("502 Use LIST or MLSD.")
            return
        try:
            super().pre_process_command(line, cmd, arg)
        except BadPath as error:
            self.refused(cmd, f"553 {str(error).capitalize()}.")

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        if cmd in TRANSFERS and not self.may_transfer():
            return
        super().process_command(cmd, *args, **kwargs)

    def refused(self, cmd: str, reply: str, path: str | None = None) -> None:
        """Say no, and write it down."""
        self.hall.counts["refused"] += 1
        self.hall.log("ftps.refused", level="warning", command=cmd[:16], reply=reply, path=path, **self.who())
        self.respond(reply)

    # TLS and login

    def ftp_AUTH(self, line: str) -> None:
        if self._secured or self._shaking:
            self.respond("503 TLS is on already.")
            return
        if line.upper() not in ("TLS", "TLS-C", "TLS-P", "SSL"):
            self.respond("504 Use AUTH TLS.")
            return
        self.respond("234 Start the TLS handshake.")
        # What somebody put behind AUTH in the clear must not count as said inside TLS.
        self.ac_in_buffer = b""
        self._in_buffer, self._in_buffer_len = [], 0
        if self.producer_fifo:
            self.close()
            return
        self.secure(self.context, self.hall.certificates.tickets)

    def ftp_PBSZ(self, line: str) -> None:
        self.respond("200 PBSZ=0" if self._secured else "503 Use AUTH TLS first.")

    def ftp_PROT(self, line: str) -> None:
        if not self._secured:
            self.respond("503 Use AUTH TLS first.")
        elif line.upper() == "P":
            self._prot = True
            self.respond("200 Data connections are private.")
        else:
            self.respond("534 Data connections must be private here; use PROT P.")

    def ftp_USER(self, line: str) -> None:
        if not self._secured:
            self.respond("530 Switch to TLS before you log in (AUTH TLS; explicit FTPS).")
        elif self.authenticated:
            self.respond("503 You are logged in already; open another connection.")
        else:
            self.username = line
            self.respond("331 Password, please.")

    def ftp_PASS(self, line: str) -> None:
        if not self._secured:
            self.respond("530 Switch to TLS before you log in (AUTH TLS; explicit FTPS).")
        elif self.authenticated or not self.username:
            self.respond("503 USER comes first, once.")
        elif self.hall.backstage.doors_waiting >= _MOST_LOGINS_WAITING:
            self.respond("421 Too many logins at the moment; try again later.")
            self.close_when_done()
        else:
            name, peer, door, landing = self.username, self.peer, self.hall.door, self.hall.landing
            account = door.at_once(name, line, peer)
            if account is not None:
                self._welcome_in(account, landing.home(account))
                return

            def check() -> tuple[Verdict, Home | None]:
                verdict: Verdict = door.enter(name, line, peer)
                return verdict, landing.home(verdict.account) if verdict.account else None

            self.hold()
            self.hall.backstage.doors(check, self._checked)

    def _checked(self, found: tuple[Verdict, Home | None] | None, error: Exception | None) -> None:
        if self._closed:
            return
        if found is None:
            self.hall.log("ftps.login_error", level="error", why=str(error), **self.who())
            self.respond("421 Logging in is not possible at the moment.")
            self.close_when_done()
        elif found[0].account is None or found[1] is None:
            # Every failure looks the same, and takes the same time.
            self.hall.counts["login_failures"] += 1
            self.hall.log("ftps.login_failed", level="warning", why=found[0].why, **self.who())
            self.call_later(self.options.login_delay, self._not_you)
        else:
            self._welcome_in(found[0].account, found[1])

    def _not_you(self) -> None:
        self.attempted_logins += 1
        self.username = ""
        self.respond("530 Login or password is wrong, or not valid from your address.")
        if self.attempted_logins >= self.max_login_attempts:
            self.close_when_done()
        else:
            self.release()

    def _welcome_in(self, account: Account, home: Home) -> None:
        most = account.most_connections or self.options.max_per_account
        if most and self.hall.accounts[account.name] >= most:
            self.refused("PASS", f"421 {most} sessions of this account are open already.")
            self.close_when_done()
            return
        self.account, self.home = account, home
        self.hall.accounts[account.name] += 1
        self.hall.counts["logins"] += 1
        self.authenticated = True
        self.username, self.password = account.name, ""
        self.authorizer = Permissions(account)
        self.fs = Files(home, self)
        self.hall.log("ftps.login", tls=self.socket.version(), **self.who())
        self.respond("230 Welcome. Send feeds to / or /in; results are in /reports.")
        self.release()

    def ftp_REIN(self, line: str) -> None:
        self.respond("502 Open another connection.")

    def ftp_FEAT(self, line: str) -> None:
        self.push("211-Features:\r\n" + "".join(f" {each}\r\n" for each in FEATURES))
        self.respond("211 End")

    def ftp_OPTS(self, line: str) -> None:
        option = line.split(" ")[0].upper()
        if option == "HASH":
            self.respond("200 SHA-256" if line.upper() in ("HASH", "HASH SHA-256") else "501 Only SHA-256.")
        else:
            super().ftp_OPTS(line)

    def ftp_CLNT(self, line: str) -> None:
        self.respond("200 Noted.")

    def ftp_TYPE(self, line: str) -> None:
        """Files are bytes whatever the type: the archives that ASCII clients send arrive as they are."""
        if line.upper().replace(" ", "") in ("A", "AN", "I", "L8"):
            self._current_type = "i"
            self.respond("200 Files are taken and given byte for byte.")
        else:
            self.respond("504 Use TYPE I.")

    def ftp_QUIT(self, line: str) -> None:
        self.respond("221 Goodbye.")
        if self.transferring:
            # It may finish, and its reply is still sent.
            self._quit_pending = True
            self.hold()
        else:
            self.close_when_done()

    # pyftpdlib's inside

    def respond(self, resp: str, logfun: Any = None) -> None:
        if not self._closed:
            self._last_response = resp
            self.push(resp + "\r\n")

    respond_w_warning = respond

    def log(self, *_: Any, **__: Any) -> None:
        """Events go to the hall's log, not line by line to pyftpdlib's."""

    logline = log_cmd = log_transfer = log

    def log_exception(self, instance: Any) -> None:
        self.hall.fault("control connection")

    def handle_close(self) -> None:
        self.close()

    def close(self) -> None:
        if not self._closed:
            self.say_goodbye()
            self.hall.leave(self)
            self.end_transfers()
            super().close()
            self.hall.log("ftps.disconnect", level="debug", **self.who())
