"""Limits in hindsight: what a back-test says is what the safeguard would have said."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from command import command
from feedengine.errors import SafeguardRefused
from feedengine.ingest import hindsight
from planning.desk import CATALOG, Desk

PROFILE = """
name = "shelf"
[naming]
form = "{entity}_{date:YYYYMMDD}[_{seq}].{ext}"
[entities.things]
file = "THINGS"
fields.id = { required = true }
"""
LIMITS = ("0%", "25%", "33.33%", "50%", "7", "off")


def feeds() -> list[str]:
    """Full feeds that lose, and gain, what dice say; the second one loses exactly a quarter."""
    dice = random.Random(4)
    sizes = [20, 15, *(dice.randrange(2, 25) for _ in range(4)), 24, 12]
    return ["id\n" + "".join(f"T{number}\n" for number in range(size)) for size in sizes]


@pytest.mark.feature("U6")
def test_a_limit_refuses_in_hindsight_what_it_would_have_refused_then(tmp_path: Path) -> None:
    loose = Desk(tmp_path / "loose", PROFILE, '[safeguard]\nlimit = "off"\n')
    for number, feed in enumerate(feeds(), 1):
        report = loose.first(f"THINGS_202611{number:02}.csv", feed)
        assert report["outcome"] in ("ok", "no_change")
    found = hindsight.losses(loose.store.ledger.list(limit=100).tasks)
    assert [loss.task for loss in found] == sorted(loss.task for loss in found)
    for number, limit in enumerate(LIMITS):
        strict = Desk(tmp_path / str(number), PROFILE, f'[safeguard]\nlimit = "{limit}"\n')
        refused = []
        for day, feed in enumerate(feeds(), 1):
            name = f"THINGS_202611{day:02}.csv"
            if strict.plan(name, feed, profile=str(strict.profile)).report["verdict"] == "refused":
                refused.append(name)
            strict.first(name, feed, force=True, reason="to go on")
        assert [loss.file for loss in hindsight.refused(limit, found)] == refused, limit


def test_a_proposal_leaves_room_above_what_was_right() -> None:
    def loss(task: int, lost: int, right: bool = True) -> hindsight.Loss:
        return hindsight.Loss(task, "2026-11-21T00:00:00Z", "f.csv", "things", lost, 1000, "off", right)

    assert hindsight.proposal([]) is None
    assert hindsight.proposal([loss(1, 900, right=False)]) is None
    assert hindsight.proposal([loss(1, 0), loss(2, 900, right=False)]) == "0.5%"
    assert hindsight.proposal([loss(1, 30), loss(2, 68)]) == "20%"
    assert hindsight.proposal([loss(1, 900)]) == "100%"
    assert [each.lost for each in hindsight.refused("5%", [loss(1, 50), loss(2, 51), loss(2, 60)])] == [60]


@pytest.mark.feature("U6")
def test_the_command_names_feeds_and_days(tmp_path: Path) -> None:
    desk = Desk(tmp_path, PROFILE, '[safeguard]\nlimit = "40%"\n')
    shelf = ["id\n" + "".join(f"T{number}\n" for number in range(size)) for size in (20, 19, 10)]
    for day, feed in enumerate(shelf[:2], 1):
        desk.first(f"THINGS_202611{day:02}.csv", feed)
    with pytest.raises(SafeguardRefused):
        desk.first("THINGS_20261103.csv", shelf[2])
    say = ("--store", desk.store.root, "--config", desk.rules, "guard", "backtest", "--catalog", CATALOG)
    told = json.loads(command("--json", *say, "--limit", "5%", "--limit", "4", "--limit", "50%").stdout)
    assert (told["feeds"], told["held_to"], told["proposal"]) == (2, {"things": "40%"}, "10%")
    assert [(row["limit"], [loss["lost"] for loss in row["refused"]]) for row in told["limits"]] == [
        ("5%", [9]),
        ("4", [9]),
        ("50%", []),
    ]
    shown = command(*say).stdout
    assert "task 3 −9 things" in shown and "held to: 40%" in shown
    assert command(*say, "--limit", "many").returncode == 2
    assert command(*say, "--entity", "others").stdout.startswith("no feed")
