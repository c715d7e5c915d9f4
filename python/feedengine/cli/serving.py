"""What `feedengine serve` says when it is up, and what `--dev` makes first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.cli.render import steps
from feedengine.errors import from_os_error

if TYPE_CHECKING:
    from feedengine.cli.session import Session

_LOGIN = "dev"
_KEY = "key_dev"
_SAMPLE = f"{_KEY}_Products_sync_2026-01-01-00-00-00.csv"
_ROWS = """id,item_name,url,image_url,facet:Color,metadata:price
A1,Blue shirt,https://example.com/a1,https://example.com/a1.jpg,Blue|Navy,19.90
A2,Red shirt,https://example.com/a2,https://example.com/a2.jpg,Red,19.90
A3,Green hat,https://example.com/a3,https://example.com/a3.jpg,Green,9.50
"""


@dataclass(frozen=True)
class Trial:
    """What `--dev` made: a login, its password if it is new, a feed to send."""

    login: str
    password: str | None
    sample: Path


def prepare_dev(session: Session) -> Trial:
    """Make what is missing for a first try: the store, an account, a feed. Listens to this machine only by default."""
    from feedengine.accounts import Accounts
    from feedengine.errors import NotFound
    from feedengine.settings import Settings
    from feedengine.store import Store

    options = session.options
    written = Settings.load(Path(options.config) if options.config else None)
    if written.value("ftps.host").origin == "default":
        session.flag("ftps.host", "--dev", "127.0.0.1")
    try:
        store = Store.create(session.settings.store, session.store_options())
        sample = store.root / "sample" / _SAMPLE
        if not sample.exists():
            sample.parent.mkdir(exist_ok=True)
            sample.write_text(_ROWS, "utf-8")
    except OSError as error:
        raise from_os_error(error, "make the store") from error
    accounts = Accounts(store.root)
    try:
        accounts.get(_LOGIN)
        password = None
    except NotFound:
        _, password = accounts.add(_LOGIN, keys=(_KEY,), by="serve --dev")
    return Trial(_LOGIN, password, sample)


def welcome(session: Session, facts: dict[str, dict[str, Any]], trial: Trial | None) -> None:
    """Say what listens where, and what to type next."""
    out = session.out
    listening = {name: told["listening"] for name, told in facts.items() if told.get("listening")}
    hints: list[dict[str, Any]] = []
    if trial is not None and "ftps" in facts:
        hints.append({"text": "Send a feed", "argv": _curl(session, trial, facts["ftps"])})
    if trial is not None and trial.password is None:
        hints.append({"text": "A new password", "argv": ["feedengine", "user", "passwd", trial.login]})
    hints += [
        {"text": "Put a file into the queue", "argv": ["feedengine", "submit", "FILE", "--wait"]},
        {"text": "See the tasks", "argv": ["feedengine", "task", "list"]},
        {"text": "See how it is", "argv": ["feedengine", "status"]},
    ]
    hints = steps.complete(hints, out.given)
    if out.machine:
        document = {"schema": "feedengine.serve/1", "pid": os.getpid(), "listening": listening, "hints": hints}
        if trial is not None:
            document["user"] = {"name": trial.login, "password": trial.password}
        out.json(document)
        out.flush()
        return
    lines = [f"Serving   {session.store.root}, process {os.getpid()}"]
    lines += [f"          {name} on {where}" for name, where in listening.items()]
    if trial is not None:
        shown = f"password {trial.password} (shown this once)" if trial.password else "with the password shown before"
        lines.append(f"          user {trial.login}, {shown}")
    # Said even with --quiet where the password would be lost otherwise.
    say = out.say if trial is not None and trial.password else out.talk
    say([*lines, "", *steps.lines(hints)])


def _curl(session: Session, trial: Trial, facts: dict[str, Any]) -> list[str]:
    """The command that uploads the sample, as it can be typed."""
    port = str(facts["listening"]).partition(",")[0].rpartition(":")[2]
    login = f"{trial.login}:{trial.password or 'PASSWORD'}"
    certificate = ["--cacert", str(facts["certificate"])] if facts.get("certificate") else []
    return ["curl", "--ssl-reqd", *certificate, "--user", login, "-T", str(trial.sample), f"ftp://localhost:{port}/"]
