"""Settings of the SFTP server."""

from __future__ import annotations

from typing import Any

from feedengine.settings import kinds
from feedengine.settings.kinds import Kind
from feedengine.settings.setting import Setting


def _row(name: str, kind: Kind, default: Any, about: str) -> Setting:
    return Setting("sftp", name, kind, default, about)


_MANY = kinds.whole(0, 100_000)
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
)

ROWS: tuple[Setting, ...] = (
    _row("enabled", kinds.flag, False, "serve SFTP too; needs the package asyncssh"),
    _row("host", kinds.text, "", "address to listen on; empty = all"),
    _row("port", kinds.whole(0, 65535), 2222, "port; 0 = any free one"),
    _row("host_keys", kinds.texts, [], "private host key files; empty = made once in the store"),
    _row(
        "ciphers",
        kinds.words(*_CIPHERS),
        list(_CIPHERS[:5]),
        "ciphers; chacha20-poly1305 is left out because it costs twice as much as AES",
    ),
    _row("login_timeout", kinds.duration(1), 30.0, "time from connecting to being logged in"),
    _row("idle_timeout", kinds.duration(1), 300.0, "time without a request after which a session is ended"),
    _row("drain_timeout", kinds.duration(0), 60.0, "time that running transfers get when the server stops"),
    _row("login_delay", kinds.duration(0), 2.0, "pause before a wrong password is answered"),
    _row("login_attempts", kinds.whole(1, 100), 3, "wrong passwords after which a connection is closed"),
    _row("max_sessions", _MANY, 200, "connections at a time; 0 = any number"),
    _row("max_per_address", _MANY, 50, "connections at a time from one address; 0 = any number"),
    _row("max_per_account", _MANY, 20, "connections of one account, where it has no limit of its own; 0 = any number"),
)
