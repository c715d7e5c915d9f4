"""Accounts as text and as JSON: credentials to hand over, the list, one account, bans. Never a hash."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from feedengine.cli.render import text

if TYPE_CHECKING:
    from feedengine.accounts.entry import Entry
    from feedengine.settings import Settings


def reach(settings: Settings) -> dict[str, Any]:
    """Where a partner reaches the server: host, port, protocol; what it is told besides user name and password."""
    import socket

    named = (settings.get("ftps.masquerade"), settings.get("ftps.host"))
    host = next((each for each in named if each not in ("", "0.0.0.0", "::")), None) or socket.getfqdn()
    port, kind = settings.get("ftps.port"), "FTPS, explicit TLS, passive"
    if not port:
        port, kind = settings.get("ftps.implicit_port"), "FTPS, implicit TLS, passive"
    sftp = settings.get("sftp.port") if settings.get("sftp.enabled") else None
    return {"protocol": kind, "host": host, "port": port, "sftp_port": sftp}


def credentials(reached: Mapping[str, Any], user: str, password: str | None) -> list[str]:
    """What the partner is given; the password is printed this once."""
    rows = [
        ("Host", str(reached["host"])),
        ("Port", str(reached["port"])),
        *([("SFTP port", str(reached["sftp_port"]))] if reached["sftp_port"] else []),
        ("User name", user),
        *([("Password", password)] if password else []),
    ]
    lines = pairs(rows)
    return [*lines, "", "The password is not kept and can't be shown again."] if password else lines


def pairs(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Names and values below each other."""
    return text.table(rows)


def document(entry: Entry) -> dict[str, Any]:
    """An account for programs."""
    now = time.time()
    return {
        **asdict(entry.account),
        "passwords": [{"until": _moment(each.until)} for each in entry.passwords if each.valid(now)],
        "ssh_keys": keys(entry),
        "created": entry.created,
        "by": entry.by,
    }


def listing(entries: Sequence[Entry]) -> list[str]:
    """One line an account."""
    if not entries:
        return ["no accounts; feedengine user add NAME makes one"]
    rows = [("user", "state", "keys", "may", "quota", "ssh keys", "created")]
    for each in entries:
        account = each.account
        rows.append(
            (
                text.cut(account.name, 48),
                _state(each),
                ", ".join(account.keys) or "any",
                account.may,
                text.size(account.quota) if account.quota else "-",
                str(len(each.keys)),
                text.moment(each.created),
            )
        )
    return text.table(rows)


def details(entry: Entry, home: str) -> list[str]:
    """One account."""
    account = entry.account
    lines = text.table(
        [
            ("user", account.name),
            ("state", _state(entry)),
            ("kind", "role" if account.role else "person"),
            ("keys", ", ".join(account.keys) or "any"),
            ("may", account.may),
            ("quota", text.size(account.quota) if account.quota else "no limit"),
            ("sessions", str(account.most_connections or "no limit")),
            ("from", ", ".join(account.from_addresses) or "anywhere"),
            ("tls_eof", account.tls_eof or "as the server"),
            ("mail", ", ".join(account.mail) or "nobody"),
            ("home", home),
            ("created", f"{text.moment(entry.created)} by {entry.by}"),
        ]
    )
    return [*lines, *(key_lines(entry) if entry.keys else [])]


def keys(entry: Entry) -> list[dict[str, str]]:
    """The public keys for programs."""
    return [{"fingerprint": each.fingerprint, "kind": each.kind, "comment": each.comment} for each in entry.keys]


def key_lines(entry: Entry) -> list[str]:
    """The public keys as ssh-keygen -l names them."""
    if not entry.keys:
        return [f"{entry.account.name} has no SSH keys"]
    return text.table([(each.fingerprint, each.kind, text.cut(each.comment)) for each in entry.keys])


def bans(found: Sequence[tuple[str, float, int]]) -> list[str]:
    """Banned addresses."""
    if not found:
        return ["no address is banned"]
    rows = [("address", "left", "ban")]
    return text.table([*rows, *((address, text.seconds(left), str(times)) for address, left, times in found)])


def _state(entry: Entry) -> str:
    if entry.account.disabled:
        return "disabled"
    ends = [each.until for each in entry.passwords if each.until is not None and each.valid(time.time())]
    return f"old password until {text.moment(_moment(ends[0]))}" if ends else "enabled"


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
