"""Which process works on a task, and whether it still runs."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def myself() -> str:
    """This process: host, number and start time; a number alone may be reused."""
    return identity(os.getpid())


def identity(number: int) -> str:
    """A process of this machine, in the same form."""
    return f"{os.uname().nodename} {number} {_started(number)}"


def gone(worker: str | None) -> bool:
    """Whether the process is known to be gone. One of another host is never known to be."""
    if not worker:
        return True
    host, number, started = worker.rsplit(" ", 2)
    return host == os.uname().nodename and _started(int(number)) != started


def end(worker: str | None, seconds: float = 10.0) -> bool:
    """Kill the process if it is of this machine and still runs; True when it is known to be gone, never killing us."""
    if worker and not gone(worker) and worker != myself() and worker.split(" ", 1)[0] == os.uname().nodename:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(int(worker.rsplit(" ", 2)[1]), signal.SIGKILL)
        until = time.monotonic() + seconds
        while not gone(worker) and time.monotonic() < until:
            time.sleep(0.01)
    return gone(worker)


def _started(number: int) -> str:
    """The process's start time in ticks since boot; empty when there is no such process."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return "" if _missing(number) else "running"
    # The name in parentheses may hold spaces and parentheses itself.
    fields = stat.rsplit(")", 1)[1].split()
    return "" if fields[0] in "ZX" else fields[19]


def _missing(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
