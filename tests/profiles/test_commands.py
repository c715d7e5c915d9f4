"""`feedengine profile` and `feedengine template` as they are typed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from command import command
from feedengine import profile

OURS = 'name = "ours"\nextends = "wizcommerce"\nversion = "7"\n[entities.orders]\nenabled = false\n'


def told(*argv: str | Path, code: int = 0) -> dict:
    done = command("--json", *argv)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout or done.stderr)


@pytest.mark.feature("W2")
def test_profiles_are_listed_with_the_catalogs_that_use_them(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(OURS)
    settings = tmp_path / "feedengine.toml"
    settings.write_text(
        '[catalogs."acme/main"]\nprofile = "ours.toml"\n[catalogs."shop/main".rules]\nprofile = "wizcommerce"\n'
    )
    found = {each["name"]: each for each in told("--config", settings, "profile", "list")["profiles"]}
    assert list(found) == [*profile.BUILTIN, "ours"]
    assert found["ours"]["catalogs"] == ["acme/main"] and not found["ours"]["builtin"]
    assert found["wizcommerce"]["catalogs"] == ["shop/main"] and found["constructor"]["catalogs"] == []
    text = command("--config", settings, "profile", "list").stdout
    assert "used by acme/main" in text
    # A template follows the catalog's profile.
    assert told("--config", settings, "template", "products", "--catalog", "acme/main")["version"] == "7"


def test_check_says_what_is_right_or_wrong(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(OURS)
    found = told("profile", "check", path)
    assert found["ok"] and found["digest"] == profile.load(path).digest and found["version"] == "7"
    path.write_text(OURS.replace("enabled", "enabeld"))
    error = told("profile", "check", path, code=2)["error"]
    assert error["code"] == "PROFILE"
    assert error["message"] == f'{path}: entities.orders has no key "enabeld"; did you mean "enabled"?'
    assert error["hints"][0]["argv"][:3] == ["feedengine", "profile", "check"]


@pytest.mark.parametrize("name", profile.BUILTIN)
def test_every_profile_that_ships_is_right_and_shown(name: str) -> None:
    assert told("profile", "check", name)["ok"]
    shown = command("profile", "show", name).stdout
    for entity in profile.load(name).entities:
        assert f"\n{entity.name}: {entity.about}\n" in shown
    assert told("profile", "show", name)["entities"][0]["engine"] == profile.load(name).engine_entities()[0]


def test_one_entity_is_shown_with_every_field() -> None:
    shown = command("profile", "show", "wizcommerce", "--entity", "ADDRESS").stdout
    for field in profile.load("wizcommerce").entity("addresses").fields:
        assert f"\n  {field.name} " in shown
    assert "names the Reference ID of customers" in shown
    done = command("profile", "show", "wizcommerce", "--entity", "adress")
    assert done.returncode == 2 and 'has no entity "adress"' in done.stderr


@pytest.mark.feature("W6", "L8")
def test_a_template_has_header_example_version_and_words(tmp_path: Path) -> None:
    rows = list(csv.reader(command("template", "inventory", "--profile", "wizcommerce").stdout.splitlines()))
    assert rows[0][:4] == ["SKU_ID", "Available Quantity", "Backorder Allowed", "Backorder Limit"]
    assert rows[1][:4] == ["SKU-0001", "120", "Y", "40"] and len(rows) == 2
    bare = command("template", "inventory", "--profile", "wizcommerce", "--no-example").stdout
    assert bare.splitlines() == [",".join(rows[0])]
    guide = command("template", "INVENTORY", "--profile", "wizcommerce", "--format", "guide").stdout
    assert "profile wizcommerce, template version 1" in guide and "INVENTORY_21_11_2026.csv" in guide
    assert "Y or Yes or true for yes" in guide and "required with ETA 1" in guide
    out = tmp_path / "inventory.csv"
    assert told("template", "inventory", "--profile", "wizcommerce", "--out", out)["file"] == str(out)
    assert list(csv.reader(out.read_text().splitlines())) == rows
    assert sorted(each.name for each in tmp_path.iterdir()) == ["inventory.csv"]


def test_templates_that_cannot_be(tmp_path: Path) -> None:
    for argv, words in (
        (["template", "prices", "--profile", "wizcommerce"], 'has no entity "prices"'),
        (["template", "items", "--format", "doc"], '"doc" is no format of templates'),
        (["template", "items", "--format", "xlsx"], "A workbook cannot be printed"),
        (["template", "items", "--profile", tmp_path / "none.toml"], "There is no profile"),
        (["template", "items", "--out", tmp_path / "no" / "x.csv"], "No such file or directory"),
    ):
        done = command(*argv)
        assert done.returncode != 0 and words in " ".join(done.stderr.split())


def test_lines_of_fixed_width_have_a_guide_alone(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        'name = "p"\n[format.fixed]\nrecords = [{ fields = [{ name = "id", start = 3, length = 10 }] }]\n'
        '[entities.items]\nfields = { id = "text" }\n'
    )
    done = command("template", "items", "--profile", path)
    assert done.returncode == 2 and "lines of fixed width" in done.stderr and "--format guide" in done.stderr
    assert "positions 3 to 12: id" in command("template", "items", "--profile", path, "--format", "guide").stdout


@pytest.mark.feature("P7")
def test_a_draft_is_written_and_right(tmp_path: Path) -> None:
    sample = tmp_path / "offers_2026.csv"
    sample.write_text("sku;price\n001;1,50\n002;2,00\n")
    out = tmp_path / "draft.toml"
    text = command("profile", "infer", sample, "--name", "Special Offers", "--out", out).stdout
    assert "2 fields from 2 rows" in text and "to be decided: operation" in text
    assert told("profile", "check", out)["entities"] == ["special_offers"]
    assert command("profile", "infer", sample, "--name", "Special Offers").stdout == out.read_text()
    assert told("profile", "infer", sample)["profile"].count("[entities.offers]") == 1
