"""The systemd unit of `feedengine serve`: it may write its store, listen, and little else."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from feedengine.errors import UsageError
from feedengine.service.supervisor import STARTING
from feedengine.settings import Settings

_PRIVILEGED = 1024
_TMPS = (Path("/tmp"), Path("/var/tmp"))
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))


def lines(settings: Settings, user: str) -> list[str]:
    """The unit, line by line. Raises UsageError for a user's name that systemd would not take."""
    if not user.isascii() or not user.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f'--user "{user}" is no name of a user.')
    store = settings.store.absolute()
    config = settings.file.absolute() if settings.file else None
    words = [*_program(), "--store", str(store), *(["--config", str(config)] if config else []), "serve"]
    ports = [settings.get(name) for name in ("ftps.port", "ftps.implicit_port", "sftp.port") if name in settings.values]
    low = any(0 < int(port) < _PRIVILEGED for port in ports)
    # Another folder than the store where feeds are fetched from or sent to on this machine.
    writable = [store, *_local_places(settings)]
    needed = [*writable, Path(words[0]), *([config] if config else [])]
    in_home = any(path.is_relative_to(home) for path in needed for home in _HOMES)
    in_tmp = any(path.is_relative_to(tmp) for path in needed for tmp in _TMPS)
    drain = int(settings.get("serve.drain"))
    return [
        "[Unit]",
        "Description=feedengine: product feeds over FTPS, applied and reported",
        "After=network-online.target",
        "Wants=network-online.target",
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={' '.join(_word(each) for each in words)}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "KillMode=mixed",
        # What a killed one left is given its time to end, then the servers theirs to come up.
        f"TimeoutStartSec={drain + int(STARTING) + 15}",
        f"TimeoutStopSec={drain + 15}",
        "WatchdogSec=60",
        "Restart=on-failure",
        "RestartSec=2",
        f"User={user}",
        "UMask=0077",
        "LimitNOFILE=65536",
        "NoNewPrivileges=yes",
        f"CapabilityBoundingSet={'CAP_NET_BIND_SERVICE' if low else ''}",
        *(["AmbientCapabilities=CAP_NET_BIND_SERVICE"] if low else []),
        "ProtectSystem=strict",
        f"ProtectHome={'read-only' if in_home else 'yes'}",
        *(f"ReadWritePaths={_word(str(path), command=False)}" for path in writable),
        # A private /tmp would hide what lies there.
        f"PrivateTmp={'no' if in_tmp else 'yes'}",
        "PrivateDevices=yes",
        "ProtectClock=yes",
        "ProtectControlGroups=yes",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]


def _program() -> list[str]:
    """How this feedengine is started."""
    own = Path(sys.executable).parent / "feedengine"
    if own.is_file():
        return [str(own)]
    found = shutil.which("feedengine")
    return [found] if found else [sys.executable, "-m", "feedengine"]


def _local_places(settings: Settings) -> list[Path]:
    found = []
    for table in ("sources", "targets"):
        for named in settings.named.get(table, {}).values():
            path = named.get("path") or named.get("url") or ""
            if os.path.isabs(path) and named.get("scheme") in ("", "local"):
                found.append(Path(path))
    return found


def _word(text: str, *, command: bool = True) -> str:
    """A word as systemd reads it back: percent signs, dollars, quotes and spaces mean something there."""
    safe = text.replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"')
    if command:
        safe = safe.replace("$", "$$")
    return f'"{safe}"' if any(char.isspace() or char in "\"';" for char in text) else safe
