"""One mail over SMTP: composed so that no header can be smuggled in, sent over verified TLS, refused or confirmed."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from feedengine.errors import ConfigError, TransportError
from feedengine.notify import trust
from feedengine.notify.deadline import Deadline
from feedengine.settings.kinds import Secret
from feedengine.settings.telling_kinds import ADDRESS

# A reply of an SMTP server is a few lines; one that goes on is no SMTP server.
_LONGEST_REPLY = 64 << 10
_LONGEST_SUBJECT = 200


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed in. `security` is starttls, tls (from the start) or none; `verify` is "system" or a file
    of certificates. Seconds in `timeout`: for each answer, five times that for a whole mail."""

    host: str
    port: int
    security: str = "starttls"
    verify: str = "system"
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    timeout: float = 30.0


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    content: bytes
    type: str = "text/csv"


@dataclass(frozen=True)
class Mail:
    """A finished mail to one address. `message_id` (without angle brackets) is the same whenever it is sent again."""

    sender: str
    to: str
    subject: str
    text: str
    message_id: str
    date: datetime
    attachments: Sequence[Attachment] = ()


def is_address(text: str) -> bool:
    """Whether it is a plain address: `name@host`, nothing that another header or recipient could hide in."""
    return ADDRESS.fullmatch(text) is not None


def compose(mail: Mail) -> EmailMessage:
    """The mail as MIME. Raises `TransportError` (TRANSPORT_REFUSED) for an address that is none."""
    for address in (mail.sender, mail.to):
        if not is_address(address):
            raise TransportError(f"{address!r} is no mail address", code="TRANSPORT_REFUSED")
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = mail.sender
    made["To"] = mail.to
    made["Subject"] = header_text(mail.subject)
    made["Date"] = format_datetime(mail.date)
    made["Message-ID"] = f"<{mail.message_id}>"
    # So that no holiday reply comes back.
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(_encodable(mail.text), cte="quoted-printable")
    for each in mail.attachments:
        kind, _, subtype = each.type.partition("/")
        made.add_attachment(each.content, maintype=kind, subtype=subtype, filename=header_text(each.name))
    return made


def header_text(text: str) -> str:
    """Text that stays within its header: one line, without control characters, not too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in _encodable(text)).split())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def send(server: MailServer, mail: Mail) -> None:
    """Hand a mail in; returns when the server has taken it.

    Raises `TransportError`: TRANSPORT_REFUSED (5xx, trying again is useless), TRANSPORT_LOGIN, TRANSPORT_TLS,
    TRANSPORT_BUSY (4xx), TRANSPORT_CONNECT, TRANSPORT_CUT; `ConfigError`.
    """
    message = compose(mail)
    if server.security == "none" and not trust.on_this_machine(server.host):
        raise ConfigError(f"mail.security = none is for a server on this machine; {server.host} is another one")
    context = trust.context(server.verify)
    client = _Implicit(server, context) if server.security == "tls" else _Bounded(server)
    try:
        with Deadline(5 * server.timeout, lambda: client.sock) as deadline:
            try:
                _converse(client, server, context, mail, message)
            except (OSError, smtplib.SMTPException) as error:
                if deadline.passed:
                    raise TransportError(
                        f"{server.host}:{server.port} did not finish within {5 * server.timeout:g} s",
                        code="TRANSPORT_CUT",
                    ) from error
                raise _ours(error, server) from error
    finally:
        client.close()


def _converse(
    client: smtplib.SMTP, server: MailServer, context: ssl.SSLContext, mail: Mail, message: EmailMessage
) -> None:
    code, said = client.connect(server.host, server.port)
    if code != 220:
        raise smtplib.SMTPConnectError(code, said)
    client.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        client.starttls(context=context)
        client.ehlo()
    if server.user:
        client.login(server.user, server.password.reveal())
    client.sendmail(mail.sender, [mail.to], message.as_bytes())
    # It is taken; how the server says good-bye doesn't matter any more.
    with suppress(OSError, smtplib.SMTPException):
        client.quit()


def _ours(error: Exception, server: MailServer) -> TransportError:
    where = f"{server.host}:{server.port}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _answered(where, code, said)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return TransportError(f"{where} refuses the login: {_said(error.smtp_error)}", code="TRANSPORT_LOGIN")
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(where, error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return TransportError(f"{where} can't do what is needed: {error}", code="TRANSPORT_TLS")
    if isinstance(error, ssl.SSLError):
        return TransportError(f"TLS with {where} failed: {error.reason or error}", code="TRANSPORT_TLS")
    if isinstance(error, TimeoutError):
        return TransportError(f"{where} did not answer within {server.timeout:g} s", code="TRANSPORT_CUT")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return TransportError(f"{where} closed the connection early", code="TRANSPORT_CUT")
    return TransportError(f"{where} can't be reached: {error}", code="TRANSPORT_CONNECT")


def _answered(where: str, code: int, said: Any) -> TransportError:
    word = "TRANSPORT_REFUSED" if 500 <= code < 600 else "TRANSPORT_BUSY"
    return TransportError(f"{where} says {code} {_said(said)}", code=word)


def _said(answer: Any) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return header_text(text)


class _Bounded(smtplib.SMTP):
    """An SMTP client that reads a bounded reply; the library's own reads continuation lines without end."""

    def __init__(self, server: MailServer) -> None:
        super().__init__(timeout=server.timeout, local_hostname="feedengine")
        # The name that STARTTLS checks the certificate against; the library only knows it from its own connecting.
        self._host = server.host

    def getreply(self) -> tuple[int, bytes]:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        if self.file is None:
            self.file = self.sock.makefile("rb")
        lines: list[bytes] = []
        left = _LONGEST_REPLY
        while True:
            line = self.file.readline(left + 1)
            left -= len(line)
            if left < 0:
                self.close()
                raise smtplib.SMTPServerDisconnected("the reply does not end")
            if not line.endswith(b"\n"):
                self.close()
                raise smtplib.SMTPServerDisconnected("the connection was closed")
            lines.append(line[4:].strip(b" \t\r\n"))
            if not line[:3].isdigit() or line[3:4] != b"-":
                code = int(line[:3]) if line[:3].isdigit() else -1
                return code, b"\n".join(lines)


class _Implicit(_Bounded):
    """TLS from the first byte."""

    def __init__(self, server: MailServer, context: ssl.SSLContext) -> None:
        super().__init__(server)
        self._context = context

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        # Known to the deadline before the handshake, which may stall as well.
        self.sock = plain
        return self._context.wrap_socket(plain, server_hostname=host)
