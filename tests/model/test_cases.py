"""The model against the hand-written cases: this is what makes the model worth believing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases.corpus import Case, cases
from model.apply import apply
from model.read import read
from model.settings import Settings
from model.spec import ENTITIES
from model.state import State, from_plain


def state_of(case: Case) -> State:
    """The case's catalog before."""
    tables = {name: from_plain(ENTITIES[name], rows) for name, rows in case.before.items()}
    return State().with_tables("Products", tables)


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.operation}/{case.folder.name}")
def test_the_model_gives_what_the_case_expects(case: Case, tmp_path: Path) -> None:
    settings = Settings(**{**case.expected["settings"]})
    feed = read(case.feed(tmp_path), settings)
    outcome = apply(state_of(case), "Products", feed, case.operation, force=case.expected["force"], settings=settings)
    assert case.codes(outcome.codes()), outcome.faults
    assert outcome.verdict == case.expected["verdict"]
    for entity, counts in case.expected["counts"].items():
        assert {name: outcome.counts[entity][name] for name in counts} == counts, entity
    assert outcome.state.plain("Products") == case.after
