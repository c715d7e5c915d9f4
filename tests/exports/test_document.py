"""docs/entities.md tells the truth: its settings load, its exports and codes are there."""

from __future__ import annotations

import re
from pathlib import Path

from exports.shop import unexpected
from feedengine import profile
from feedengine.service.intake import catalogs
from feedengine.service.outgoing import outgoing
from feedengine.settings import Settings
from service.place import Place

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "entities.md").read_text(encoding="utf-8")


def test_its_settings_mean_what_it_says(tmp_path: Path) -> None:
    from feedengine.accounts import Accounts

    [block] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    place = Place(tmp_path)
    (tmp_path / "feedengine.toml").write_text(block)
    settings = Settings.load(tmp_path / "feedengine.toml", env={})
    Accounts(place.store.root).add("erp@acme.example", given="Long enough 1", keys=("acme",))
    assert [each.name for each in outgoing(place.store, settings, unexpected)] == ["orders", "customers"]
    [catalog] = catalogs(settings, ("acme",))
    assert catalog.schedule("products") == "0 2 * * *" and catalog.schedule("orders") is None
    assert set(catalog.keys["entities"]) <= {each.name for each in catalog.profile.entities}


def test_its_tree_is_what_the_profile_declares() -> None:
    for each in profile.load("wizcommerce").exports:
        assert each.folder.replace("{uuid}", "<UUID>") in TEXT
        assert all(file.name.replace("{uuid}", "<UUID>") in TEXT for file in each.files)
