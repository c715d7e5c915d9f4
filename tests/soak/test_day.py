"""The day in the life, short: every kind of feed, fault and kill; every acknowledged file is accounted for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command import environment
from network.processes import Holding
from soak import havoc, sftp, watch
from soak.day import arguments
from soak.feeds import WEIGHTS, feeds_of
from soak.world import make

DAY = Path(__file__).with_name("day.py")


@pytest.mark.feature("L1", "W10", "W12", "C35")
def test_a_short_day() -> None:
    done = subprocess.run(
        [sys.executable, str(DAY), "--short", "--seed", "7"],
        capture_output=True,
        text=True,
        timeout=800,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    found = json.loads(done.stdout)
    assert found["differences"] == []
    assert found["feeds"] >= 56 and found["tasks"] >= 50
    assert found["compared_with_reference"] >= 50
    assert found["kills"] == {kind: 1 for kind in havoc.KILLS if kind != "sftp" or sftp.available()}
    assert sum(found["faults"].values()) >= 5


def test_partners_speak_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("ftps", "sftp", "ftps,sftp"):
        assert arguments(["--protocols", text, "--kills", "0"]).protocols == tuple(text.split(","))
    assert set(arguments(["--short"]).protocols) == {"ftps", "sftp"}
    with pytest.raises(SystemExit):
        arguments(["--protocols", "ftps,gopher"])
    assert "there are ftps, sftp" in capsys.readouterr().err


def test_memory_that_grows_is_seen() -> None:
    def life(part: str, sizes: list[int]) -> watch.Life:
        return watch.Life(part, 1, [Holding(size << 20, 10, 2) for size in sizes])

    flat = life("sftp", [20, *[70] * 399])
    grows = life("worker", [20 + number // 2 for number in range(400)])
    young = life("keeper", list(range(100)))
    step = life("keeper", [*[36] * 290, *[90] * 110])
    assert [each.partition(" ")[0] for each in watch.growth([flat, grows, young, step])] == ["worker"]
    course, other = watch.courses([flat, grows, young])
    assert course == {
        "part": "sftp", "pid": 1, "looks": 400, "first": 20.0, "second_quarter": 70.0, "last_quarter": 70.0,
        "last": 70.0,
    }  # fmt: skip
    assert other["part"] == "worker" and other["last"] == 219.0


def test_the_seed_alone_says_what_is_sent() -> None:
    def day(seed: int) -> list[tuple[str, bytes]]:
        partners = make(6, seed, small=True)
        return [(sent.name, sent.content) for partner in partners for sent in feeds_of(partner, 15)]

    assert day(3) == day(3)
    assert day(3) != day(4)


def test_a_day_holds_every_kind_of_feed_and_no_name_twice() -> None:
    sent = [sent for partner in make(10, 7, small=True) for sent in feeds_of(partner, 40)]
    assert {one.kind for one in sent} == set(WEIGHTS)
    assert len({one.name for one in sent}) == len(sent)
    assert {one.name.rpartition(".")[2] for one in sent} >= {"csv", "json", "jsonl", "gz"}
