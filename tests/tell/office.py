"""A store with settings and a part, in which tasks land and end as a test wants; nothing of them is real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli.canned import BAD_NUMBER, GOOD, REFUSED
from feedengine.ledger import Queue
from feedengine.ledger.incidents import Incidents
from feedengine.ledger.messages import Messages
from feedengine.service.part import Part
from feedengine.service.telling import tell_task
from feedengine.settings import Settings
from feedengine.store import Store

NAME = "key_7AeG_Products_sync_2026-11-21-02-00-00.tar.gz"


class Office:
    """A store, its settings and the part that sends."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store.create(root / "store")
        self.lines: list[dict[str, Any]] = []
        self.incidents = Incidents(self.store.ledger)
        self.messages = Messages(self.store.ledger)
        self.configure()

    def configure(self, text: str = "") -> None:
        (self.root / "feedengine.toml").write_text(text)
        self.settings = Settings.load(self.root / "feedengine.toml", env={})
        self.part = Part("courier", self.store, self.settings, self._log)

    def _log(self, event: str, *, level: str = "info", **facts: Any) -> None:
        self.lines.append({"event": event, "level": level, **facts})

    def queued(self, **more: Any) -> int:
        given = {"key": "key_7AeG", "section": "Products", "operation": "sync", "filename": NAME, "bytes": 402_118_200}
        given |= {"protocol": "ftps", "actor": "ann", "account": "ann", "home": "/none/ann", "peer": "192.0.2.7"}
        return Queue(self.store.ledger).add(**(given | more))

    def landed(self, **more: Any) -> int:
        """A task that is worked on."""
        task = self.queued(**more)
        self.store.ledger.start(task)
        return task

    def done(self, outcome: str = "ok", snapshot: int | None = 61, **more: Any) -> int:
        task = self.landed(**more)
        problems = [BAD_NUMBER] * 3 if outcome == "ok_with_errors" else []
        report = {**GOOD, "outcome": outcome}
        self.store.ledger.finish(task, outcome, new_snapshot=snapshot, report=report, problems=problems)
        tell_task(self.store, self.settings, task)
        return task

    def failed(self, code: str = "EMPTY", outcome: str = "rejected_file", **more: Any) -> int:
        task = self.landed(**more)
        error = {"code": code, "message": f"the file is wrong: {code}", "hints": []}
        problems = [BAD_NUMBER] * 30 if outcome == "rejected_file" else []
        counts = {**GOOD["problems"], "errors": 30, "warnings": 0}
        report = REFUSED if outcome == "refused" else {**GOOD, "problems": counts}
        self.store.ledger.fail(task, outcome, error=error, report=report, problems=problems)
        tell_task(self.store, self.settings, task)
        return task

    def waiting(self) -> list[tuple[str, str]]:
        """Subject or event, and to whom."""
        return [
            (each.body.get("subject") or each.body["event"], each.body.get("to") or each.place)
            for each in reversed(self.messages.list(status="waiting"))
        ]
