"""Ten rounds of the kill loop; `kill_loop.py` runs as many as are wanted. Every point is known to it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from service.deck import Deck
from service.kill_loop import LANDING, POINTS, Loop, points_of_the_service


@pytest.mark.slow
@pytest.mark.feature("W10", "W12", "L1")
@pytest.mark.parametrize("ftps", [True, False], ids=["over FTPS", "by the desk"])
def test_nothing_is_lost_and_nothing_applied_twice(tmp_path: Path, ftps: bool) -> None:
    figures = Loop(tmp_path, random.Random(7), ftps).run(4)
    assert figures["files"] >= 4
    assert sum(figures["kills"].values()) + sum(figures["points"].values()) > 0


def test_every_point_is_dealt_before_any_comes_again_and_a_missed_one_next() -> None:
    deck = Deck(("a", "b", "c", "d"), random.Random(3))
    dealt = []
    while len(dealt) < 9:
        dealt.append(card := deck.deal())
        # The first time somebody comes to "b" too late.
        deck.note(card, not (card == "b" and dealt.count("b") == 1))
    first = dealt.index("b")
    assert dealt[first + 1] == "b" and deck.reached["b"] == 2
    without = dealt[:first] + dealt[first + 1 :]
    assert sorted(without[:4]) == sorted(without[4:]) == ["a", "b", "c", "d"]
    assert deck.never() == []


def test_what_was_never_reached_is_told() -> None:
    deck = Deck(("a", "b", "c"), random.Random(1))
    card = deck.deal()
    deck.note(card, True)
    other = deck.deal()
    deck.note(other, False)
    assert card not in deck.never() and len(deck.never()) == 2
    assert deck.never(sorted(deck.dealt)) == [other]


def test_every_point_of_the_service_is_in_the_loop() -> None:
    assert points_of_the_service() <= {*POINTS, *LANDING}
