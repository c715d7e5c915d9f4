"""What the partners know: every attempt to send a file and what the service said to it."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from soak.feeds import Sent

#: What an attempt came to. stored: the service said that all is well. refused: it said no, for good. later: it said no
#: for now. unknown: the connection was lost while the answer was due. nothing: it was lost before, or cut by us.
RESULTS = ("stored", "refused", "later", "unknown", "nothing")


@dataclass(frozen=True)
class Attempt:
    """One attempt. `at` is in seconds since the day began."""

    at: float
    login: str
    name: str
    kind: str
    number: int
    result: str
    said: str


class Journal:
    """Attempts in memory and, line by line, in a file that outlives us. Safe for threads."""

    def __init__(self, path: Path) -> None:
        self.attempts: list[Attempt] = []
        self.sent: dict[tuple[str, str], Sent] = {}
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def note(self, sent: Sent, number: int, result: str, said: str) -> None:
        """An attempt has ended."""
        login = sent.partner.login
        attempt = Attempt(
            round(time.monotonic() - self._began, 3), login, sent.name, sent.kind, number, result, said[:300]
        )
        with self._lock:
            self.attempts.append(attempt)
            self.sent[login, sent.name] = sent
            self._file.write(json.dumps(asdict(attempt)) + "\n")

    def count(self, result: str) -> int:
        """How many attempts came to this."""
        with self._lock:
            return sum(attempt.result == result for attempt in self.attempts)

    def files(self) -> dict[tuple[str, str], list[Attempt]]:
        """The attempts at each file, by login and name."""
        found: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
        with self._lock:
            for attempt in self.attempts:
                found[attempt.login, attempt.name].append(attempt)
        return found

    def close(self) -> None:
        """No more attempts."""
        self._file.close()
