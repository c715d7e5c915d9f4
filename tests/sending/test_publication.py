"""Publications: whatever lies between two snapshots, the files lead a receiver from one to exactly the other."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedengine.deliver.export import export
from feedengine.deliver.publication import Limits, Publication, choose, write
from feedengine.errors import UsageError
from model.apply import apply
from model.read import read
from model.settings import Settings
from model.spec import ENTITIES
from model.state import State, from_plain
from properties.strategies import Upload, uploads
from shop import Shop

OPEN = Settings(limit="off")


class Pair:
    """A catalog with a history, and a receiver with the same secret, so that digests can be compared."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = Shop(folder / "source")
        self.receiver = Shop(folder / "receiver", secret=self.source.store.secret)
        self.history: dict[int, dict[str, str]] = {}
        self.count = 0

    def run(self, path: Path, operation: str, rules: Settings = OPEN) -> str:
        """A feed for the source; remembers what the snapshot's digests are."""
        verdict = self.source.run(path, operation, force=True, rules=rules).verdict
        if self.source.snapshot():
            self.history[self.source.snapshot()] = self.source.digests()
        return verdict

    def feed(self, operation: str, **entities: list[dict[str, Any]]) -> None:
        """A feed for the source, made of JSON records."""
        verdict = self.run(archive(self.folder / f"given-{len(self.history)}.tar.gz", entities), operation)
        assert verdict in ("apply", "no_change")

    def receive(self, at: int) -> None:
        """Give the receiver what the source had at a snapshot."""
        if not at:
            return
        with self.source.store.catalog("key_a1") as catalog:
            counts = export(catalog, "Products", self.folder / "base.tar.gz", form="jsonl.tar.gz", at=at)
        if counts:
            assert self.receiver.run(self.folder / "base.tar.gz", "sync", rules=OPEN).verdict == "apply"

    def publish(
        self, a: int, b: int, *, known: bool = True, full: bool = False, limits: Limits | None = None,
        also: tuple[int, ...] = (),
    ) -> tuple[Publication, list[tuple[str, Path]]]:  # fmt: skip
        """The plan, and its files with their operations."""
        made = []
        with (
            self.source.store.catalog("key_a1") as catalog,
            catalog.difference("Products", a, b, also) as difference,
        ):
            plan = choose(difference, known=known, full=full, limits=limits or Limits())
            for file in plan.files:
                self.count += 1
                path = self.folder / f"published-{self.count}.tar.gz"
                write(difference, file, path)
                made.append((file.operation, path))
                self.counts_are_right(plan, file, path, limits or Limits())
        return plan, made

    def counts_are_right(self, plan: Publication, file: Any, path: Path, limits: Limits) -> None:
        """The plan says exactly what is in the file, and the limits are kept."""
        content = members(path)
        assert {name: len(lines) for name, lines in content.items()} == {
            member.entity: member.records for member in file.members
        }
        for member in file.members:
            written = sum(len(line) + 1 for line in content[member.entity])
            assert member.form == "sync" or written == member.bytes
            if member.entity != "item_groups":
                assert not limits.records or member.records <= limits.records
                assert not limits.bytes or written <= limits.bytes or member.records == 1

    def apply(self, files: list[tuple[str, Path]]) -> list[str]:
        """The receiver takes the files in their order, each without a fault."""
        verdicts = []
        for operation, path in files:
            answer = self.receiver.run(path, operation, rules=OPEN)
            assert answer.verdict in ("apply", "no_change"), (operation, members(path), answer.report["problems"])
            verdicts.append(answer.verdict)
        return verdicts

    def same(self, b: int) -> None:
        """The receiver has exactly what the source had at `b`."""
        assert self.receiver.tables() == self.source.tables(b)
        if self.receiver.snapshot():
            mine = self.receiver.digests()
            assert {name: digest for name, digest in mine.items()} == self.history[b]


def members(path: Path) -> dict[str, list[bytes]]:
    """Lines by entity."""
    with tarfile.open(path) as tar:
        return {
            each.name.removesuffix(".jsonl"): tar.extractfile(each).read().splitlines()  # type: ignore[union-attr]
            for each in tar
        }


