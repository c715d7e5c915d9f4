"""Any sequence of tasks: state, counts, verdict and faults as the model says; rollback restores exactly."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from compare import same_answer
from model.apply import apply
from model.read import read
from model.state import State
from model.write import write
from properties.strategies import Upload, uploads
from shop import Shop

#: One thread and blocks as they are; two threads and everything cut small.
ENGINES: list[dict[str, int]] = [{}, {"threads": 2, "block": 64}]


class Tasks(RuleBasedStateMachine):
    """A store and the model's state of it."""

    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.state = State()
        self.history: dict[int, tuple[State, dict[str, str]]] = {}
        self.seen: dict[str, dict[str, str]] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize(engine=st.sampled_from(ENGINES))
    def begin(self, engine: dict[str, int]) -> None:
        self.shop = Shop(self.folder / "shop", **engine)

    @rule(upload=uploads())
    def task(self, upload: Upload) -> None:
        path = write(self.folder / "feed.tar.gz", upload.feeds)
        outcome = apply(
            self.state,
            "Products",
            read(path, upload.rules),
            upload.operation,
            force=upload.force,
            settings=upload.rules,
        )
        before = self.shop.snapshot()
        planned = self.shop.plan(path, upload.operation, force=upload.force, rules=upload.rules)
        assert self.shop.snapshot() == before, "planning writes nothing"
        answer = self.shop.run(path, upload.operation, force=upload.force, rules=upload.rules)
        same_answer(answer, outcome)
        assert (planned.verdict, planned.codes) == (answer.verdict, answer.codes)
        assert planned.report["entities"] == answer.report["entities"]
        assert planned.report["safeguard"] == answer.report["safeguard"]
        self.state = outcome.state
        assert self.shop.snapshot() == before + (outcome.verdict in ("apply", "held"))
        self.remember()

    @precondition(lambda self: len(self.history) > 1)
    @rule(data=st.data())
    def rollback(self, data: st.DataObject) -> None:
        to = data.draw(st.sampled_from(sorted(self.history)))
        state, digests = self.history[to]
        with self.shop.store.catalog("key_a1") as catalog:
            catalog.rollback("Products", to, task=None)
        self.state = state
        assert self.shop.digests() == digests
        self.remember()

    def remember(self) -> None:
        """Note the state and digest of the current snapshot; equal states have equal digests."""
        now = self.shop.snapshot()
        if now == 0:
            return
        digests = self.shop.digests()
        for entity, rows in self.state.plain("Products").items():
            known = self.seen.setdefault(f"{entity} {rows!r}", digests)
            assert known.get(entity) == digests.get(entity), entity
        self.history[now] = (self.state, digests)

    @invariant()
    def the_catalog_is_what_the_model_says(self) -> None:
        if self.shop.snapshot():
            assert self.shop.tables() == self.state.plain("Products")

    @precondition(lambda self: len(self.history) > 1)
    @rule(data=st.data())
    def an_old_snapshot_is_still_there(self, data: st.DataObject) -> None:
        at = data.draw(st.sampled_from(sorted(self.history)))
        assert self.shop.tables(at) == self.history[at][0].plain("Products")

    @precondition(lambda self: len(self.history) > 1)
    @rule(data=st.data())
    def a_difference_leads_from_one_snapshot_to_the_other(self, data: st.DataObject) -> None:
        numbers = st.sampled_from(sorted(self.history))
        a, b = data.draw(numbers), data.draw(numbers)
        for entity in ("items", "variations", "item_groups"):
            rows = {row["id"]: row for row in self.history[a][0].plain("Products")[entity]}
            for change in self.shop.changes(entity, a, b):
                key = change["id"]
                if change["_change"] == "removed":
                    del rows[key]
                else:
                    assert (key in rows) == (change["_change"] == "changed")
                    rows[key] = {
                        name: value
                        for name, value in change.items()
                        if value is not None and not name.startswith(("_", "before:")) and name != "fields"
                    }
            want = self.history[b][0].plain("Products")[entity]
            assert sorted(rows.values(), key=lambda row: row["id"].encode()) == want

    @invariant()
    def check_finds_nothing(self) -> None:
        if self.shop.snapshot():
            with self.shop.store.catalog("key_a1") as catalog:
                assert not catalog.check("Products")["problems"]


@pytest.mark.feature("C14", "C15", "C17", "C18", "C19", "C21", "C22", "C24", "C33", "U2", "U8", "U12", "U15")
class TestTasks(Tasks.TestCase):  # type: ignore[name-defined,misc]
    """Every rule in any order, however the engine cuts its work."""
