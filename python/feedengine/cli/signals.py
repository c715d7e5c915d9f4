"""Ctrl-C and SIGTERM: once stops at the next safe point, a second Ctrl-C stops at once."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived; treated as Ctrl-C but for the exit code."""


_interrupted = False


def install() -> None:
    """Answer SIGINT and SIGTERM. A transaction under way is rolled back, or, once it commits, completed."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)


def exit_code(stop: KeyboardInterrupt) -> int:
    """130 for Ctrl-C, 143 for SIGTERM."""
    return 143 if isinstance(stop, Terminated) else 130


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _interrupted
    if _interrupted:
        os._exit(130)
    _interrupted = True
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, b"\nStopping at the next safe point; Ctrl-C again stops at once.\n")
    raise KeyboardInterrupt


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
