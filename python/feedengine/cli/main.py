"""The entry point: signals first, then parsing, then one command; every way out has its exit code.

It imports nothing heavy: a command's own module is loaded only after its name is known.
"""

from __future__ import annotations

import sys

from feedengine.cli import signals


def run(argv: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    signals.install()
    words = sys.argv[1:] if argv is None else argv
    try:
        from feedengine.cli.dispatch import dispatch

        code = dispatch(words)
    except KeyboardInterrupt as stop:
        # Only while starting up; once a command runs, dispatch answers it.
        code = signals.exit_code(stop)
    sys.exit(code)
