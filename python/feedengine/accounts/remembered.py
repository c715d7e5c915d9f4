"""Logins that were right a moment ago: pollers come every minute, and scrypt is made to be slow."""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable

from feedengine.accounts.password import encoded

_MOST = 4096

#: The account's name and the digests of its valid passwords: what was remembered is void once one of them changes.
Proof = tuple[str | bytes, ...]


class Remembered:
    """Successful logins for `seconds`, as HMACs under a key that only this process has; passwords are not kept."""

    def __init__(self, seconds: float, ticks: Callable[[], float]) -> None:
        self._seconds = seconds
        self._ticks = ticks
        self._key = os.urandom(32)
        self._lock = threading.Lock()
        self._until: dict[bytes, float] = {}

    def holds(self, proof: Proof, password: str) -> bool:
        """Whether this very password was right for this very account not long ago."""
        mac = self._mac(proof, password)
        with self._lock:
            until = self._until.get(mac)
        return until is not None and self._ticks() < until

    def keep(self, proof: Proof, password: str, most: float | None) -> None:
        """Remember a login that was right, for `most` seconds if the password ends by then."""
        now = self._ticks()
        mac = self._mac(proof, password)
        with self._lock:
            if len(self._until) >= _MOST:
                self._until = {each: until for each, until in self._until.items() if until > now}
            if len(self._until) < _MOST:
                self._until[mac] = now + (self._seconds if most is None else min(self._seconds, most))

    def _mac(self, proof: Proof, password: str) -> bytes:
        mac = hmac.new(self._key, digestmod="sha256")
        for part in (*proof, encoded(password)):
            data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            mac.update(len(data).to_bytes(4, "big") + data)
        return mac.digest()
