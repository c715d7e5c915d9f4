"""Columns that are spelled loosely mean what they mean in every feed, those of ids alone among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shop_of_profiles import CATALOG, codes, opened

PROFILE = """
name = "parts"
[naming]
form = "{entity}_{date:YYYY-MM-DD}.{ext}"
extensions = ["csv"]
[columns]
loose = true
[entities.parts.fields]
part_no = { required = true }
title = "text"
"""


@pytest.mark.feature("T22")
@pytest.mark.parametrize("operation", ["delete", "whitelist"])
@pytest.mark.parametrize("spelled", ["part_no", "Part No", "PART-NO"])
def test_a_file_of_ids_may_spell_the_key_as_any_other(tmp_path: Path, spelled: str, operation: str) -> None:
    path = tmp_path / "parts.toml"
    path.write_text(PROFILE)
    shop = opened(tmp_path, path)
    assert codes(shop.send("parts_2026-11-21.csv", f"{spelled},Title\n1,a\n2,b\n3,c\n")) == {}
    ids = shop.folder / "parts_2026-11-22.csv"
    ids.write_text(f"{spelled}\n1\n" if operation == "delete" else f"{spelled}\n2\n3\n")
    shop.engine.apply(shop.engine.plan(ids, catalog=CATALOG, operation=operation))
    assert [row["part_no"] for row in shop.rows("parts")] == ["2", "3"]
