"""Writes the pinned requirements: installs what pyproject.toml asks for into a scratch environment and lists it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

HERE = Path(__file__).parent
FILES = {
    "run": "What feedengine runs on, pinned; made by 'make lock'.",
    "dev": "What building, linting and testing need beside run.txt, pinned; made by 'make lock'.",
    "bench": "What the benchmarks need beside dev.txt, pinned; made by 'make lock'.",
}


def main() -> int:
    """Rewrite run.txt, dev.txt and bench.txt; each holds only what the ones before it don't."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {"run": project["project"]["dependencies"], **project["dependency-groups"]}
    listed: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        python = str(Path(scratch) / "bin" / "python")
        before = None
        for name, title in FILES.items():
            subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted[name]], check=True)
            frozen = subprocess.run(
                [python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True
            ).stdout.splitlines()
            lines = [f"# {title}", *([f"-r {before}.txt"] if before else [])]
            lines += [line for line in frozen if line not in listed]
            (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
            listed.update(frozen)
            before = name
    return 0


if __name__ == "__main__":
    sys.exit(main())
