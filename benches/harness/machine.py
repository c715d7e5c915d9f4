"""What the numbers were measured on, without names of hosts or places."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

PEERS = ("feedengine", "duckdb", "polars", "isal", "zlib-ng")


def describe() -> dict[str, object]:
    """CPU model, cores, memory, system, versions."""
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PEERS},
    }


def cpu_model() -> str:
    """As the kernel names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def version(package: str) -> str | None:
    """The installed version; None when it is absent."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def slug() -> str:
    """A file name's part: the CPU in few words."""
    words = "".join(letter if letter.isalnum() else " " for letter in cpu_model().lower()).split()
    dull = {"r", "tm", "cpu", "processor", "core", "with", "ghz"}
    return "-".join(word for word in words if word not in dull)[:40] or "unknown"
