"""What all tests share: hypothesis profiles and the shared-data folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "fast",
    max_examples=25,
    stateful_step_count=8,
    deadline=None,
    # What fails fails for everybody and every time; new examples are the business of the other profile.
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "thorough", max_examples=1000, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("FEEDENGINE_HYPOTHESIS", "fast"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that is not part of the project; tests that need it are left out without it."""
    named = os.environ.get("FEEDENGINE_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data folder (FEEDENGINE_SHARED_DATA)")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _warm(request: pytest.FixtureRequest) -> Iterator[None]:
    """What stores have in common is made once; `tests/store` and `tests/ledger` show them as they are."""
    if request.path.parent.name in ("store", "ledger", "model") or not _built():
        yield
        return
    from warm import warm

    with warm():
        yield


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without the extension only the model's own tests are collected."""
    needs = ("hostile", "matrix", "kill", "data", "test_tasks.py", "test_digests.py")
    if collection_path.name in needs or collection_path.parts[-2:] == ("cases", "test_cases.py"):
        return not _built() or None
    return None


def _built() -> bool:
    """Whether the extension is there."""
    return find_spec("feedengine") is not None and find_spec("feedengine._engine") is not None
