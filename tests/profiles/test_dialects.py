"""What tells dialects apart, and how long open fields may be, is the profile's to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feedengine import profile
from feedengine.errors import ProfileError
from shop_of_profiles import CATALOG, Shop, codes, opened

PROFILE = """
name = "parts"
[naming]
form = "{entity}_{date:YYYY-MM-DD}.{ext}"
extensions = ["csv", "jsonl"]
[entities.parts]
open = ["metadata", "facets"]
flat_by = ["title"]
max_facet = 3
max_name = 4
[entities.parts.fields]
id = { required = true }
title = { json = "name" }
item_name = "text"
color = { place = "data" }
[entities.kinds]
parents = "ups"
[entities.kinds.fields]
id = { required = true }
name = "text"
ups = "list"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    path = tmp_path / "parts.toml"
    path.write_text(PROFILE)
    return opened(tmp_path, path)


@pytest.mark.feature("T22")
def test_a_line_is_flat_by_the_names_that_the_profile_gives(shop: Shop) -> None:
    nested = '{"id": "1", "item_name": "a", "name": "b", "data": {"color": "red", "size": "L"}}\n'
    report = shop.send("parts_2026-11-21.jsonl", nested)
    assert codes(report) == {}, "item_name is a field like any other here"
    flat = '{"id": "1", "item_name": "a", "title": "b", "color": "red", "metadata:size": "L"}\n'
    again = shop.send("parts_2026-11-22.jsonl", flat)
    assert codes(again) == {"FLAT_JSONL": 1} and again["entities"]["parts"]["changed"] == 0
    mixed = shop.send("parts_2026-11-23.jsonl", nested + flat.replace('"1"', '"2"'))
    assert codes(mixed) == {"FLAT_JSONL": 1} and mixed["entities"]["parts"]["added"] == 1
    first, second = ({**row, "id": None} for row in shop.rows("parts"))
    assert first == second and first["color"] == "red"


@pytest.mark.feature("T22")
def test_open_fields_are_as_long_as_the_profile_lets_them(shop: Shop) -> None:
    head = "id,title,facet:c,metadata:four"
    report = shop.send("parts_2026-11-21.csv", f"{head}\n1,a,réd,x\n2,b,reds,x\n3,c,a|bcde,x\n")
    assert codes(report) == {"TOO_LONG": 2}
    assert [each["message"] for each in report["problems"]["list"]] == ["a facet value has at most 3 characters"] * 2
    report = shop.send("parts_2026-11-22.csv", "id,title,metadata:fives\n1,a,x\n")
    assert codes(report)["TOO_LONG"] == 1
    assert report["problems"]["list"][0]["message"] == "a field name has at most 4 characters"


def test_rows_that_state_one_parent_each_are_told_by_the_column_of_the_profile(shop: Shop) -> None:
    def kinds() -> dict[str, Any]:
        return {row["id"]: row["ups"] for row in shop.rows("kinds")}

    report = shop.send("kinds_2026-11-21.csv", "id,name,up\nA,a,\nB,b,\nC,c,A\nC,c,B\n")
    assert codes(report).get("DUPLICATE_ITEM") is None
    assert kinds() == {"A": [], "B": [], "C": ["A", "B"]}
    patch = shop.folder / "kinds_2026-11-22.csv"
    patch.write_text("id,name,up\nC,other,\n")
    shop.engine.apply(shop.engine.plan(patch, catalog=CATALOG, operation="patchdelta"))
    assert kinds()["C"] == ["A", "B"], "a blank cell of a patch says nothing"


def test_what_nested_records_have_too_tells_no_dialect() -> None:
    wrong = PROFILE.replace('flat_by = ["title"]', 'flat_by = ["title", "name"]')
    with pytest.raises(ProfileError, match=r'entities\.parts\.flat_by has "name", which nested JSON records have'):
        profile.loads(wrong)


def test_what_is_not_said_is_not_in_the_declarations_of_others() -> None:
    made = profile.load("wizcommerce")
    assert not any({"flat_by", "max_facet", "max_name"} & set(each.spec) for each in made.entities)
    said = profile.loads(PROFILE).entity("parts").spec
    assert (said["flat_by"], said["max_facet"], said["max_name"]) == (["title"], 3, 4)
