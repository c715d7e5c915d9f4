"""Passwords: made up, hashed with scrypt, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from dataclasses import dataclass

# Letters and digits that are not taken for one another, so that a password survives a telephone and any shell or URL.
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 24
_DIGEST_BYTES = 32
#: The least length of a password that a person chose.
LEAST = 12
#: The longest one: what a login can send without being refused for its length.
MOST = 256


@dataclass(frozen=True)
class Cost:
    """Parameters of scrypt, kept with each hash so that they can be raised: 128 * n * r bytes of memory, p times."""

    n: int = 2**14
    r: int = 8
    p: int = 1


#: What new hashes cost: 16 MiB and some tens of milliseconds.
COST = Cost()


@dataclass(frozen=True)
class Hash:
    """A password's hash. `until` is when it stops to be valid (seconds since 1970), None = never."""

    salt: bytes
    digest: bytes
    cost: Cost = COST
    until: float | None = None

    def valid(self, now: float) -> bool:
        """Whether it may still be used to log in."""
        return self.until is None or now < self.until


def generate() -> str:
    """A new password of about 140 bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def make(password: str, like: Hash | None = None) -> Hash:
    """Hash a password; with the salt of a `like` that stays valid beside it.

    Both are then checked with a single run of scrypt: an account in rotation answers as fast as any other.
    """
    salt = like.salt if like is not None and like.cost == COST else os.urandom(16)
    return Hash(salt, derive(password, salt, COST), COST)


def derive(password: str, salt: bytes, cost: Cost) -> bytes:
    """The digest of a password; takes tens of milliseconds and releases the interpreter."""
    return hashlib.scrypt(
        encoded(password),
        salt=salt,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        maxmem=2 * 128 * cost.n * cost.r + (1 << 20),
        dklen=_DIGEST_BYTES,
    )


def matching(password: str, hashes: tuple[Hash, ...]) -> Hash | None:
    """The hash that the password belongs to. The time depends on the salts only, not on which one matches."""
    derived: dict[tuple[bytes, Cost], bytes] = {}
    found = None
    for each in hashes:
        kind = (each.salt, each.cost)
        if kind not in derived:
            derived[kind] = derive(password, *kind)
        if hmac.compare_digest(derived[kind], each.digest):
            found = each
    return found


def encoded(password: str) -> bytes:
    """A password as bytes: however a client composed its accents; and never an error, whatever it sent."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
