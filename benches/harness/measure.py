"""Runs one contender as a process of its own: wall time, CPU time, peak memory, and what it answered."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ContenderFailed(Exception):
    """A contender ended with an error; the message is the end of what it said."""


@dataclass(frozen=True)
class Run:
    """One process: seconds of wall and CPU, peak resident memory in bytes, the JSON object it printed last."""

    wall: float
    cpu: float
    peak: int
    answer: dict[str, Any]


def run(command: Sequence[str | Path], *, expect: int = 0) -> Run:
    """Run to the end and measure.

    `wait4` counts the process and the children it waited for. Output goes to files, so that nobody waits for a reader.
    """
    # Installed programs find their modules compiled; where Python is told to keep nothing it compiles them each time.
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        words = [str(part) for part in command]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=surroundings)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != expect:
            said = (err.read() or out.read()).decode(errors="replace").strip()[-2000:]
            raise ContenderFailed(f"{Path(command[0]).name} ended with {process.returncode}: {said}")
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, last_object(out.read()))


def last_object(output: bytes) -> dict[str, Any]:
    """The JSON object that the output ends with, or nothing."""
    text = output.decode(errors="replace").strip()
    for candidate in (text, text.rpartition("\n")[2]):
        try:
            found = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}