def archive(path: Path, entities: dict[str, list[dict[str, Any]]]) -> Path:
    """A feed of JSON lines."""
    with tarfile.open(path, "w:gz") as tar:
        for name, rows in entities.items():
            content = "".join(json.dumps(row) + "\n" for row in rows).encode()
            info = tarfile.TarInfo(f"{name}.jsonl")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def by_model(tables: dict[str, list[dict[str, Any]]], files: list[tuple[str, Path]]) -> dict[str, Any]:
    """What the slow model makes of the files."""
    state = State().with_tables("Products", {name: from_plain(ENTITIES[name], rows) for name, rows in tables.items()})
    for operation, path in files:
        outcome = apply(state, "Products", read(path, OPEN), operation, settings=OPEN)
        assert outcome.verdict in ("apply", "no_change"), (operation, outcome.faults)
        state = outcome.state
    return state.plain("Products")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    yield folder
    shutil.rmtree(folder)


@pytest.mark.feature("P20", "C14", "C15", "C17", "C21", "U9")
@given(
    given_uploads=st.lists(uploads(), min_size=2, max_size=6),
    ends=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    limits=st.builds(Limits, st.sampled_from([0, 0, 1, 2]), st.sampled_from([0, 0, 60, 200])),
    known=st.booleans(),
)
def test_the_files_lead_from_one_snapshot_to_exactly_the_other(
    scratch: Path, given_uploads: list[Upload], ends: tuple[int, int], limits: Limits, known: bool
) -> None:
    from model.write import write as write_feed

    folder = Path(tempfile.mkdtemp(dir=scratch))
    pair = Pair(folder)
    for upload in given_uploads:
        path = write_feed(folder / "feed.tar.gz", upload.feeds)
        pair.run(path, upload.operation, upload.rules)
    if not pair.history:
        return
    numbers = [0, *sorted(pair.history)]
    a, b = numbers[ends[0] % len(numbers)], numbers[1 + ends[1] % (len(numbers) - 1)]
    known = known or a > 0
    try:
        pair.receive(a)
    except AssertionError:
        return  # a state that no sync can bring about, such as variations that lost their item
    try:
        _, files = pair.publish(a, b, known=known, limits=limits)
    except UsageError as error:
        assert error.code == "NOT_PUBLISHABLE"
        return
    before = pair.source.tables(a) if a else {name: [] for name in ENTITIES}
    assert by_model(before, files) == pair.source.tables(b)
    pair.apply(files)
    pair.same(b)


@given(given_uploads=st.lists(uploads(), min_size=3, max_size=6), at=st.tuples(*[st.integers(0, 6)] * 4))
@settings(max_examples=12)
def test_what_was_sent_in_part_is_made_right_by_the_next_publication(
    scratch: Path, given_uploads: list[Upload], at: tuple[int, int, int, int]
) -> None:
    from model.write import write as write_feed

    folder = Path(tempfile.mkdtemp(dir=scratch))
    pair = Pair(folder)
    for upload in given_uploads:
        pair.run(write_feed(folder / "feed.tar.gz", upload.feeds), upload.operation, upload.rules)
    numbers = sorted(pair.history)
    if len(numbers) < 2:
        return
    a, b, c = (numbers[each % len(numbers)] for each in at[:3])
    try:
        pair.receive(a)
        _, first = pair.publish(a, b, limits=Limits(records=2))
        _, second = pair.publish(a, c, also=(b,))
    except (UsageError, AssertionError):
        return  # variations without an item: no feed can bring them about
    pair.apply(first[: at[3]])
    pair.apply(second)
    pair.same(c)


SHOP: dict[str, list[dict[str, Any]]] = {
    "items": [
        {"id": f"A{n}", "name": f"Item {n}", "data": {"price": str(n), "text": "words " * 200, "group_ids": ["g1"]}}
        for n in range(1, 9)
    ],
    "variations": [{"id": f"V{n}", "item_id": f"A{n}", "data": {"size": str(n)}} for n in range(1, 9)],
    "item_groups": [
        {"id": "all", "name": "All", "parent_ids": []},
        {"id": "g1", "name": "One", "parent_ids": ["all"]},
        {"id": "g2", "name": "Two", "parent_ids": ["g1"]},
    ],
}


def published(pair: Pair, a: int = 1, b: int = 2, **how: Any) -> list[str]:
    """Publish to a receiver that has `a`, see that it then has `b`; the operations in their order."""
    pair.receive(a)
    _, files = pair.publish(a, b, **how)
    pair.apply(files)
    pair.same(b)
    return [operation for operation, _ in files]


