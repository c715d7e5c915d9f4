"""Where other people's programs are: on PATH, or unpacked in the folder that FEEDENGINE_LAB names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def folder() -> Path | None:
    """Where `install.sh` unpacked packages that can't be installed side by side."""
    named = os.environ.get("FEEDENGINE_LAB")
    return Path(named) if named else None


def program(name: str) -> str:
    """The program's path; the test is left out where it is missing."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=places)
    lab = folder()
    if found is None and lab is not None:
        found = shutil.which(name, path=os.pathsep.join(str(lab / "usr" / each) for each in ("sbin", "bin")))
    if found is None:
        pytest.skip(f"{name} is not installed (tests/transport/lab/install.sh)")
    return found


def environment() -> dict[str, str]:
    """The environment in which unpacked programs find their libraries."""
    lab = folder()
    if lab is None:
        return dict(os.environ)
    libraries = [str(each) for each in (lab / "usr" / "lib").glob("*-linux-gnu*")]
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}


def certificate(folder: Path) -> tuple[Path, Path]:
    """A throw-away certificate for this machine's own addresses, and its key."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    if not made.exists():
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:::1"
        command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=localhost", "-addext", names, "-keyout", str(key), "-out", str(made)]
        subprocess.run(command, check=True, capture_output=True)
    return made, key
