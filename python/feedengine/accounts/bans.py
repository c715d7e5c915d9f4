"""Bans: who guesses passwords is not answered for a while; kept in a small file that all servers share."""

from __future__ import annotations

import fcntl
import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from feedengine.accounts import networks
from feedengine.accounts.file import replace as write

#: How much each thing counts.
WEIGHTS = {"password": 1.0, "key": 0.5, "disabled": 1.0, "address": 1.0, "unknown": 2.0, "protocol": 3.0}
# What a right login takes away: behind one address may be a program with an old password and ten without.
_CREDIT = 5.0
_GROWTH = 1.5
_LONGEST = 86400.0
_MOST_ADDRESSES = 2000
_TRIES = 20
_PAUSE = 0.005


@dataclass(frozen=True)
class Standing:
    """What is known of an address: its score at the time `seen`, the end of its ban, how often it was banned.

    Times are seconds since 1970.
    """

    score: float
    seen: float
    until: float = 0.0
    bans: int = 0


class Bans:
    """Scores by address; one that reaches `threshold` is banned for `seconds`, half as long again each further time.

    A full score melts away in `window` seconds. `never` are networks that are never banned. All methods are quick, and
    none raises: a server must not fail because its notes can't be kept.
    """

    def __init__(
        self,
        path: Path,
        *,
        threshold: float = 15.0,
        window: float = 1800.0,
        seconds: float = 1800.0,
        never: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._threshold = threshold
        self._window = window
        self._seconds = seconds
        self._never = tuple(never)
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._standings: dict[str, Standing] = {}

    def left(self, peer: str) -> float:
        """Seconds for which a peer is still banned, 0 = not."""
        if networks.inside(peer, self._never):
            return 0.0
        with self._lock:
            standing = self._read().get(networks.counted(peer))
        return self._left(standing) if standing else 0.0

    def failed(self, peer: str, why: str) -> float:
        """Count a failure (a word of WEIGHTS); gives the seconds of the ban that it led to, 0 = none."""
        if networks.inside(peer, self._never):
            return 0.0
        address = networks.counted(peer)
        with self._changing() as standings:
            now = self._clock()
            before = standings.get(address, Standing(0.0, now))
            score = self._score(before, now) + WEIGHTS[why]
            bans = before.bans if now - max(before.until, before.seen) < _LONGEST else 0
            if score < self._threshold:
                standings[address] = replace(before, score=score, seen=now, bans=bans)
                return 0.0
            lasts = min(self._seconds * _GROWTH**bans, _LONGEST)
            standings[address] = Standing(0.0, now, now + lasts, bans + 1)
            return lasts

    def passed(self, peer: str) -> None:
        """Note that somebody at this address logged in."""
        address = networks.counted(peer)
        with self._lock:
            known = address in self._read()
        if not known:
            return
        with self._changing() as standings:
            before = standings.get(address)
            if before is not None:
                now = self._clock()
                standings[address] = replace(before, score=max(0.0, self._score(before, now) - _CREDIT), seen=now)

    def banned(self) -> list[tuple[str, float, int]]:
        """Banned addresses: seconds left, and the how manieth ban it is."""
        with self._lock:
            standings = dict(self._read())
        found = [(address, self._left(each), each.bans) for address, each in sorted(standings.items())]
        return [each for each in found if each[1] > 0]

    def lift(self, address: str | None) -> list[str]:
        """Forget one address, or all; gives those that were banned."""
        wanted = None if address is None else {address, networks.counted(address)}
        with self._changing() as standings:
            gone = [each for each in standings if wanted is None or each in wanted]
            lifted = [each for each in gone if self._left(standings[each]) > 0]
            for each in gone:
                del standings[each]
        return lifted

    def _score(self, standing: Standing, now: float) -> float:
        melted = self._threshold * max(0.0, now - standing.seen) / self._window
        return max(0.0, standing.score - melted)

    def _left(self, standing: Standing) -> float:
        # A clock that was set back must not make a ban of days.
        return max(0.0, min(standing.until - self._clock(), _LONGEST))

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Standing]]:
        with self._lock, _locked(self._path):
            standings = dict(self._read())
            yield standings
            if len(standings) > _MOST_ADDRESSES:
                # Those that were quiet for longest go; the banned ones stay.
                ranked = sorted(standings, key=lambda each: max(standings[each].until, standings[each].seen))
                for address in ranked[: len(standings) - _MOST_ADDRESSES]:
                    del standings[address]
            self._standings = standings
            try:
                content = {address: asdict(each) for address, each in standings.items()}
                write(self._path, json.dumps(content).encode(), lasting=False)
                self._seen = self._now_there()
            except OSError:
                # What is in memory still holds for this process.
                return

    def _read(self) -> dict[str, Standing]:
        there = self._now_there()
        if there is None or there == self._seen:
            return self._standings
        try:
            found = json.loads(self._path.read_bytes())
            self._standings = {str(address): _standing(each) for address, each in found.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            # Damage costs the scores, not the service; the next failure writes the file anew.
            self._standings = {}
        self._seen = there
        return self._standings

    def _now_there(self) -> tuple[int, int] | None:
        try:
            about = os.stat(self._path)
        except OSError:
            return None
        return about.st_ino, about.st_mtime_ns


def _standing(found: dict[str, Any]) -> Standing:
    made = Standing(**found)
    if not all(math.isfinite(each) for each in (made.score, made.seen, made.until)):
        raise ValueError("not a number")
    return replace(made, bans=min(int(made.bans), 100))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time. Others hold it for a millisecond; one that hangs with it is not waited for, and neither is
    a disk that takes no file: then a score of the other process may be lost."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        for _ in range(_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)
