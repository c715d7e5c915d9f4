"""Fault points: named places where a test can kill the process or fill the disk; nothing happens in normal use."""

from __future__ import annotations

import errno
import os
import signal

_seen: dict[str, int] = {}


def point(name: str) -> None:
    """Pass the fault point `name`.

    Does nothing unless the environment says `FEEDENGINE_FAULT=name` or `name:n` (the n-th passing). Then the process
    kills itself as `kill -9` would, or raises `OSError` "no space left" when `FEEDENGINE_FAULT_KIND=enospc`.
    """
    wanted = os.environ.get("FEEDENGINE_FAULT")
    if not wanted:
        return
    target, _, times = wanted.partition(":")
    if target != name:
        return
    _seen[name] = _seen.get(name, 0) + 1
    if _seen[name] != int(times or "1"):
        return
    if os.environ.get("FEEDENGINE_FAULT_KIND") == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.kill(os.getpid(), signal.SIGKILL)
