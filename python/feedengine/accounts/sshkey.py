"""Public SSH keys as text: read, judged, and known by their fingerprints. No cryptography is needed for that."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from feedengine.errors import UsageError

_KINDS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_LEAST_RSA_BITS = 2048
_STATE = "Nothing was changed."


@dataclass(frozen=True)
class PublicKey:
    """A public key: its kind, its data as SSH sends them, and the comment behind them."""

    kind: str
    data: bytes
    comment: str = ""

    @property
    def line(self) -> str:
        """As in authorized_keys."""
        return f"{self.kind} {base64.b64encode(self.data).decode()} {self.comment}".rstrip()

    @property
    def fingerprint(self) -> str:
        """SHA-256 in base64, as ssh-keygen -l prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.data).digest()).decode().rstrip("=")


def parse(text: str) -> PublicKey:
    """Read one line of authorized_keys or a .pub file. Raises `UsageError`; never repeats what might be secret."""
    if "PRIVATE KEY" in text:
        raise UsageError(
            "This is a private key. It belongs to the partner alone; give the .pub file beside it.", state=_STATE
        )
    lines = [line for line in text.strip().splitlines() if line.strip() and not line.startswith("#")]
    words = lines[0].split(None, 2) if len(lines) == 1 else []
    if len(words) < 2:
        raise UsageError('A public key is one line: "ssh-ed25519 AAAA... comment".', state=_STATE)
    if words[0] not in _KINDS:
        raise UsageError(f"The key's kind must be one of {', '.join(_KINDS)}.", state=_STATE)
    try:
        data = base64.b64decode(words[1], validate=True)
        fields = list(_fields(data))
    except (binascii.Error, ValueError):
        raise UsageError("The public key is damaged: its data can't be read.", state=_STATE) from None
    if not fields or fields[0] != words[0].encode():
        raise UsageError(f"The public key is damaged: its data are not of a key of kind {words[0]}.", state=_STATE)
    if words[0] == "ssh-rsa":
        bits = int.from_bytes(fields[-1], "big").bit_length()
        if bits < _LEAST_RSA_BITS:
            raise UsageError(f"An RSA key needs at least {_LEAST_RSA_BITS} bits; this one has {bits}.", state=_STATE)
    comment = "".join(char for char in (words[2] if len(words) > 2 else "") if char.isprintable())
    return PublicKey(words[0], data, comment.strip()[:200])


def _fields(data: bytes) -> list[bytes]:
    """The strings of the wire form, each with its length in front. Raises ValueError."""
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 + length:
            raise ValueError("cut short")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found
