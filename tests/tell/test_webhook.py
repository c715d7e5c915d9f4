"""Webhooks over a real HTTP server: signed over time and body, never redirected, hostile receivers survived."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feedengine.errors import ConfigError, TransportError
from feedengine.notify.webhook import SIGNATURE, Post, Receiver, TryLater, send, sign, verify
from feedengine.settings.kinds import Secret
from tell import servers
from tell.servers import certificate, serving

POST = Post("failure", "d-1", b'{"a":"\xc3\xa9"}')
AT = 1_795_224_000


def to(url: str, **more: Any) -> Receiver:
    return Receiver("erp", url, **{"timeout": 60.0, **more})


def refused(code: str, act: Callable[[], None]) -> TransportError:
    with pytest.raises(TransportError) as caught:
        act()
    assert caught.value.code == code, caught.value.message
    return caught.value


@pytest.mark.parametrize("tls", [False, True])
def test_body_and_signature_arrive(tmp_path: Path, tls: bool) -> None:
    with servers.Receiver(certificate(tmp_path) if tls else None).running() as receiver:
        trust = str(receiver.certificate.file) if receiver.certificate else "system"
        send(to(receiver.url, secret=Secret("s3cret"), verify=trust), POST, AT)
    (request,) = receiver.requests
    assert request.path == "/hook?x=1" and request.body == POST.body
    assert request.headers["X-Feedengine-Event"] == "failure" and request.headers["X-Feedengine-Delivery"] == "d-1"
    assert request.headers["Content-Type"] == "application/json"
    assert verify("s3cret", request.headers[SIGNATURE], request.body, AT + 10)


def test_the_signature_is_what_the_documentation_says() -> None:
    expected = hmac.new(b"s3cret", f"{AT}.".encode() + POST.body, hashlib.sha256).hexdigest()
    assert sign(Secret("s3cret"), POST.body, AT) == f"t={AT},v1={expected}"


def test_a_signature_holds_for_its_body_its_secret_and_a_while() -> None:
    header = sign(Secret("s3cret"), POST.body, AT)
    assert verify("s3cret", header, POST.body, AT + 300) and verify("s3cret", header, POST.body, AT - 300)
    assert not verify("s3cret", header, POST.body, AT + 301)
    assert not verify("other", header, POST.body, AT)
    assert not verify("s3cret", header, POST.body + b" ", AT)
    assert not verify("s3cret", header.replace(f"t={AT}", f"t={AT + 1}"), POST.body, AT)
    for wrong in ("", "t=1", header + "0", header.upper(), f"v1=,t={AT}", "t=" + "9" * 400 + ",v1=" + "0" * 64):
        assert not verify("s3cret", wrong, POST.body, AT)


def test_without_a_secret_there_is_no_signature() -> None:
    with servers.Receiver().running() as receiver:
        send(to(receiver.url), POST, AT)
    assert SIGNATURE not in receiver.requests[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with servers.Receiver().running() as elsewhere, servers.Receiver().running() as receiver:
        receiver.answers = [(status, {"Location": elsewhere.url})]
        refused("TRANSPORT_REFUSED", lambda: send(to(receiver.url), POST, AT))
    assert not elsewhere.requests


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, {"Retry-After": "17"}, 17),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        (503, {"Retry-After": "-5"}, None),
        (503, {"Retry-After": "9" * 50}, None),
        (500, {}, None),
        (408, {}, None),
    ],
)
def test_a_busy_receiver_is_tried_later(status: int, headers: dict[str, str], after: int | None) -> None:
    with servers.Receiver(answers=[(status, headers)]).running() as receiver, pytest.raises(TryLater) as caught:
        send(to(receiver.url), POST, AT)
    assert caught.value.after == after and caught.value.passing


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_tried_again(status: int) -> None:
    with servers.Receiver(answers=[(status, {})]).running() as receiver:
        error = refused("TRANSPORT_REFUSED", lambda: send(to(receiver.url), POST, AT))
    assert str(status) in error.message and not error.passing


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/",
        "https://",
        "nonsense",
        "https://user:pass@host/",
        "http://shop.example/hook",
        "https://host/a b",
        "https://host/\r\nX: y",
        "https://host:99999/",
        "https://hé/",
    ],
)
def test_an_address_that_cannot_be_meant_is_an_error_of_the_settings(url: str) -> None:
    with pytest.raises(ConfigError, match=r"webhooks\.erp\.url") as caught:
        send(to(url), POST, AT)
    assert "pass@" not in caught.value.message


@pytest.mark.parametrize("bad", ["unknown issuer", "another host", "ended"])
def test_a_certificate_that_does_not_hold_is_refused(tmp_path: Path, bad: str) -> None:
    good = certificate(tmp_path)
    its = {
        "unknown issuer": good,
        "another host": certificate(tmp_path, "other.example"),
        "ended": certificate(tmp_path, days=-1),
    }[bad]
    trust = "system" if bad == "unknown issuer" else str(its.file)
    with servers.Receiver(its).running() as receiver:
        refused("TRANSPORT_TLS", lambda: send(to(receiver.url, verify=trust), POST, AT))
    assert not receiver.requests


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 ",
        b"HTTP/1.1 204\r\n" + b"X: y\r\n" * 200,
        b"HTTP/1.1 204\r\nX: " + b"y" * 70000,
    ],
)
def test_an_answer_that_is_none_or_too_long_is_cut(answer: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with serving(serve) as port:
        refused("TRANSPORT_CUT", lambda: send(to(f"http://127.0.0.1:{port}/"), POST, AT))


def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    sent = []

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 500 no\r\n\r\nsorry\x1b[2J\r\n")
        while True:
            sent.append(connection.send(b"x" * 65536))

    with serving(serve) as port, pytest.raises(TryLater) as caught:
        send(to(f"http://127.0.0.1:{port}/"), POST, AT)
    assert caught.value.message.startswith(f"127.0.0.1:{port} says 500 sorry [2J xxx")
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 204 ok\r\nX: ", b"HTTP/1.1 500 no\r\n\r\n"], ids=["header", "body"])
def test_a_receiver_that_drips_bytes_for_ever_is_left(beginning: bytes) -> None:
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(beginning)
        while not ended.wait(0.01):
            connection.sendall(b"y")

    with serving(drip) as port:
        error = refused("TRANSPORT_CUT", lambda: send(to(f"http://127.0.0.1:{port}/", timeout=0.2), POST, AT))
        ended.set()
    assert "did not answer within" in error.message


def test_a_receiver_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    refused("TRANSPORT_CONNECT", lambda: send(to(f"http://127.0.0.1:{port}/"), POST, AT))
