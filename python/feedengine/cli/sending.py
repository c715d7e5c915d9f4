"""Sending a file from the command line: into the outbox, and with --wait until it has arrived."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.errors import ExitCode, Hint, TransportError

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.ledger.outbox import Delivery, Outbox
    from feedengine.service.targets import SendTarget

_LOOK_SECONDS = 0.25


def send(session: Session, file: Path, target: str, name: str | None, wait: bool, timeout: int) -> int:
    """Put a file into the outbox; send it at once where that was asked for, or where only this process can."""
    from feedengine.ledger.outbox import Outbox
    from feedengine.service.bell import ring
    from feedengine.service.keeping import keep
    from feedengine.service.targets import is_ours, target_of

    if "/" in target and "://" not in target and target not in session.settings.named["targets"]:
        target = str(Path(target).absolute())
    wanted = target_of(session.settings, target)
    store = session.store
    outbox = Outbox(store.ledger)
    about = {"source": str(file.absolute()), "actor": session.actor}
    [number] = outbox.add([keep(store, file, wanted.name, name or file.name, about)])
    ring(store, "courier")
    if not wait and is_ours(session.settings, target):
        document = {"schema": "feedengine.delivery/1", **outbox.get(number).as_dict()}
        session.out.show(document, [f"delivery {number} waits in the outbox: {file.name} to {target}"])
        return int(ExitCode.DONE)
    until = time.monotonic() + timeout
    found = see_through(session, wanted, outbox, [number], timeout)[0]
    return tell(session, wanted, found, until)


def see_through(
    session: Session, target: SendTarget, outbox: Outbox, numbers: list[int], timeout: int
) -> list[Delivery]:
    """Wait until deliveries have ended, sending them here unless the courier does. Raises `TransportError`."""
    from feedengine.service.sending import Sender

    sender = Sender(session.store, target, _Quiet())
    until = time.monotonic() + timeout
    told: set[int] = set()
    while True:
        sender.drain()
        found = [outbox.get(number) for number in numbers]
        if all(each.status not in ("WAITING", "SENDING") for each in found):
            return found
        waiting = next(each for each in found if each.status in ("WAITING", "SENDING"))
        if time.monotonic() >= until:
            raise TransportError(
                f"{waiting.name} was not sent within {timeout} s" + (f": {waiting.error}" if waiting.error else "."),
                state="It stays in the outbox and is tried again by the service.",
                hints=[Hint("See it", ("feedengine", "outbox", "show", str(waiting.id)))],
            )
        before = outbox.head(target.name)
        if before is not None and before.id not in numbers and before.id not in told:
            told.add(before.id)
            session.out.talk(f"delivery {before.id} ({before.name}) goes before it: {before.error or before.status}")
        if waiting.error:
            session.out.talk(f"attempt {waiting.attempts} failed: {waiting.error}")
            outbox_wait(outbox, waiting, until)
        else:
            time.sleep(_LOOK_SECONDS)


def outbox_wait(outbox: Outbox, waiting: Delivery, until: float) -> None:
    """Sleep until a delivery is due or has ended, or the time is over."""
    while time.monotonic() < until:
        now = outbox.get(waiting.id)
        if now.status != "WAITING" or now.not_before <= outbox.now():
            return
        time.sleep(_LOOK_SECONDS)


def tell(session: Session, target: SendTarget, found: Delivery, until: float) -> int:
    """Say what became of a delivery, and of the feed there if the target reports that."""
    from feedengine.cli.render import outbox as render

    document: dict[str, Any] = {"schema": "feedengine.delivery/1", **found.as_dict()}
    if found.status != "SENT":
        end = "given up" if found.status == "DEAD" else "dropped"
        raise TransportError(
            f"{found.name} was not sent to {found.target}: {found.error}",
            state=f"Delivery {found.id} was {end}.",
            hints=[Hint("Try it again", ("feedengine", "outbox", "retry", str(found.id)))],
        )
    if not target.keys["reports"]:
        session.out.show(document, render.sent(document))
        return int(ExitCode.DONE)
    from feedengine.service.answers import exit_code, wait_for_answer

    session.out.talk(render.sent(document))
    answer = wait_for_answer(target, found, until)
    if answer is None:
        raise TransportError(
            f"{found.name} has arrived at {found.target}, but nothing was reported of it.",
            state="Whether it was applied there is not known.",
            hints=[Hint("It is looked for in the target's folder for reports", ("feedengine", "config", "show"))],
        )
    session.out.show({**document, "remote": answer}, render.answer(answer))
    return int(exit_code(answer))


class _Quiet:
    """A log for a command: what matters is said by its result."""

    def __call__(self, event: str, *, level: str = "info", **facts: Any) -> None:
        pass
