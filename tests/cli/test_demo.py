"""The demo, on a small catalog: every step ends as it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_demo_ends_well(tmp_path: Path) -> None:
    sizes = ("--items", "2000", "--variations", "3000", "--groups", "40")
    done = subprocess.run(
        [sys.executable, ROOT / "demo" / "run.py", *sizes, "--dir", tmp_path / "demo"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "UNEXPECTED" not in done.stdout
