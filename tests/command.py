"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def environment(**more: str) -> dict[str, str]:
    """The environment that the command gets: this process's modules, no colours, a fixed width."""
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONPATH": os.pathsep.join(sys.path), **more}


def command(*argv: str | Path, seconds: float = 60.0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m feedengine`` with these arguments and extra environment."""
    return subprocess.run(
        [sys.executable, "-m", "feedengine", *map(str, argv)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment(**env),
        check=False,
    )
