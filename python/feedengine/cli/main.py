"""The entry point: signals first, then parsing, then one command; every way out has its exit code.

It imports nothing heavy: a command's own module is loaded only after its name is known.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from feedengine.cli import signals


def run(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    signals.install()
    words = sys.argv[1:] if argv is None else argv
    try:
        from feedengine.cli.dispatch import dispatch

        code = dispatch(words)
    except KeyboardInterrupt as stop:
        # Only while starting up; once a command runs, dispatch answers it.
        code = signals.exit_code(stop)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process. Nothing is taken apart first: what must last is on the disk, and freeing a catalog's memory page
    by page takes a tenth of a second. Who has been asked to be called at the end is; threads that go on are waited for.
    """
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.exit(code)
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            # Who reads it may have gone; the exit code says what was done.
            with suppress(BrokenPipeError):
                stream.flush()
    except OSError:
        # Python tells of output that could not be written, and has a code for it.
        sys.exit(code)
    os._exit(code)
