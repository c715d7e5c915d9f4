"""How complete records are: against a plain count over the rows that were sent."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from command import command
from feedengine import ingest
from feedengine.settings import Settings
from feedengine.store import Store

FIELDS = ("item_name", "url", "description", "group_ids", "active", "suggested_score")


@pytest.mark.feature("L23")
def test_completeness_is_what_a_plain_count_says(tmp_path: Path) -> None:
    chance = random.Random(7)
    values = {"url": "u", "description": "d", "group_ids": "g|h", "active": "true", "suggested_score": "0"}
    rows = [
        {"id": f"I{n:02}", "item_name": "n", **{name: value for name, value in values.items() if chance.random() < 0.6}}
        for n in range(30)
    ]
    feed, config = tmp_path / "feed.csv", tmp_path / "feedengine.toml"
    with feed.open("w", newline="") as out:
        writer = csv.DictWriter(out, ("id", *FIELDS), restval="")
        writer.writeheader()
        writer.writerows(rows)
    config.write_text('[store]\npath = "store"\n')
    store = Store.create(tmp_path / "store")
    ingest.run(store, Settings.load(config, env={}), ingest.FeedRequest(feed, catalog="k/s", operation="sync"))
    wanted = [word for name in FIELDS for word in ("--field", name)]
    argv = ("--config", config, "--json", "completeness", "items", *wanted)
    told = json.loads(command(*argv, "--limit", "100").stdout)
    counts = {name: sum(name in row for row in rows) for name in FIELDS}
    assert (told["records"], told["fields"]) == (30, counts)
    assert told["complete"] == round(100 * sum(counts.values()) / (30 * len(FIELDS)), 1)
    lacking = {row["id"]: [name for name in FIELDS if name not in row] for row in rows}
    assert {row["id"]: row["missing"] for row in told["lacking"]} == {
        key: miss for key, miss in lacking.items() if miss
    }
    assert [len(row["missing"]) for row in told["lacking"]] == sorted(map(len, filter(None, lacking.values())))[::-1]
    # A field that nobody ever sent is missing everywhere.
    every = json.loads(
        command("--config", config, "--json", "completeness", "items", "--csv", tmp_path / "x.csv").stdout
    )
    assert every["fields"]["image_url"] == 0
    written = list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines()))
    assert len(written) == 30 and all("image_url" in row["missing"].split("|") for row in written)
    shown = command("--config", config, "completeness", "items", "--field", "url").stdout
    assert shown.startswith("30 items, ") and "missing" in shown
    assert command("--config", config, "completeness", "items", "--field", "nope").returncode == 2
