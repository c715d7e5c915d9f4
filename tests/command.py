"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def command(*argv: str | Path, seconds: float = 60.0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m feedengine`` with these arguments and extra environment."""
    here = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONPATH": os.pathsep.join(sys.path), **env}
    return subprocess.run(
        [sys.executable, "-m", "feedengine", *map(str, argv)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=here,
        check=False,
    )
