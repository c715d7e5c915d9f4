"""Sends what the messages' outbox holds: each destination in a thread of its own, with longer waits after failures."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from feedengine.errors import ConfigError, FeedEngineError, TransportError
from feedengine.faults import point
from feedengine.ledger.incidents import Incidents
from feedengine.ledger.messages import Message, Messages
from feedengine.notify import mail, webhook
from feedengine.service.part import Part
from feedengine.service.telling import errors_csv, tell_incidents
from feedengine.settings import Settings, secrets

_FIRST_WAIT = 30.0
_LONGEST_WAIT = 3600.0
_AT_ONCE = 8

Send = Callable[[Message], None]


def send_due(part: Part) -> int:
    """Send what is due, and tell of incidents that nobody was told of; gives how many messages were sent.

    Called again and again by a thread of the courier. Never raises for a message or its destination.
    """
    tell_incidents(part.store, part.settings)
    messages = Messages(part.store.ledger)
    by_place: dict[tuple[str, str], list[Message]] = {}
    for message in messages.due():
        by_place.setdefault((message.kind, message.place), []).append(message)
    if not by_place:
        return 0
    with ThreadPoolExecutor(min(len(by_place), _AT_ONCE)) as pool:
        # One destination that is down or slow delays no other.
        return sum(pool.map(lambda waiting: _send_all(part, messages, waiting), by_place.values()))


def _send_all(part: Part, messages: Messages, waiting: list[Message]) -> int:
    """Send to one destination until it is out of order; gives how many were sent."""
    done = 0
    for message in waiting:
        if part.stopping.is_set():
            break
        facts: dict[str, Any] = {
            "message": message.id,
            "kind": message.kind,
            "place": message.place,
            "task": message.task,
        }
        try:
            _send(part, message)
        except FeedEngineError as error:
            final = _failed(part, messages, message, error)
            level = "error" if final else "warning"
            part.log("tell.failed", level=level, **facts, code=error.code, error=error.message, given_up=final)
            if not final:
                break
            continue
        except Exception as error:
            _failed(part, messages, message, FeedEngineError(f"{type(error).__name__}: {error}"))
            part.log("tell.bug", level="error", **facts, error=f"{type(error).__name__}: {error}")
            continue
        point("serve.message_sent")
        messages.sent(message.id)
        done += 1
        part.log("tell.sent", **facts, attempts=message.attempts + 1)
    if done:
        with suppress(FeedEngineError):
            Incidents(part.store.ledger).close("message_dead", _place(waiting[0]))
    return done


def _failed(part: Part, messages: Messages, message: Message, error: FeedEngineError) -> bool:
    """Note a failed attempt; says whether it was the last."""
    attempts = message.attempts + 1
    hopeless = isinstance(error, TransportError) and error.code == "TRANSPORT_REFUSED"
    if hopeless or attempts >= int(part.settings.get("mail.attempts")):
        messages.failed(message.id, error.message, None)
        about = {"message": message.id, "task": message.task, "error": error.message}
        Incidents(part.store.ledger).open("message_dead", _place(message), about)
        return True
    after = error.after if isinstance(error, webhook.TryLater) else None
    until = (datetime.now(UTC) + timedelta(seconds=wait(attempts, after))).strftime("%Y-%m-%dT%H:%M:%SZ")
    messages.failed(message.id, error.message, until)
    if message.kind == "webhook" or error.code != "TRANSPORT_BUSY":
        # It is down for all that waits for it; only a mail server says "later" of a single recipient.
        messages.postpone(message.kind, message.place, until)
    return False


def wait(attempts: int, after: int | None = None) -> float:
    """Seconds until the next attempt: longer each time, a little by chance, at least what the receiver asked for."""
    usual = min(_FIRST_WAIT * 2.0 ** (attempts - 1), _LONGEST_WAIT) * random.uniform(0.8, 1.2)
    return max(usual, float(min(after or 0, _LONGEST_WAIT)))


def _place(message: Message) -> str:
    return f"webhook {message.place}" if message.kind == "webhook" else f"mail to {message.body.get('to')}"


def _send(part: Part, message: Message) -> None:
    if message.kind == "mail":
        mail.send(mail_server(part.settings), _mail(part, message))
        return
    named = part.settings.named.get("webhooks", {}).get(message.place)
    if named is None:
        raise TransportError(f"there is no [webhooks.{message.place}] any more", code="TRANSPORT_REFUSED")
    body = message.body
    content = json.dumps(body["document"], ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    post = webhook.Post(body["event"], body["delivery"], content)
    webhook.send(receiver(part.settings, message.place, named), post, int(time.time()))


def try_out(settings: Settings, sender: str, at: datetime) -> list[tuple[str, FeedEngineError | None]]:
    """Send a test to each of `mail.to` and each webhook; gives what became of each."""

    def write(address: str) -> None:
        subject, text = "[feedengine] TEST", "This is a test of mail. Nothing is wrong.\n"
        own = f"{uuid.uuid4().hex}@{sender.rpartition('@')[2]}"
        mail.send(mail_server(settings), mail.Mail(sender, address, subject, text, own, at))

    def post(name: str) -> None:
        body = b'{"schema":"feedengine.event/1","event":"test"}'
        test = webhook.Post("test", uuid.uuid4().hex, body)
        webhook.send(receiver(settings, name, settings.named["webhooks"][name]), test, int(at.timestamp()))

    found: list[tuple[str, FeedEngineError | None]] = []
    mails = [(f"mail to {each}", write, each) for each in settings.get("mail.to") if settings.get("mail.host")]
    hooks = [(f"webhook {each}", post, each) for each in settings.named.get("webhooks", {})]
    for place, act, whom in [*mails, *hooks]:
        try:
            act(whom)
        except FeedEngineError as error:
            found.append((place, error))
        else:
            found.append((place, None))
    return found


def mail_server(settings: Settings) -> mail.MailServer:
    """The SMTP server of the settings. Raises ConfigError."""
    if not settings.get("mail.host"):
        raise ConfigError("mail.host is empty: there is no server to send mails to")
    beside = settings.file.parent if settings.file else None
    return mail.MailServer(
        host=settings.get("mail.host"),
        port=settings.get("mail.port"),
        security=settings.get("mail.security"),
        verify=settings.get("mail.verify"),
        user=settings.get("mail.user"),
        password=secrets.resolve(
            "mail.password",
            file=settings.get("mail.password_file"),
            variable=settings.get("mail.password_env"),
            beside=beside,
        ),
        timeout=float(settings.get("mail.timeout")),
    )


def receiver(settings: Settings, name: str, named: Mapping[str, Any]) -> webhook.Receiver:
    """A webhook of the settings. Raises ConfigError."""
    beside = settings.file.parent if settings.file else None
    return webhook.Receiver(
        name=name,
        url=named["url"],
        secret=secrets.resolve(
            f"webhooks.{name}.secret", file=named["secret_file"], variable=named["secret_env"], beside=beside
        ),
        verify=named["verify"],
        timeout=float(named["timeout"]),
    )


def _mail(part: Part, message: Message) -> mail.Mail:
    body = message.body
    attachments = []
    if body.get("attach"):
        content = errors_csv(part.store, body["attach"], int(part.settings.get("mail.attach_limit")))
        if content is not None:
            attachments.append(mail.Attachment(f"task-{body['attach']}-errors.csv", content))
    return mail.Mail(
        sender=body["from"],
        to=body["to"],
        subject=body["subject"],
        text=body["text"],
        message_id=body["message_id"],
        date=datetime.fromisoformat(message.made),
        attachments=attachments,
    )
