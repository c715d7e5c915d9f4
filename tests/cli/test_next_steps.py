"""The commands that an answer proposes can be typed as they stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine import ingest
from feedengine.errors import BaseMoved, FileChanged
from model.settings import Settings
from model.spec import ENTITIES
from model.state import State, from_plain
from shop import Shop

NAME = "key_a1_Products_{op}_2026-11-21-00-00-0{n}.csv"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Ten items, four of them inactive."""
    shop = Shop(tmp_path / "shop")
    rows = [{"id": f"A{n}", "item_name": f"Item {n}", **({"active": False} if n > 6 else {})} for n in range(1, 11)]
    shop.load(State().with_tables("Products", {"items": from_plain(ENTITIES["items"], rows)}))
    return shop


def feed(folder: Path, op: str, n: int, *rows: str) -> Path:
    """A feed of items."""
    path = folder / NAME.format(op=op, n=n)
    path.write_text("id,item_name,active\n" + "".join(f"{row}\n" for row in rows))
    return path


def step(document: dict[str, Any], words: str) -> list[str]:
    """The arguments of one proposed command."""
    return next(hint["argv"][1:] for hint in document["hints"] if hint["text"] == words)


@pytest.mark.parametrize(("how", "code"), [([], 3), (["--hold-removals"], 4)], ids=["refused", "held"])
def test_the_count_to_approve_is_the_one_that_is_checked(how: list[str], code: int, shop: Shop, tmp_path: Path) -> None:
    # Removed: A2 to A5 of the active and A7 to A10 of the others; A6 is lost but stays.
    path = feed(tmp_path, "sync", 1, "A1,Item 1,true", "A6,Item 6,false")
    if how:
        path = feed(tmp_path, "sync", 1, "A1,Item 1,true", "A6,Item 6,true")
    done = command("--store", shop.store.root, "--json", "sync", path, *how)
    assert done.returncode == code, (done.stdout, done.stderr)
    argv = step(json.loads(done.stdout), "Really remove them")
    approve = argv[argv.index("task") :]
    assert approve[approve.index("--remove") + 1] == "8"
    approve[approve.index("--reason") + 1] = "they are gone"
    done = command("--store", shop.store.root, *approve)
    assert done.returncode == 0, done.stderr
    assert [row["id"] for row in Shop.tables_of(shop.store.root)["items"]] == ["A1", "A6"]


@pytest.mark.parametrize("what", ["base", "file"])
def test_a_plan_that_went_stale_says_how_to_plan_again(what: str, shop: Shop, tmp_path: Path) -> None:
    path, saved = feed(tmp_path, "delta", 1, "A1,Other,true"), tmp_path / "plan.json"
    done = command("--store", shop.store.root, "plan", path, "--out", saved)
    assert done.returncode == 0, done.stderr
    if what == "base":
        assert command("--store", shop.store.root, "apply", feed(tmp_path, "delta", 2, "A2,New,")).returncode == 0
    else:
        feed(tmp_path, "delta", 1, "A1,Another,true")
    done = command("--store", shop.store.root, "--json", "apply", saved)
    assert done.returncode == 6, (done.stdout, done.stderr)
    again = step(json.loads(done.stdout), "Plan again")
    assert str(path) in again
    assert command(*again[: again.index("plan")], *again[again.index("plan") :]).returncode == 0, again


def test_a_base_that_moves_before_the_commit_says_how_to_plan_again(shop: Shop, tmp_path: Path) -> None:
    path = feed(tmp_path, "delta", 1, "A1,Other,true")
    settings = shop.settings(Settings())
    made = ingest.plan(shop.store, settings, shop.request(path, "delta", False))
    shop.run(feed(tmp_path, "delta", 2, "A2,New,"), "delta")
    with pytest.raises(BaseMoved) as caught:
        ingest.apply(shop.store, settings, made)
    (hint,) = caught.value.hints
    assert hint.argv[:3] == ("feedengine", "plan", str(path))


def test_an_approval_of_another_file_says_how_to_plan_again(shop: Shop, tmp_path: Path) -> None:
    done = command("--store", shop.store.root, "--json", "sync", feed(tmp_path, "sync", 1, "A1,Item 1,true"))
    assert done.returncode == 3, done.stderr
    task = json.loads(done.stdout)["task"]
    (kept,) = (shop.store.held / str(task)).iterdir()
    kept.unlink()
    kept.write_text("id,item_name\nA2,Item 2\n")
    with pytest.raises(FileChanged) as caught:
        ingest.approve(shop.store, shop.settings(Settings()), task, remove=9, reason="x")
    assert caught.value.hints[0].argv[:3] == ("feedengine", "plan", str(kept))
