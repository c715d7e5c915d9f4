"""Whose SSH key a server must have: what `known_host` may say, and what to write where it says nothing."""

from __future__ import annotations

from dataclasses import dataclass

import asyncssh

from feedengine.errors import ConfigError, Hint, TransportError
from feedengine.transport.remote import Place

_KINDS = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-256", "rsa-sha2-512"),
)

#: Only this word, in the settings, turns the check off.
OFF = "off"


@dataclass
class KnownHost(asyncssh.SSHClient):
    """Accepts the keys that `known_host` names: lines as of known_hosts, bare keys, or SHA256 fingerprints.

    Whatever host a line names, it is believed for this one: it stands in the table of this very server.
    """

    keys: list[asyncssh.SSHKey]
    fingerprints: frozenset[str]
    #: What the server showed when it was not what we know.
    shown: asyncssh.SSHKey | None = None

    @classmethod
    def of(cls, place: Place) -> KnownHost | None:
        """What the place says; None where it turns the check off. Raises `ConfigError`."""
        if place.known_host.strip() == OFF:
            return None
        keys, fingerprints = [], []
        for line in place.known_host.splitlines():
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0].startswith("SHA256:"):
                fingerprints.append(words[0].rstrip("="))
                continue
            keys.append(_key(words))
        return cls(keys, frozenset(fingerprints))

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that is none of `keys`."""
        self.shown = self.shown or key
        return key.get_fingerprint() in self.fingerprints

    def attempts(self) -> list[tuple[str, ...]]:
        """Kinds of keys to ask the server for, one connection after the other; () is for the library to choose.

        A fingerprint doesn't say of which kind its key is, and a server shows one key of those that it has.
        """
        if self.keys:
            return [()]
        return list(_KINDS) if self.fingerprints else [tuple(kind for kinds in _KINDS for kind in kinds)]

    @property
    def empty(self) -> bool:
        """Whether nothing is known, so that nothing can be trusted."""
        return not self.keys and not self.fingerprints


def untrusted(place: Place, known: KnownHost) -> TransportError:
    """The server has another key than it should have, or nobody said which it should have."""
    found = _line(known.shown) if known.shown is not None else ""
    fingerprint = known.shown.get_fingerprint() if known.shown is not None else "unknown"
    if known.empty:
        what = f"the settings don't say which key {place.host} has (known_host)"
        advice = f"If its administrator confirms {fingerprint}: known_host = '{found}'"
    else:
        what = f"{place.host} has another key ({fingerprint}) than known_host says: perhaps it is another server"
        advice = f"Ask its administrator; only if the key was changed on purpose: known_host = '{found}'"
    return TransportError(
        f"Could not connect to {place.host}: {what}.",
        state="Nothing was sent, not even the user's name.",
        hints=[Hint(advice)],
        code="TRANSPORT_HOSTKEY",
    )


def _key(words: list[str]) -> asyncssh.SSHKey:
    if words[0].startswith("@"):
        raise ConfigError(f"known_host: {words[0]} is not understood; name the server's own key.")
    for at in (0, 1):
        if len(words) > at + 1:
            try:
                return asyncssh.import_public_key(" ".join(words[at : at + 2]))
            except (asyncssh.KeyImportError, ValueError):
                continue
    raise ConfigError(
        'known_host holds no SSH key; it looks like "ssh-ed25519 AAAA...", or "SHA256:..." for a fingerprint.',
        hints=[Hint("See what a server has", ("ssh-keyscan", "HOST"))],
    )


def _line(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key("openssh").decode().split()[:2])
