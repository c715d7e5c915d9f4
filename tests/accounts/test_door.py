"""Logins that were right a moment ago are let in at once, and no others."""

from __future__ import annotations

from pathlib import Path

from feedengine.accounts import Door
from feedengine.settings import Settings

PASSWORD = "a long enough password"


def test_who_was_right_a_moment_ago_needs_no_second_check(tmp_path: Path) -> None:
    door = Door.of(tmp_path, Settings.load(None, {}))
    door.accounts.add("anna", given=PASSWORD)
    assert door.at_once("anna", PASSWORD, "10.0.0.1") is None  # nothing is remembered yet
    assert door.enter("anna", PASSWORD, "10.0.0.1").account is not None
    found = door.at_once("anna", PASSWORD, "10.0.0.1")
    assert found is not None and found.name == "anna"
    assert door.at_once("anna", "another password", "10.0.0.1") is None
    assert door.at_once("nobody", PASSWORD, "10.0.0.1") is None
    door.accounts.change("anna", disabled=True)
    assert door.at_once("anna", PASSWORD, "10.0.0.1") is None
