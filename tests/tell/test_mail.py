"""Mail over a real SMTP server: TLS verified, login only inside it, no header smuggled in, hostile servers survived."""

from __future__ import annotations

import email
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from feedengine.errors import ConfigError, TransportError
from feedengine.notify.mail import Attachment, Mail, MailServer, compose, is_address, send
from feedengine.settings.kinds import Secret
from tell.servers import Certificate, Smtp, certificate, serving

MAIL = Mail(
    "feedengine@shop.example", "ann@shop.example", "[feedengine] FAILED sync k/P task 7", "Line one\n.\nüber €\n",
    "abc@shop.example", datetime(2026, 11, 21, 2, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


def server(smtp: Smtp, **more: Any) -> MailServer:
    verify = str(smtp.certificate.file) if smtp.certificate else "system"
    security = "tls" if smtp.implicit else "starttls" if smtp.certificate else "none"
    given = {"security": security, "verify": verify, "timeout": 60.0, **more}
    return MailServer("127.0.0.1", smtp.port, **given)


def parsed(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def refused(code: str, act: Callable[[], None]) -> TransportError:
    with pytest.raises(TransportError) as caught:
        act()
    assert caught.value.code == code, caught.value.message
    return caught.value


@pytest.mark.feature("W14")
@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_a_mail_arrives_over_tls_after_a_login(trusted: Certificate, implicit: bool) -> None:
    with Smtp(trusted, implicit).running() as smtp:
        send(server(smtp, user="ann", password=Secret("hunter2")), MAIL)
    assert smtp.logins == [("ann", True)]
    assert smtp.envelopes == [("FROM:<feedengine@shop.example>", "TO:<ann@shop.example>")]
    found = parsed(smtp.mails[0])
    assert found["Subject"] == MAIL.subject and found["Message-ID"] == "<abc@shop.example>"
    assert found["Date"] == "Sat, 21 Nov 2026 02:00:00 +0000" and found["Auto-Submitted"] == "auto-generated"
    assert found.get_content().replace("\r\n", "\n") == MAIL.text


def test_a_server_of_this_machine_needs_no_tls_another_one_does() -> None:
    with Smtp().running() as smtp:
        send(server(smtp), MAIL)
    assert len(smtp.mails) == 1
    with pytest.raises(ConfigError, match=r"mail\.security"):
        send(MailServer("mail.shop.example", 25, "none"), MAIL)


def test_attachments_come_through_byte_for_byte() -> None:
    content = bytes(range(256)) + b"\r\n.\r\n\n"
    with Smtp().running() as smtp:
        send(server(smtp), Mail(**{**vars(MAIL), "attachments": [Attachment("errors.csv", content)]}))
    (part,) = parsed(smtp.mails[0]).iter_attachments()
    assert part.get_filename() == "errors.csv" and part.get_content_type() == "text/csv"
    assert part.get_payload(decode=True) == content


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: eve@evil.example", "a\nb\x00c\u2028d", "é\udc80", "x" * 5000, "\r\n\r\nbody"]
)
def test_a_subject_adds_no_header_and_no_body(subject: str) -> None:
    found = parsed(compose(Mail(**{**vars(MAIL), "subject": subject, "text": "the text"})).as_bytes())
    assert found["Bcc"] is None and found.get_content().strip() == "the text"
    assert sorted(found.keys()) == sorted(parsed(compose(MAIL).as_bytes()).keys())
    assert len(found["Subject"]) <= 200 and "\n" not in found["Subject"]


def test_text_that_is_no_unicode_is_sent_all_the_same() -> None:
    found = parsed(compose(Mail(**{**vars(MAIL), "text": "a\udcffb"})).as_bytes())
    assert found.get_content().strip() == r"a\udcffb"


@pytest.mark.parametrize(
    "address",
    ["", "ann", "ann@x\r\nRCPT TO:<eve@x>", "a@b,c@d", "<a@b>", "a b@c", "a@b\n", "é@x.example", "a@" + "b" * 300],
)
def test_what_is_no_plain_address_is_refused_before_anything_is_sent(address: str) -> None:
    assert not is_address(address)
    for name in ("to", "sender"):
        mail = Mail(**{**vars(MAIL), name: address})
        refused("TRANSPORT_REFUSED", lambda mail=mail: send(MailServer("127.0.0.1", 1), mail))


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"RCPT": "550 no such person"}, "TRANSPORT_REFUSED"),
        ({"RCPT": "450 greylisted"}, "TRANSPORT_BUSY"),
        ({"MAIL": "552 no"}, "TRANSPORT_REFUSED"),
        ({"DATA": "421 shutting down"}, "TRANSPORT_BUSY"),
        ({"EHLO": "500 what", "HELO": "500 what"}, "TRANSPORT_REFUSED"),
    ],
)
def test_what_the_server_says_decides_whether_trying_again_helps(answers: dict[str, str], code: str) -> None:
    with Smtp(answers=answers).running() as smtp:
        error = refused(code, lambda: send(server(smtp), MAIL))
    assert not smtp.mails and str(smtp.port) in error.message


