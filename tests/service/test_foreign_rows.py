"""Bad rows of formats that only the engine reads: known again, mended and closed as those of text."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from feedengine import ingest
from feedengine.ledger.cases import Cases
from service.place import Place

PROFILE = """
name = "shop"
extends = "constructor"
version = "1"
[entities.items]
owner = "url"
[entities.items.format]
xml = { record = "feed/item" }
"""
RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\nprofile = "shop.toml"\n[safeguard]\nlimit = "off"'


def item(**members: str) -> str:
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in members.items()) + "</item>"


def feed(*items: str) -> str:
    return f"<feed>{''.join(items)}</feed>"


@pytest.mark.feature("P31", "W39")
def test_problems_in_xml_are_opened_kept_and_mended(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(PROFILE)
    place = Place(tmp_path, RULES)
    numbers = itertools.count()

    def send(*items: str) -> None:
        path = tmp_path / f"feed-{next(numbers)}.xml"
        path.write_text(feed(*items))
        request = ingest.FeedRequest(path, catalog="key_a1/Products", entity="items", operation="delta")
        ingest.run(place.store, place.settings, request)

    def found(*states: str) -> set[tuple[str, str | None, int]]:
        cases = Cases(place.store.ledger).list(states=states)[0]
        return {(case.identity, case.owner, case.times) for case in cases}

    bad = item(id="B", item_name="b", url="Acme", active="maybe")
    send(item(id="A", item_name="a"), bad)
    assert found("open") == {('[["id", "B"]]', "Acme", 1)}
    send(bad)
    assert found("open") == {('[["id", "B"]]', "Acme", 2)}
    send(item(id="B", item_name="b", url="Acme", active="true"))
    assert found("open") == set() and len(found("fixed")) == 1
