"""What `feedengine serve` says when it is up, and what `--dev` makes first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from feedengine.cli.render import steps

if TYPE_CHECKING:
    from feedengine.cli.session import Session

#: A name and a password, as they are shown once.
Login = tuple[str, str]


def prepare_dev(session: Session) -> Login | None:
    """Make the store where there is none."""
    from feedengine.store import Store

    Store.create(session.settings.store, session.store_options())
    return None


def welcome(session: Session, facts: dict[str, dict[str, Any]], login: Login | None) -> None:
    """Say what listens where, and what to type next."""
    out = session.out
    listening = {name: told["listening"] for name, told in facts.items() if told.get("listening")}
    hints: list[dict[str, Any]] = [
        {"text": "Put a feed into the queue", "argv": ["feedengine", "submit", "FILE", "--wait"]},
        {"text": "See the tasks", "argv": ["feedengine", "task", "list"]},
    ]
    hints = steps.complete(hints, out.given)
    if out.machine:
        out.json({"schema": "feedengine.serve/1", "pid": os.getpid(), "listening": listening, "hints": hints})
        out.flush()
        return
    lines = [f"Serving   {session.store.root}, process {os.getpid()}"]
    lines += [f"          {name} on {where}" for name, where in listening.items()]
    out.talk([*lines, "", *steps.lines(hints)])