@pytest.mark.feature("C14")
def test_nothing_was_sent_before_so_one_full_feed_is(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    plan, files = pair.publish(0, 1, known=False)
    assert [file.as_dict()["records"] for file in plan.files] == [{"items": 8, "variations": 8, "item_groups": 3}]
    assert [operation for operation, _ in files] == ["sync"]
    pair.apply(files)
    pair.same(1)


@pytest.mark.feature("C17", "U9")
def test_few_changed_columns_go_as_a_patch(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    pair.feed("patchdelta", items=[{"id": f"A{n}", "data": {"price": "9.99"}} for n in range(1, 6)])
    pair.receive(1)
    _, files = pair.publish(1, 2)
    assert [operation for operation, _ in files] == ["patchdelta"]
    assert members(files[0][1])["items"][0] == b'{"id":"A1","data":{"price":"9.99"}}'
    pair.apply(files)
    pair.same(2)


@pytest.mark.feature("C15")
def test_what_a_patch_cannot_say_goes_whole(pair: Pair) -> None:
    items = [{**row, "data": {**row["data"], "note": "x"}} for row in SHOP["items"]]
    pair.feed("sync", items=items)
    changed = [{**row, "data": {**row["data"]}} for row in items]
    del changed[0]["data"]["note"]
    changed[1]["data"]["note"] = ""
    changed[2]["data"]["tags"] = []
    changed[3]["data"]["price"] = "new"
    changed[4]["data"]["price"] = "new"
    changed[5]["data"]["price"] = "new"
    changed[6]["data"]["note"] = {}
    changed[7]["data"]["price"] = "new"
    pair.feed("delta", items=changed)
    pair.receive(1)
    _, files = pair.publish(1, 2)
    assert [operation for operation, _ in files] == ["delta", "patchdelta"]
    assert [json.loads(row)["id"] for row in members(files[0][1])["items"]] == ["A1", "A2", "A3", "A7"]
    pair.apply(files)
    pair.same(2)


def test_small_patches_are_not_worth_a_file(pair: Pair) -> None:
    pair.feed("sync", items=[{"id": "A1", "name": "One", "data": {"x": "1", "y": "2"}}, {"id": "A2", "name": "Two"}])
    pair.feed("delta", items=[{"id": "A1", "name": "One", "data": {"x": "2", "y": "2"}}, {"id": "A3", "name": "New"}])
    pair.receive(1)
    assert [operation for operation, _ in pair.publish(1, 2)[1]] == ["delta"]


@pytest.mark.feature("C21")
def test_removals_go_by_id_and_variations_of_removed_items_by_themselves(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    pair.feed("delete", items=[{"id": "A1"}, {"id": "A2"}], variations=[{"id": "V8"}], item_groups=[{"id": "g2"}])
    pair.receive(1)
    _, files = pair.publish(1, 2)
    assert [operation for operation, _ in files] == ["delete"]
    assert members(files[0][1]) == {
        "items": [b'{"id":"A1"}', b'{"id":"A2"}'],
        "variations": [b'{"id":"V8"}'],
        "item_groups": [b'{"id":"g2"}'],
    }
    pair.apply(files)
    pair.same(2)


def test_a_variation_moves_away_before_its_old_item_goes(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    pair.feed("patchdelta", variations=[{"id": "V1", "item_id": "A2"}])
    pair.feed("delete", items=[{"id": "A1"}])
    assert published(pair, 1, 3) == ["delta", "delete"]


def test_groups_that_swap_places_and_a_parent_that_goes(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    groups = [{"id": "g2", "name": "Two", "parent_ids": []}, {"id": "new", "name": "N", "parent_ids": ["g2"]}]
    pair.feed("sync", item_groups=groups)
    assert published(pair)[-1] in ("delete", "sync")


def test_groups_alone_change_and_items_stay_untouched(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    pair.feed("delta", item_groups=[{"id": "g3", "name": "Three", "parent_ids": ["g2"]}])
    pair.receive(1)
    plan, _ = pair.publish(1, 2)
    assert [file.as_dict()["records"] for file in plan.files] == [{"item_groups": 1}]


def test_a_full_feed_where_that_is_smaller(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    pair.feed("sync", items=[{"id": "A1", "name": "only this one"}])
    assert published(pair)[0] == "sync"


def test_an_entity_that_has_become_empty(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    pair.feed("delete", variations=[{"id": f"V{n}"} for n in range(1, 9)])
    assert published(pair) == ["delete"]
    pair.feed("delete", items=[{"id": f"A{n}"} for n in range(1, 9)])
    _, files = pair.publish(2, 3)
    assert pair.apply(files) == ["apply"]
    pair.same(3)
    pair.feed("sync", items=SHOP["items"])
    _, files = pair.publish(1, 4, full=True)
    assert [operation for operation, _ in files] == ["sync", "delete"]


@pytest.mark.feature("U9")
@pytest.mark.parametrize("limits", [Limits(records=3), Limits(bytes=3000), Limits(records=2, bytes=4000)])
def test_files_are_cut_by_records_and_bytes(pair: Pair, limits: Limits) -> None:
    pair.feed("sync", **SHOP)
    more = [{"id": f"B{n}", "name": "new", "data": {"text": "words " * 200}} for n in range(7)]
    pair.feed("delta", items=more, variations=[{"id": f"W{n}", "item_id": f"B{n}"} for n in range(7)])
    pair.feed("delete", items=[{"id": f"A{n}"} for n in range(1, 4)], variations=[{"id": "V5"}])
    operations = published(pair, 1, 3, limits=limits)
    assert operations.count("delta") > 2
    assert operations[-1] == "delete"


def test_a_first_publication_beyond_the_limits_goes_as_deltas(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    plan, files = pair.publish(0, 1, known=False, limits=Limits(records=3))
    assert [operation for operation, _ in files] == ["delta"] * 5
    assert "remove nothing" in plan.notes[0]
    pair.apply(files)
    pair.same(1)
    with pytest.raises(UsageError, match="can't be split"):
        pair.publish(0, 1, full=True, limits=Limits(records=3))


def test_back_to_an_older_snapshot(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    pair.feed("delta", items=[{"id": "A1", "name": "changed"}, {"id": "B1", "name": "new"}])
    pair.receive(2)
    _, files = pair.publish(2, 1)
    pair.apply(files)
    pair.same(1)


@pytest.mark.parametrize("part", range(4))
def test_after_a_publication_that_reached_the_receiver_in_part(pair: Pair, part: int) -> None:
    pair.feed("sync", **SHOP)
    pair.feed("delta", items=[{"id": "B1", "name": "new"}, {"id": "A1", "name": "changed"}])
    pair.feed("patchdelta", items=[{"id": f"A{n}", "data": {"price": "7"}} for n in range(2, 7)])
    pair.feed("delete", items=[{"id": "A8"}])
    # Then all of it is taken back, and something else happens.
    pair.feed("sync", **SHOP)
    pair.feed("delta", items=[{"id": "A7", "name": "other"}])
    pair.receive(1)
    _, first = pair.publish(1, 4)
    assert [operation for operation, _ in first] == ["delta", "patchdelta", "delete"]
    pair.apply(first[:part])
    _, files = pair.publish(1, 6, also=(4,))
    pair.apply(files)
    pair.same(6)


def test_variations_without_an_item_cannot_be_published(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    path = archive(pair.folder / "without.tar.gz", {"items": [{"id": "A1"}]})
    assert pair.run(path, "delete", Settings(limit="off", cascade=False)) == "apply"
    with pytest.raises(UsageError, match="1 variations have no item"):
        pair.publish(1, 2)


@pytest.mark.parametrize("column", ["metadata:url", "metadata:json:facets", "metadata:tags:add"])
def test_what_json_cannot_say_is_refused_by_name(pair: Pair, column: str) -> None:
    feed = pair.folder / "odd.csv"
    feed.write_text(f"id,item_name,{column}\nA1,One,1\n")
    assert pair.run(feed, "sync") == "apply"
    with pytest.raises(UsageError, match=column):
        pair.publish(0, 1, known=False)


def test_files_are_the_same_each_time_and_hold_one_gzip_member(pair: Pair) -> None:
    pair.feed("sync", **SHOP)
    contents = [pair.publish(0, 1, known=False)[1][0][1].read_bytes() for _ in range(2)]
    assert contents[0] == contents[1]
    assert gzip.decompress(contents[0])
