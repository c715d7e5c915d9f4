"""Documents that are made from the sources are current."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_coverage_is_current() -> None:
    coverage = runpy.run_path(str(ROOT / "tests" / "coverage.py"))
    assert coverage["DOCUMENT"].read_text(encoding="utf-8") == coverage["table"](), "run `make coverage`"


def test_licences_are_current_and_acceptable() -> None:
    third_party = runpy.run_path(str(ROOT / "requirements" / "third_party.py"))
    assert third_party["refused"]() == []
    assert third_party["DOCUMENT"].read_text(encoding="utf-8") == third_party["document"](), "run `make third-party`"


def test_every_package_that_is_installed_has_its_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [each for group in project["optional-dependencies"].values() for each in group]
    document = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8")
    for needed in [*project["dependencies"], *extras]:
        name = re.split(r"[<>=~ ]", needed)[0]
        assert f"| {name} |" in document or f" {name} (" in document, f"{name} has no licence in THIRD-PARTY.md"


def test_every_make_target_is_explained() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:")).split()[1:]
    explained = {line.split(":")[0] for line in lines if ":" in line and "## " in line}
    assert set(phony) - explained <= {"test-rust", "test-python"}
