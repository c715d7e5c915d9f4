"""The engine against the hand-written cases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from cases.corpus import Case, cases
from model.settings import Settings
from model.spec import ENTITIES
from model.state import State, from_plain
from shop import Shop


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Path]:
    """A store with the catalog before a case; many cases begin with the same one, so it is there to be copied."""

    @cache
    def made(before: str) -> Path:
        shop = Shop(tmp_path_factory.mktemp("before"))
        tables = {name: from_plain(ENTITIES[name], rows) for name, rows in json.loads(before).items()}
        shop.load(State().with_tables("Products", tables))
        shop.store.ledger.close()
        return shop.store.root

    return lambda case: made(json.dumps(case.before))


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.operation}/{case.folder.name}")
@pytest.mark.feature(
    "C14",
    "C15",
    "C16",
    "C17",
    "C18",
    "C19",
    "C20",
    "C21",
    "C22",
    "C24",
    "C25",
    "C26",
    "C29",
    "C30",
    "C31",
    "C32",
    "C33",
    "C39",
)
def test_the_engine_gives_what_the_case_expects(case: Case, stocked: Callable[[Case], Path], tmp_path: Path) -> None:
    shutil.copytree(stocked(case), tmp_path / "store")
    shop = Shop(tmp_path)
    rules = Settings(**case.expected["settings"])
    feed = case.feed(tmp_path)
    planned = shop.plan(feed, case.operation, force=case.expected["force"], rules=rules)
    answer = shop.run(feed, case.operation, force=case.expected["force"], rules=rules)
    assert answer.verdict == case.expected["verdict"], answer.report
    assert case.codes(answer.codes), answer.report["problems"]
    for entity, counts in case.expected["counts"].items():
        assert {name: answer.count(entity, name) for name in counts} == counts, entity
    assert shop.tables() == case.after
    assert (planned.verdict, planned.codes) == (answer.verdict, answer.codes)
    assert planned.report["entities"] == answer.report["entities"]
