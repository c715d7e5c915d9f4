"""One webhook: a JSON body posted with a signature over time and body, so that the receiver knows who sent it when."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import socket
import ssl
import urllib.parse
from dataclasses import dataclass, field

from feedengine.errors import ConfigError, TransportError
from feedengine.notify import trust
from feedengine.notify.deadline import Deadline
from feedengine.settings.kinds import Secret
from feedengine.settings.telling_kinds import web_address

SIGNATURE = "X-Feedengine-Signature"

_READ_OF_ANSWER = 400
_LATER = (408, 425, 429)


@dataclass(frozen=True)
class Receiver:
    """Where webhooks go. `verify` is "system" or a file of certificates. Seconds in `timeout`: for each read, three
    times that for all of it. Without a secret there is no signature."""

    name: str
    url: str
    secret: Secret = field(default_factory=lambda: Secret(""))
    verify: str = "system"
    timeout: float = 20.0


@dataclass(frozen=True)
class Post:
    """A finished webhook. `delivery` is the same whenever it is sent again, so that receivers can drop the second."""

    event: str
    delivery: str
    body: bytes


class TryLater(TransportError):
    """The receiver says: not now. `after` is in seconds, None where it doesn't say."""

    code = "TRANSPORT_BUSY"

    def __init__(self, message: str, after: int | None) -> None:
        super().__init__(message)
        self.after = after


def sign(secret: Secret, body: bytes, at: int) -> str:
    """The signature's header: `t=<seconds since 1970>,v1=<hex>`, HMAC-SHA256 of `<t>.<body>`."""
    return f"t={at},v1={_mac(secret, body, at)}"


def verify(secret: str, header: str, body: bytes, now: float, tolerance: float = 300.0) -> bool:
    """For receivers: whether `header` was made for this body by who knows the secret, at most `tolerance` s ago."""
    match = re.fullmatch(r"t=(\d{1,12}),v1=([0-9a-f]{64})", header, re.ASCII)
    if match is None or abs(now - int(match[1])) > tolerance:
        return False
    # In constant time: how long a comparison takes must not tell how much of a guess was right.
    return hmac.compare_digest(match[2], _mac(Secret(secret), body, int(match[1])))


def _mac(secret: Secret, body: bytes, at: int) -> str:
    return hmac.new(secret.reveal().encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()


def send(receiver: Receiver, post: Post, at: int) -> None:
    """Post it; returns when the receiver has answered 2xx. Redirects are never followed.

    Raises `TransportError`: TRANSPORT_REFUSED (3xx, 4xx: trying again is useless), TRANSPORT_TLS,
    TRANSPORT_CONNECT, TRANSPORT_CUT; `TryLater` (408, 425, 429, 5xx); `ConfigError`.
    """
    url = _checked(receiver)
    host, port = str(url.hostname), url.port
    client: http.client.HTTPConnection
    if url.scheme == "https":
        client = http.client.HTTPSConnection(
            host, port, timeout=receiver.timeout, context=trust.context(receiver.verify)
        )
    else:
        client = http.client.HTTPConnection(host, port, timeout=receiver.timeout)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "feedengine",
        "X-Feedengine-Event": post.event,
        "X-Feedengine-Delivery": post.delivery,
        "Connection": "close",
    }
    if receiver.secret:
        headers[SIGNATURE] = sign(receiver.secret, post.body, at)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    where = f"{host}:{client.port}"
    limit = 3 * receiver.timeout
    connection: socket.socket | None = None
    try:
        # The library forgets the connection when the answer's body begins; the deadline must not.
        with Deadline(limit, lambda: client.sock or connection) as deadline:
            try:
                client.connect()
                connection = client.sock
                client.request("POST", path, post.body, headers)
                with client.getresponse() as answer:
                    status, later = answer.status, answer.headers.get("Retry-After", "")
                    said = "" if 200 <= status < 300 else _said(answer.read(_READ_OF_ANSWER))
            except (OSError, http.client.HTTPException) as error:
                if not deadline.passed:
                    raise _ours(error, where) from error
        if deadline.passed:
            raise TransportError(f"{where} did not answer within {limit:g} s", code="TRANSPORT_CUT")
    finally:
        client.close()
    if not 200 <= status < 300:
        message = f"{where} says {status} {said}".rstrip()
        if status in _LATER or status >= 500:
            raise TryLater(message, int(later) if re.fullmatch(r"\d{1,6}", later, re.ASCII) else None)
        raise TransportError(message, code="TRANSPORT_REFUSED")


def _checked(receiver: Receiver) -> urllib.parse.SplitResult:
    try:
        url = urllib.parse.urlsplit(web_address(receiver.url))
    except ValueError as error:
        raise ConfigError(f"webhooks.{receiver.name}.url {error}") from None
    if url.scheme == "http" and not trust.on_this_machine(str(url.hostname)):
        raise ConfigError(f"webhooks.{receiver.name}.url must be https://; http:// is for this machine only")
    return url


def _ours(error: Exception, where: str) -> TransportError:
    if isinstance(error, ssl.SSLError):
        return TransportError(f"TLS with {where} failed: {error.reason or error}", code="TRANSPORT_TLS")
    if isinstance(error, http.client.HTTPException | ConnectionResetError | BrokenPipeError | socket.timeout):
        what = str(error) or type(error).__name__
        return TransportError(f"{where} ended the conversation early: {_said(what.encode())}", code="TRANSPORT_CUT")
    return TransportError(f"{where} can't be reached: {error}", code="TRANSPORT_CONNECT")


def _said(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
