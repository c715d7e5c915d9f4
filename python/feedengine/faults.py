"""Fault points: named places where a test can kill, fill the disk or hold the process; nothing in normal use."""

from __future__ import annotations

import errno
import os
import signal
import time

_seen: dict[str, int] = {}


def point(name: str) -> None:
    """Pass the fault point `name`.

    Does nothing unless the environment says `FEEDENGINE_FAULT=name` or `name:n` (the n-th passing). Then the process
    kills itself as `kill -9` would; with `FEEDENGINE_FAULT_KIND=enospc` raises `OSError` "no space left"; with `wait`
    says `at the fault point` on stdout and sleeps a minute for a signal to find it; with `tell` only says so. Where
    `FEEDENGINE_FAULT_ONCE` names a file, the first process to come by makes that file and the others pass.
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
    once = os.environ.get("FEEDENGINE_FAULT_ONCE")
    if once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
    kind = os.environ.get("FEEDENGINE_FAULT_KIND")
    if kind == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
    if kind in ("wait", "tell"):
        os.write(1, b"at the fault point\n")
        time.sleep(60.0 if kind == "wait" else 0.0)
        return
    os.kill(os.getpid(), signal.SIGKILL)
