"""Merges in trees by path against a slow model: what lies below the one that goes follows the one that stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from command import command
from feedengine import ingest
from feedengine.errors import UsageError
from feedengine.ingest.approval import planned_on
from feedengine.names import MERGE
from feedengine.remedy import duplicates, feeds
from feedengine.settings import Settings
from feedengine.store import Store
from model.write import pack

PROFILE = """
name = "goods"
[entities.categories]
operation = "delta"
path = { field = "path", separator = ">", escape = "!" }
[entities.categories.fields]
id = { required = true }
path = { required = true, unique = true }
[entities.products]
operation = "delta"
references = [{ entity = "categories", by = { categories = "path" }, missing = "warn" }]
[entities.products.fields]
id = { required = true }
categories = { type = "list", separator = ";" }
[entities.shelves]
operation = "delta"
references = [{ entity = "categories", by = { category = "path" }, missing = "warn" }]
[entities.shelves.fields]
id = { required = true }
category = {}
"""
CATALOG = "goods/main"
NAMES = ("A", "B", "C > D", "!")
Steps = tuple[str, ...]
Tables = dict[str, dict[str, Any]]
_numbers = itertools.count()


def spelled(steps: Steps, way: int) -> str:
    """A path in one of several ways to write it."""
    between = (" > ", ">", "  >")[way % 3]
    return between.join(step.replace("!", "!!").replace(">", "!>") for step in steps)


def read(path: str) -> Steps:
    """The steps of a path, letter by letter."""
    steps, step, letters = [], "", iter(path)
    for letter in letters:
        if letter == ">":
            steps, step = [*steps, step.strip()], ""
        else:
            step += next(letters) if letter == "!" else letter
    return (*steps, step.strip())


@st.composite
def trees(draw: st.DrawFn) -> Tables:
    """Categories whose parents are there; products in several of them, shelves in one."""
    paths: list[Steps] = []
    for _ in range(draw(st.integers(2, 8))):
        parent = draw(st.sampled_from([(), *(path for path in paths if len(path) < 4)]))
        paths.append((*parent, draw(st.sampled_from(NAMES))))
    paths = list(dict.fromkeys(paths))
    some = st.lists(st.sampled_from(paths), max_size=3, unique=True)
    return {
        "categories": {f"c{number}": path for number, path in enumerate(paths)},
        "products": {f"p{number}": draw(some) for number in range(3)},
        "shelves": {f"s{number}": draw(st.sampled_from(paths)) for number in range(3)},
    }


def merged(before: Tables, keep: str, gone: str) -> Tables | str:
    """The catalog after a merge; why there is none."""
    old, new = before["categories"][gone], before["categories"][keep]

    def comes(path: Steps) -> Steps:
        return (*new, *path[len(old) :]) if path[: len(old)] == old else path

    if new[: len(old)] == old:
        return "lies below"
    paths = {name: comes(path) for name, path in before["categories"].items() if name != gone}
    if len(set(paths.values())) < len(paths):
        return "have the same name"
    return {
        "categories": paths,
        "products": {name: list(dict.fromkeys(map(comes, found))) for name, found in before["products"].items()},
        "shelves": {name: comes(found) for name, found in before["shelves"].items()},
    }


def text(head: str, rows: dict[str, Any], told: Callable[[Any, int], str]) -> bytes:
    """A CSV file; `told` writes a value, in this or that way."""
    lines = [f"{name},{told(value, way)}" for way, (name, value) in enumerate(rows.items())]
    return ("\n".join([head, *lines]) + "\n").encode()


class Goods:
    def __init__(self, root: Path, more: str = "") -> None:
        root.mkdir(exist_ok=True)
        self.root, self.config = root, root / "feedengine.toml"
        (root / "goods.toml").write_text(PROFILE + more)
        self.config.write_text(
            f'[store]\npath = "store"\n[safeguard]\nlimit = "off"\n[catalogs."{CATALOG}"]\n'
            f'profile = "{root}/goods.toml"\n'
        )
        self.settings, self.store = Settings.load(self.config, env={}), Store.create(root / "store")

    def load(self, tables: Tables) -> None:
        """All of it with one feed."""
        files = {
            "categories.csv": text("id,path", tables["categories"], spelled),
            "products.csv": text(
                "id,categories",
                tables["products"],
                lambda paths, way: ";".join(spelled(path, way + n) for n, path in enumerate(paths)),
            ),
            "shelves.csv": text("id,category", tables["shelves"], lambda path, way: spelled(path, way + 1)),
        }
        feed = pack(self.root / "goods.tar.gz", files)
        ingest.run(self.store, self.settings, ingest.FeedRequest(feed, catalog=CATALOG, operation="delta"))

    def stored(self) -> Tables:
        fields = {"categories": "path", "products": "categories", "shelves": "category"}
        found: Tables = {}
        with self.store.catalog("goods") as catalog:
            for entity, field in fields.items():
                lookup = catalog.lookup("main", entity)
                rows = lookup.records([f"{entity[0]}{number}" for number in range(9)]) if lookup else []
                found[entity] = {
                    row["id"]: list(map(read, row.get(field, []))) if entity == "products" else read(row[field])
                    for row in rows
                }
        return found

    def merge(self, keep: str, gone: str, *, forget: bool = True) -> duplicates.Merge:
        with self.store.catalog("goods") as catalog:
            return duplicates.merge(catalog, "main", "categories", keep, gone, forget=forget)


@pytest.mark.feature("W30", "W27", "U4")
@run_with(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees(), st.data())
def test_a_merge_of_a_tree_is_what_the_model_says_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, before: Tables, data: st.DataObject
) -> None:
    keep, gone = data.draw(st.permutations(sorted(before["categories"])))[:2] if len(before["categories"]) > 1 else "xx"
    if keep == gone:
        return
    goods = Goods(tmp_path_factory.mktemp("paths") / str(next(_numbers)))
    goods.load(before)
    assert goods.stored() == before
    after = merged(before, keep, gone)
    if isinstance(after, str):
        with pytest.raises(UsageError, match=after):
            goods.merge(keep, gone)
        return
    merge = goods.merge(keep, gone)
    path = feeds.write_all(goods.store, "merge_categories", merge.rows)
    request = ingest.FeedRequest(path, catalog=CATALOG, operation=MERGE, own=True)
    planned = ingest.plan(goods.store, goods.settings, request).report
    told = {name: (entry["changed"], entry["removed"]) for name, entry in planned["entities"].items()}
    assert {name: told.get(name, (0, 0)) for name in before} == {
        name: (sum(after[name].get(key, value) != value for key, value in before[name].items()), name == "categories")
        for name in before
    }
    result = ingest.run(goods.store, goods.settings, request, None, planned_on(merge.snapshot))
    assert result.report["entities"] == planned["entities"] and result.report["problems"]["list"] == []
    assert goods.stored() == after
    with goods.store.catalog("goods") as catalog:
        catalog.rollback("main", catalog.snapshots()[-2].number, task=None, reason=None, actor=None)
    assert goods.stored() == before


TREE = {
    "categories": {
        "c0": ("Old",),
        "c1": ("Old", "X"),
        "c2": ("Old", "X", "Y"),
        "c3": ("New",),
        "c4": ("New", "X"),
        "c5": ("New", "X", "Y"),
    },
    "products": {"p0": [("Old", "X", "Y"), ("New",)]},
    "shelves": {"s0": ("Old", "X")},
}


@pytest.mark.feature("W30", "W27")
def test_records_of_one_name_are_merged_first_by_the_commands_that_are_told(tmp_path: Path) -> None:
    goods = Goods(tmp_path)
    goods.load(TREE)

    def run(*words: str) -> tuple[int, str]:
        done = command("--config", goods.config, "--yes", *words, "--forget-ids", "--catalog", CATALOG)
        return done.returncode, " ".join(done.stderr.split())

    code, said = run("merge", "categories", "c3", "c0")
    assert (
        code == 2
        and "2 categories below c0 have the same name as one below c3: c5 has" in said
        and "where c2 would come" in said
    )
    first, second, last = (f"merge categories {pair}" for pair in ("c5 c2", "c4 c1", "c3 c0"))
    assert said.index(first) < said.index(second) < said.index(last)
    assert goods.stored() == TREE
    for each in (first, second, last):
        assert run(*each.split())[0] == 0
    assert goods.stored() == {
        "categories": {name: path for name, path in TREE["categories"].items() if name in ("c3", "c4", "c5")},
        "products": {"p0": [("New", "X", "Y"), ("New",)]},
        "shelves": {"s0": ("New", "X")},
    }


@pytest.mark.feature("W27")
def test_a_category_is_not_merged_into_what_lies_below_it(tmp_path: Path) -> None:
    goods = Goods(tmp_path)
    goods.load(TREE)
    with pytest.raises(UsageError, match=r"c2 \(Old>X>Y|c2 \(Old {1,2}") as refused:
        goods.merge("c2", "c0")
    assert refused.value.hints[0].argv == ("feedengine", "merge", "categories", "c0", "c2")


LABELS = """
[entities.labels]
operation = "delta"
references = [{ entity = "categories", by = { category = "path" }, missing = "warn" }]
"""
OWN_KEY = LABELS + "[entities.labels.fields]\ncategory = { required = true }\ntext = {}\n"
PART_OF_KEY = (
    LABELS
    + """
