"""Turns of the queue against a slow model: lists, a clock set by hand, the rules one after the other."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedengine.ledger import Ledger, Queue

ENTITIES = {None: 0, "categories": 0, "products": 2, "inventory": 3}


@dataclass
class File:
    """A file as the model knows it; times as texts, like the ledger's."""

    id: int
    key: str
    entity: str | None
    landed: str
    due: str | None
    state: str = "waits"
    started: str = ""

    @property
    def since(self) -> str:
        return self.due or self.landed


@dataclass
class Model:
    """What should happen."""

    files: list[File] = field(default_factory=list)

    def next(self, now: str) -> File | None:
        """The file that a worker gets: over all keys, the one that landed first of those whose turn it is."""
        turns = [file for key in {each.key for each in self.files} if (file := self.turn(key, now))]
        return min(turns, key=lambda file: file.id, default=None)

    def turn(self, key: str, now: str) -> File | None:
        ours = [each for each in self.files if each.key == key]
        if any(each.state == "runs" for each in ours):
            return None
        waiting = [each for each in ours if each.state == "waits" and (each.due is None or each.due <= now)]
        plain = [each for each in waiting if each.entity is None]
        if plain:
            return plain[0]
        heads = {each.entity: each for each in reversed(waiting)}.values()
        return min(heads, key=self.order, default=None)

    def order(self, file: File) -> tuple[str, int, int, int]:
        others = [each for each in self.files if (each.key, each.entity) == (file.key, file.entity) and each.started]
        last = max((each.started for each in others), default="")
        turns = sum(each.started >= file.since for each in others)
        return max(file.since, last)[:16], turns, ENTITIES[file.entity], file.id


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

    def now(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def moment(self, seconds: float = 0.0) -> str:
        return (self.at + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.999Z")


@pytest.mark.feature("W11", "W12")
@pytest.mark.parametrize("seed", range(6))
def test_every_turn_is_the_models(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, chance, model = Clock(), random.Random(seed), Model()
    for module in ("queue", "ledger"):
        monkeypatch.setattr(f"feedengine.ledger.{module}.now", clock.now)
    monkeypatch.setattr("feedengine.ledger.queue.moment", clock.moment)
    queue = Queue(Ledger(tmp_path / "ledger.sqlite"))
    taken = 0
    for _ in range(150):
        clock.at += timedelta(seconds=chance.choice([0, 1, 20, 70, 600]))
        for _ in range(chance.randrange(3)):
            entity, key = chance.choice(list(ENTITIES)), chance.choice(["acme", "other"])
            due = None
            if entity and chance.random() < 0.3:
                due = (clock.at + timedelta(seconds=chance.choice([30, 300, 3000]))).strftime("%Y-%m-%dT%H:%M:%SZ")
            number = queue.add(
                key=key, section="main", operation="delta", filename="f.csv", entity=entity, due=due,
                rank=ENTITIES[entity],
            )  # fmt: skip
            model.files.append(File(number, key, entity, clock.now(), due))
        running = [each for each in model.files if each.state == "runs"]
        if running and chance.random() < 0.6:
            ended = chance.choice(running)
            queue.ledger.finish(ended.id, "ok")
            ended.state = "done"
        expected, task = model.next(clock.moment()), queue.claim(30)
        assert (task.id if task else None) == (expected.id if expected else None)
        if expected is not None:
            expected.state, expected.started = "runs", clock.now()
            taken += 1
    assert taken > 20
