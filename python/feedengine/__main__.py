"""`python -m feedengine` is the command line."""

from __future__ import annotations

from feedengine.cli.main import run

run()
