"""Ten rounds of the kill loop; `kill_loop.py` runs as many as are wanted. Every point is known to it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from service.kill_loop import LANDING, POINTS, Loop, points_of_the_service


@pytest.mark.slow
@pytest.mark.feature("W10", "W12", "L1")
@pytest.mark.parametrize("ftps", [True, False], ids=["over FTPS", "by the desk"])
def test_nothing_is_lost_and_nothing_applied_twice(tmp_path: Path, ftps: bool) -> None:
    figures = Loop(tmp_path, random.Random(7), ftps).run(4)
    assert figures["files"] >= 4
    assert sum(figures["kills"].values()) > 0


def test_every_point_of_the_service_is_in_the_loop() -> None:
    assert points_of_the_service() <= {*POINTS, *LANDING}
