"""A running service, two partners, and the question after each test: is it well, and did it tell nothing?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from network.processes import Holding, holding
from network.service import Service
from network.talk import Reply, Talk

GOOD = "id,item_name\nA1,One\n"
KEY = "key_Net0001"
LOGIN, PASSWORD = "partner@example.com", "Long enough 1"
OTHER, OTHER_PASSWORD = "other@example.com", "Long enough 2"


@dataclass
class Lab:
    """The service, two partners, and what to ask of it."""

    service: Service
    talks: list[Talk] = field(default_factory=list)
    made: int = 0

    @property
    def home(self) -> Path:
        """The first partner's folder."""
        return self.service.store / "homes" / "partner"

    def talk(self, *, source: str = "", seconds: float = 60.0) -> Talk:
        """A connection, not yet secure."""
        found = Talk("127.0.0.1", self.service.port, source=source, seconds=seconds)
        self.talks.append(found)
        return found

    def session(self, *, source: str = "", login: str = LOGIN, password: str = PASSWORD) -> Talk:
        """A connection of a partner that is logged in."""
        for _ in range(10):
            found = self.talk(source=source)
            said = found.login(login, password)
            if "in time" not in said.text:
                break  # on a busy machine a login can take longer than the bound that a test sets
        assert said.code == 230, said
        return found

    def name(self, operation: str = "delta") -> str:
        """A feed's name that was not used yet."""
        self.made += 1
        stamp = f"2026-11-21-{self.made // 3600:02d}-{self.made // 60 % 60:02d}-{self.made % 60:02d}"
        return f"{KEY}_Products_{operation}_{stamp}.csv"

    def names_in_ledger(self) -> list[str]:
        """Files that have tasks."""
        return [str(task.filename) for task in self.service.tasks()]

    def serves(self, source: str = "") -> None:
        """A partner can still log in, send a feed, and it is in the ledger once."""
        name = self.name()
        with self.session(source=source) as talk:
            said = talk.store(name, GOOD.encode())
            assert said.code == 226, said
            talk.say("QUIT")
        assert self.names_in_ledger().count(name) == 1

    def told_nothing(self) -> None:
        """No reply of any session named a path of ours or showed our insides; no traceback is in the log."""
        for talk in self.talks:
            for reply in talk.all:
                told_nothing(reply, self.service)
        assert self.service.complaints() == []

    def comes_to_rest(self, idle: Holding, seconds: float = 90.0) -> None:
        """The server holds no more descriptors and threads than when it was idle (threads of its pools stay)."""
        until = time.monotonic() + seconds
        pid = self.service.part("ftps")
        while True:
            now = holding(pid)
            assert now is not None
            if now.files <= idle.files + 3 and now.threads <= idle.threads + 12:
                return
            assert time.monotonic() < until, f"{now}, idle it was {idle}"
            time.sleep(0.1)


def told_nothing(reply: Reply, service: Service) -> None:
    """A reply holds nothing that only we should know."""
    for ours in (str(service.folder), "Traceback", "/store/", "Errno", "homes/", ".py"):
        assert ours not in reply.text, reply
