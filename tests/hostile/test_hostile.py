"""Every hostile feed gets its exact answer from the command itself, and leaves nothing behind when it fails."""

from __future__ import annotations

import gc
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from command import command
from model.spec import ENTITIES
from model.state import State, from_plain
from shop import Shop

from .archives import ARCHIVES
from .json_text import DOCUMENTS
from .meaning import MEANING, NAMES
from .shape import FAILS, REFUSED, ROW, Hostile
from .text import TEXT

HARMLESS = {"DELTA_NARROW", "UNKNOWN_GROUP"}
EVERY = [*TEXT, *DOCUMENTS, *ARCHIVES, *MEANING]
BEFORE: dict[str, list[dict[str, Any]]] = {
    "items": [
        {"id": f"A{n}", "item_name": f"Item A{n}", "metadata:m": "1", **({"group_ids": ["boots"]} if n == 1 else {})}
        for n in range(1, 5)
    ],
    "variations": [{"id": f"V{n}", "item_id": f"A{(n + 1) // 2}"} for n in range(1, 9)],
    "item_groups": [
        {"id": "all", "name": "All", "parent_ids": []},
        {"id": "shoes", "name": "Shoes", "parent_ids": ["all"]},
        {"id": "boots", "name": "Boots", "parent_ids": ["shoes"]},
    ],
}


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the catalog of these cases; copied for each."""
    shop = Shop(tmp_path_factory.mktemp("hostile"))
    tables = {name: from_plain(ENTITIES[name], rows) for name, rows in BEFORE.items()}
    shop.load(State().with_tables("Products", tables))
    root = shop.store.root
    del shop
    # A connection to its ledger that is closed later would take files away while they are copied.
    gc.collect()
    return root


@pytest.fixture(scope="session")
def untouched(stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Its snapshot and its records, read from a copy: nobody opens what is copied for each case."""
    copy = tmp_path_factory.mktemp("untouched") / "store"
    shutil.copytree(stocked, copy)
    return seen(copy)


def seen(store: Path) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The snapshot of a store and its records."""
    shop = Shop.opened(store)
    return shop.snapshot(), shop.tables()


@pytest.mark.parametrize("case", EVERY, ids=lambda case: f"{case.number}-{case.name}".replace(" ", "-"))
@pytest.mark.feature("C40", "C24", "U5")
def test_a_hostile_feed_gets_its_exact_answer(case: Hostile, stocked: Path, untouched: Any, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(stocked, store)
    op = ("force" if case.force else "") + case.operation
    feed = tmp_path / case.file.format(op=op)
    feed.write_bytes(case.content)
    done = command("--store", store, "--json", "apply", feed, seconds=case.seconds, **dict(case.settings))
    assert "Traceback" not in done.stderr and "panicked" not in done.stderr, done.stderr
    assert done.returncode == case.status, (done.returncode, done.stdout[-3000:], done.stderr[-3000:])
    report = json.loads(done.stdout)
    assert report["peak_rss_bytes"] < case.megabytes << 20
    found: dict[str, set[str]] = {"file": set(), "row": set(), "warning": set()}
    for fault in report["problems"]["list"]:
        found[fault["severity"]].add(fault["code"])
        assert fault["message"] and fault["hint"], fault
    errors = found["file"] | found["row"]
    if case.answer in (FAILS, ROW):
        assert report["verdict"] == "invalid"
        assert errors, report["problems"]
        assert set(case.codes) <= errors <= {*case.codes, *case.also}, report["problems"]
    else:
        assert report["verdict"] in (("refused",) if case.answer == REFUSED else ("apply", "no_change"))
        assert not errors, report["problems"]
        assert set(case.codes) <= found["warning"] <= {*case.codes, *case.also, *HARMLESS}, report["problems"]
    if case.status != 0:
        assert seen(store) == untouched


@pytest.mark.parametrize(("name", "part"), NAMES)
@pytest.mark.feature("C11")
def test_a_name_that_cannot_be_read_is_answered_with_the_part_that_is_wrong(
    name: str, part: str, stocked: Path, tmp_path: Path
) -> None:
    feed = tmp_path / name
    feed.write_bytes(b"id,item_name\nB1,Boot\n")
    done = command("--store", stocked, "apply", feed)
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert part in done.stderr.lower(), done.stderr


def test_the_list_is_long_enough() -> None:
    """At least sixty inputs, each once."""
    names = [(case.number, case.name) for case in EVERY]
    assert len(set(names)) == len(names)
    assert len({case.content for case in EVERY if isinstance(case.build, bytes)}) >= 60
