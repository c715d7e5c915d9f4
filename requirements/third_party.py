"""Writes THIRD-PARTY.md: the crates built into the extension, the packages it runs with, and their licences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "THIRD-PARTY.md"
HEAD = """# Licences of what feedengine is built from

feedengine itself is under Apache-2.0. Made by `make third-party`; a test keeps the list of crates current.

## Installed beside it

| package | licence |
|---|---|
| cronsim | BSD-3-Clause |
| duckdb | MIT |
| pyftpdlib | MIT |
| rich | MIT |
| tzdata | Apache-2.0 |

With the extra `sftp` also asyncssh (EPL-2.0 OR GPL-2.0-or-later), with `arrow` pyarrow (Apache-2.0).

## Built into the extension

| crate | licence |
|---|---|
"""
# Each "A OR B" needs one of these, each "A AND B" all.
ACCEPTED = {
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}


def crates() -> dict[str, str]:
    """Licence by name of every crate that is linked into the extension."""
    command = ["cargo", "tree", "--package", "feedengine-py", "--edges", "normal", "--prefix", "none", "--locked"]
    tree = run([*command, "--format", "{p}"])
    linked = {line.split()[0] for line in tree.splitlines() if line.strip()}
    metadata: dict[str, Any] = json.loads(run(["cargo", "metadata", "--format-version", "1", "--locked"]))
    licences = {package["name"]: str(package["license"]) for package in metadata["packages"]}
    return {name: licences[name] for name in sorted(linked) if not name.startswith("feedengine")}


def refused() -> list[str]:
    """Crates under a licence that nobody has looked at."""
    return [f"{name}: {licence}" for name, licence in crates().items() if not accepted(licence)]


def accepted(licence: str) -> bool:
    """Whether a licence expression can be met."""
    whole = licence.replace("(", "").replace(")", "").replace("/", " OR ")
    return all(any(one.strip() in ACCEPTED for one in every.split(" OR ")) for every in whole.split(" AND "))


def document() -> str:
    """The whole document."""
    return HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in crates().items())


def run(command: list[str]) -> str:
    """What `command` prints."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    sys.exit(0)
