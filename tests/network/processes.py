"""What processes are there and what they hold, read from /proc: parts of the service, memory, descriptors, threads."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Holding:
    """What a process holds: resident bytes, descriptors, threads."""

    rss: int
    files: int
    threads: int


def holding(pid: int) -> Holding | None:
    """What the process holds; None when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    if "VmRSS" not in facts:
        return None
    return Holding(int(facts["VmRSS"].split()[0]) * 1024, files, int(facts["Threads"]))


def children(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid and fields[0] != "Z":
                    found.append(int(entry))
    return sorted(found)


def family(pid: int) -> list[int]:
    """A process's children, theirs, and so on."""
    found: list[int] = []
    for child in children(pid):
        found += [child, *family(child)]
    return found


def argv(pid: int) -> list[str]:
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []
