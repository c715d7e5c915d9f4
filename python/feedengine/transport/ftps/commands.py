"""Which commands the server knows: pyftpdlib's, less what is off here, and some of ours."""

from __future__ import annotations

from typing import Any

from feedengine.transport.ftps.files import FACTS
from feedengine.transport.ftps.upstream import proto_cmds

#: Commands that need a data connection.
TRANSFERS = frozenset({"STOR", "APPE", "RETR", "LIST", "NLST", "MLSD"})


def _ours(perm: str | None, auth: bool, arg: bool | None, text: str) -> dict[str, Any]:
    return {"perm": perm, "auth": auth, "arg": arg, "help": f"Syntax: {text}"}


COMMANDS: dict[str, dict[str, Any]] = {
    **{name: about for name, about in proto_cmds.items() if name != "STOU"},
    "AUTH": _ours(None, False, True, "AUTH TLS"),
    "PBSZ": _ours(None, False, True, "PBSZ 0"),
    "PROT": _ours(None, False, True, "PROT P"),
    "CLNT": _ours(None, False, True, "CLNT name"),
    "HASH": _ours("l", True, True, "HASH file (SHA-256 of a file that is whole)"),
    "XSHA256": _ours("l", True, True, "XSHA256 file"),
}

FEATURES = sorted(
    (
        *("AUTH TLS", "PBSZ", "PROT", "UTF8", "TVFS", "CLNT", "EPSV", "MDTM", "MFMT", "SIZE", "REST STREAM"),
        *("HASH SHA-256*", "XSHA256", "MLST " + "".join(f"{fact}*;" for fact in FACTS)),
    )
)
