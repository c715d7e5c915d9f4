"""Every fault point of a commit, killed and out of disk."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine import ingest
from feedengine.store import Store
from model.spec import ENTITIES
from model.state import State, from_plain
from shop import Shop

PACKAGE = Path(__file__).parents[2] / "python" / "feedengine"
POINTS = sorted(
    {
        name
        for source in PACKAGE.rglob("*.py")
        if source.name != "faults.py"
        for name in re.findall(r"\bpoint\(\s*\"([^\"]+)\"", source.read_text())
        # Those of the service are for tests/service.
        if not name.startswith("serve.")
    }
)
BEFORE: dict[str, list[dict[str, Any]]] = {
    "items": [{"id": f"A{n}", "item_name": f"Item {n}", "metadata:m": str(n)} for n in range(1, 41)],
    "variations": [{"id": f"V{n}", "item_id": f"A{n}"} for n in range(1, 41)],
    "item_groups": [{"id": "all", "name": "All", "parent_ids": []}],
}
NAME = "key_a1_Products_{op}_2026-11-21-00-00-00.csv"
FEED = "id,item_name,metadata:m,metadata:new\n" + "".join(
    f"A{n},Item {n},{n * 2 if n % 3 == 0 else n},x\n" for n in range(5, 46)
)

PATCH = "id,metadata:m\nA1,new\nA40,new\n"


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two snapshots, so that there is something to go back to."""
    shop = Shop(tmp_path_factory.mktemp("kill"))
    tables = {name: from_plain(ENTITIES[name], rows) for name, rows in BEFORE.items()}
    shop.load(State().with_tables("Products", {"items": dict(list(tables["items"].items())[:30])}))
    shop.load(State().with_tables("Products", tables))
    return shop.store.root


@pytest.fixture(scope="module")
def expected(stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The catalog before and after, by way of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    found = {"before": Shop.tables_of(stocked)}
    for scenario in SCENARIOS:
        store = folder / scenario
        shutil.copytree(stocked, store)
        done = act(scenario, store, folder)
        assert done.returncode == 0, done.stderr
        found[scenario] = Shop.tables_of(store)
    return found


SCENARIOS = ("sync", "rollback", "patch", "rebuild", "prune", "export")
CATALOG = ("--catalog", "key_a1/Products")


def act(scenario: str, store: Path, folder: Path, **env: str) -> Any:
    """One command that writes."""
    if scenario == "rollback":
        return command("--store", store, "--yes", "snapshot", "rollback", "1", *CATALOG, **env)
    if scenario == "prune":
        return command("--store", store, "--yes", "snapshot", "prune", "--keep", "1", *CATALOG, **env)
    if scenario == "export":
        return command("--store", store, "snapshot", "export", "--out", folder / "out.tar.gz", *CATALOG, **env)
    if scenario == "rebuild":
        for run in (store / "keys" / "key_a1" / "index").glob("*.run"):
            run.unlink()
    feed = folder / NAME.format(op="sync" if scenario == "sync" else "patchdelta")
    feed.write_text(FEED if scenario == "sync" else PATCH)
    return command("--store", store, "--json", "apply", feed, **env)


_met: dict[str, str] = {}


def disturb(point: str, stocked: Path, folder: Path, **env: str) -> tuple[str, Path, Any]:
    """Run the scenarios with the fault until one meets it; scenario, store and what became of the command."""
    # The one that met it before, or else the one that its name speaks of.
    likely = _met.get(point, point.partition(".")[0])
    for scenario in sorted(SCENARIOS, key=lambda each: each != likely):
        store = folder / scenario
        shutil.copytree(stocked, store)
        done = act(scenario, store, folder, FEEDENGINE_FAULT=point, **env)
        if done.returncode != 0:
            _met[point] = scenario
            return scenario, store, done
    raise AssertionError(f"no scenario passes the fault point {point}")


def whole(root: Path) -> None:
    """The store checks, and no task is left hanging once somebody asks."""
    store = Store.open(root)
    ingest.recover(store)
    assert not store.ledger.list(status=["IN_PROGRESS"]).tasks
    with store.catalog("key_a1") as catalog:
        found = catalog.check("Products")
    assert found["ok"], found


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.feature("C33", "U2")
def test_killed_at_a_fault_point(point: str, stocked: Path, expected: Any, tmp_path: Path) -> None:
    scenario, store, done = disturb(point, stocked, tmp_path)
    assert done.returncode == -signal.SIGKILL, (done.returncode, done.stderr)
    assert Shop.tables_of(store) in (expected["before"], expected[scenario])
    if scenario != "rebuild":  # there the index is still lost, and the check says so
        whole(store)
    again = act(scenario, store, tmp_path)
    assert again.returncode == 0, again.stderr
    assert Shop.tables_of(store) == expected[scenario]
    whole(store)


@pytest.mark.parametrize("point", POINTS)
def test_the_disk_is_full_at_a_fault_point(point: str, stocked: Path, expected: Any, tmp_path: Path) -> None:
    scenario, store, done = disturb(point, stocked, tmp_path, FEEDENGINE_FAULT_KIND="enospc")
    assert done.returncode == 9, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert point in done.stderr  # and not another failure with the same exit code
    assert Shop.tables_of(store) in (expected["before"], expected[scenario])
    if scenario != "rebuild":
        whole(store)
    assert act(scenario, store, tmp_path).returncode == 0
    assert Shop.tables_of(store) == expected[scenario]


def test_there_are_fault_points() -> None:
    assert len(POINTS) >= 5, POINTS
