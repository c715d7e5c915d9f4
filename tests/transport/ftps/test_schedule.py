"""The server's timers: what is due is done once, and what was called off is not."""

from __future__ import annotations

import logging

import pytest

from feedengine.transport.ftps.schedule import Scheduler
from feedengine.transport.ftps.upstream import IOLoop


@pytest.fixture
def loop() -> IOLoop:
    made = IOLoop.factory()
    made.sched = Scheduler()
    return made


@pytest.mark.feature("C6")
def test_a_call_may_call_off_another_that_is_due_as_well(loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []
    second = None

    def first() -> None:
        done.append("first")
        second.cancel()

    loop.call_later(0, first)
    second = loop.call_later(0.0, done.append, "second")
    loop.call_later(0.0, done.append, "third")
    with caplog.at_level(logging.ERROR):
        assert loop.sched.poll() is None
    assert done == ["first", "third"] and not caplog.records


def test_what_fails_is_told_and_what_is_put_off_again_waits(loop: IOLoop, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ValueError("on purpose")

    loop.call_later(0, fail)
    again = loop.call_later(0, done.append, "late")
    again._delay = 60
    again.reset()
    loop.call_every(0.001, done.append, "often")
    with caplog.at_level(logging.ERROR):
        wait = loop.sched.poll()
    assert "on purpose" in caplog.text and wait is not None and wait <= 0.001
    while "often" not in done:
        loop.sched.poll()
    assert "late" not in done