def test_a_wrong_password_is_told_without_it(trusted: Certificate) -> None:
    with Smtp(trusted).running() as smtp:
        error = refused("TRANSPORT_LOGIN", lambda: send(server(smtp, user="ann", password=Secret("wr0ng")), MAIL))
    assert "wr0ng" not in error.message and not smtp.mails


def test_without_starttls_on_offer_neither_login_nor_mail_leaves(trusted: Certificate) -> None:
    with Smtp(trusted, offers_starttls=False).running() as smtp:
        refused("TRANSPORT_TLS", lambda: send(server(smtp, user="ann", password=Secret("hunter2")), MAIL))
    assert not smtp.logins and not smtp.mails


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
@pytest.mark.parametrize("bad", ["unknown issuer", "another host", "ended"])
def test_a_certificate_that_does_not_hold_is_refused(
    trusted: Certificate, tmp_path: Path, bad: str, implicit: bool
) -> None:
    its = {
        "unknown issuer": certificate(tmp_path),
        "another host": certificate(tmp_path, "other.example"),
        "ended": certificate(tmp_path, days=-1),
    }[bad]
    trust = trusted.file if bad == "unknown issuer" else its.file
    with Smtp(its, implicit).running() as smtp:
        refused("TRANSPORT_TLS", lambda: send(server(smtp, verify=str(trust), user="a", password=Secret("b")), MAIL))
    assert not smtp.logins and not smtp.mails


def test_a_server_that_is_not_there_or_closes_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    refused("TRANSPORT_CONNECT", lambda: send(MailServer("127.0.0.1", port, "none"), MAIL))
    with serving(lambda connection: connection.close()) as port:
        refused("TRANSPORT_CUT", lambda: send(MailServer("127.0.0.1", port, "none"), MAIL))


@pytest.mark.parametrize("endless", [b"220-more\r\n", b"x", b"220-" + b"y" * 5000 + b"\r\n"])
def test_an_endless_reply_is_left(endless: bytes) -> None:
    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(endless * 1000)

    with serving(flood) as port:
        refused("TRANSPORT_CUT", lambda: send(MailServer("127.0.0.1", port, "none", timeout=20), MAIL))


@pytest.mark.parametrize("security", ["none", "tls"])
def test_a_server_that_drips_bytes_for_ever_is_left(security: str) -> None:
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        while not ended.wait(0.05):
            # A TLS record that never gets whole, or a reply that doesn't.
            connection.sendall(b"\x16\x03\x03\x3f\xff" if security == "tls" else b"2")

    with serving(drip) as port:
        try:
            send(MailServer("127.0.0.1", port, security, timeout=0.1), MAIL)
        except TransportError as error:
            assert error.code in ("TRANSPORT_CUT", "TRANSPORT_TLS")
        else:
            pytest.fail("was taken")
        finally:
            ended.set()


def test_a_silent_server_is_left_after_the_timeout() -> None:
    ended = threading.Event()
    with serving(lambda connection: bool(ended.wait(30)) and None) as port:  # type: ignore[func-returns-value]
        refused("TRANSPORT_CUT", lambda: send(MailServer("127.0.0.1", port, "none", timeout=0.1), MAIL))
        ended.set()


def test_no_certificates_to_trust_is_an_error_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        send(MailServer("127.0.0.1", 1, "tls", str(tmp_path / "none.pem")), MAIL)
