"""Memory and descriptors of every part of the service, seen all day long; flat is what they have to be."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from network.processes import Holding, holding

_MEGABYTE = 1 << 20

#: Samples of a process that count: what happens while it starts says nothing.
_LEAST = 160
#: Memory may grow from the second quarter of a process's life to its last by this share and this much.
SHARE, BYTES = 0.25, 24 * _MEGABYTE
#: Descriptors and threads may grow by so many.
HANDLES = 12


@dataclass(frozen=True)
class Life:
    """A part's process: its name, and what it held at each look."""

    part: str
    pid: int
    samples: list[Holding]


class Watch(threading.Thread):
    """Looks at the parts that `parts` names (name to pids) every `every` seconds until it is stopped."""

    def __init__(self, parts: Callable[[], dict[str, list[int]]], every: float = 0.5) -> None:
        super().__init__(name="watch", daemon=True)
        self._parts, self._every = parts, every
        self._ended = threading.Event()
        self._samples: dict[tuple[str, int], list[Holding]] = defaultdict(list)
        self.start()

    def run(self) -> None:
        while not self._ended.wait(self._every):
            for part, pids in self._parts().items():
                for pid in pids:
                    found = holding(pid)
                    if found:
                        self._samples[part, pid].append(found)

    def stop(self) -> list[Life]:
        """Look no more; the lives that were seen."""
        self._ended.set()
        self.join()
        return [Life(part, pid, samples) for (part, pid), samples in sorted(self._samples.items())]


def quarters(life: Life) -> tuple[float, float, float]:
    """Median memory in the second, in the third and in the last quarter of the samples."""
    size = len(life.samples) // 4
    sizes = [one.rss for one in life.samples]
    parts = (sizes[size : 2 * size], sizes[2 * size : 3 * size], sizes[-size:])
    second, third, last = (statistics.median(part) for part in parts)
    return second, third, last


def growth(lives: list[Life]) -> list[str]:
    """Sentences about the processes that grew; those that lived too shortly to tell are left out.

    One step is not growth: a part that needs something for the first time loads it. What grows does so all the time.
    """
    found = []
    for life in lives:
        if len(life.samples) < _LEAST:
            continue
        early, middle, late = quarters(life)
        goes_on = min(middle - early, late - middle) > (late - early) / 8
        if goes_on and late > early * (1 + SHARE) + BYTES:
            found.append(f"{life.part} ({life.pid}) grew from {early / _MEGABYTE:.0f} to {late / _MEGABYTE:.0f} MiB")
    return found


def courses(lives: list[Life]) -> list[dict[str, object]]:
    """What each process held in the course of its life, in MiB; those that lived too shortly to tell are left out."""
    found: list[dict[str, object]] = []
    for life in lives:
        if len(life.samples) >= _LEAST:
            early, _, late = quarters(life)
            sizes = {
                "first": life.samples[0].rss, "second_quarter": early, "last_quarter": late,
                "last": life.samples[-1].rss,
            }  # fmt: skip
            mib = {name: round(size / _MEGABYTE, 1) for name, size in sizes.items()}
            found.append({"part": life.part, "pid": life.pid, "looks": len(life.samples), **mib})
    return found


def peaks(lives: list[Life]) -> dict[str, dict[str, float]]:
    """By part: the most that one of its processes held, in MiB, descriptors and threads."""
    found: dict[str, dict[str, float]] = {}
    for life in lives:
        entry = found.setdefault(life.part, {"rss_mib": 0, "descriptors": 0, "threads": 0, "processes": 0})
        entry["rss_mib"] = max(entry["rss_mib"], round(max(one.rss for one in life.samples) / _MEGABYTE, 1))
        entry["descriptors"] = max(entry["descriptors"], *(one.files for one in life.samples))
        entry["threads"] = max(entry["threads"], *(one.threads for one in life.samples))
        entry["processes"] += 1
    return found


def settled(pid: int, idle: Holding, seconds: float = 15.0) -> str | None:
    """None when the process comes back to about what it held when it had nothing to do; else what it holds."""
    until = time.monotonic() + seconds
    while True:
        found = holding(pid)
        if found is None:
            return f"process {pid} is gone"
        if found.files <= idle.files + HANDLES and found.threads <= idle.threads + HANDLES:
            return None
        if time.monotonic() > until:
            return f"process {pid} holds {found.files} descriptors and {found.threads} threads; idle it held {idle}"
        time.sleep(0.1)