key_of = ["category", "language"]
[entities.labels.fields]
id = {}
category = { required = true }
language = { required = true }
text = {}
"""
)


@pytest.mark.feature("W30", "W27")
@pytest.mark.parametrize("labels", [OWN_KEY, PART_OF_KEY])
def test_what_has_a_path_below_in_its_key_keeps_the_merge_from_being_made(labels: str, tmp_path: Path) -> None:
    goods = Goods(tmp_path, labels)
    key, end = ("category,language", ",en") if "language" in labels else ("category", "")

    def send(entity: str, operation: str, head: str, *lines: str) -> None:
        request = ingest.FeedRequest(tmp_path / f"{entity}.csv", catalog=CATALOG, operation=operation, entity=entity)
        request.path.write_text("\n".join([head, *lines]) + "\n")
        ingest.run(goods.store, goods.settings, request)

    tree = {"categories": {"c0": ("Old",), "c1": ("Old", "X"), "c3": ("New",)}, "products": {}, "shelves": {}}
    send("categories", "delta", "id,path", "c0,Old", "c1,Old > X", "c3,New")
    send("labels", "delta", f"{key},text", f"Old{end},goes with it", f"Old > X{end},below", f"New{end},stays")
    with pytest.raises(UsageError) as refused:
        goods.merge("c3", "c0")
    assert goods.stored() == tree
    said = str(refused.value)
    assert "of labels has Old > X in its key, which would become New" in said and said.endswith("keys do not change")
    assert [hint.text for hint in refused.value.hints] == [
        "Have it sent under its new key and deleted under this one, then merge again"
    ]
    assert refused.value.state == "Nothing was changed."
    # Sent as the refusal says, it is made: what has the very path of the one that goes, goes with it.
    send("labels", "delta", f"{key},text", f"New > X{end},below")
    send("labels", "delete", key, f"Old > X{end}")
    merge = goods.merge("c3", "c0")
    path = feeds.write_all(goods.store, "merge_categories", merge.rows)
    request = ingest.FeedRequest(path, catalog=CATALOG, operation=MERGE, own=True)
    ingest.run(goods.store, goods.settings, request, None, planned_on(merge.snapshot))
    assert goods.stored()["categories"] == {"c1": ("New", "X"), "c3": ("New",)}
    with goods.store.catalog("goods") as catalog:
        lookup = catalog.lookup("main", "labels")
        assert lookup is not None
        left = {str(row["category"]) for row in lookup.records(["New", "New > X", "Old", "Old > X"], "category")}
    assert left == {"New", "New > X"}
