"""A file that is made from a template is accepted: every entity of the profiles that ship, in every format."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedengine import profile
from feedengine.deliver import template
from feedengine.profile import guide, naming
from shop_of_profiles import opened

DAY = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.feature("W6", "L8", "T15")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_every_template_of_wizcommerce_loads_as_it_is(tmp_path: Path, form: str) -> None:
    made = profile.load("wizcommerce")
    shop = opened(tmp_path, "wizcommerce")
    for name in made.order:
        entity = made.entity(name)
        path = shop.folder / naming.example(made, entity, DAY, form)
        template.write(made, entity, path, form)
        report = shop.apply(path)
        counts = report["entities"][name]
        assert (counts["added"], counts["rejected"], counts["rows"]) == (1, 0, 1), (name, report["problems"])
        assert report["problems"]["by_code"] == [], name
        (row,) = shop.rows(name)
        for field in entity.fields:
            if field.type == "text" and (sent := guide.example(entity, field)):
                assert row[field.name] == sent
