"""Ids that must exist: what a list says of a feed, beside a slow and obvious model of it."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from feedengine import ingest
from feedengine.errors import ConfigError, InternalError, SafeguardRefused
from feedengine.settings import Settings
from feedengine.store import Store

pytestmark = pytest.mark.feature("U20")

CATALOG = "key_a1/Products"
OPEN = 'limit = "off"\n'
#: A record of the model: its owner (variations have one) and whether it is active.
Records = dict[str, tuple[str | None, bool]]


class Desk:
    """A store, its settings and the files beside them."""

    def __init__(self, root: Path, safeguard: str = "", **lists: str) -> None:
        self.root = root
        self.store = Store.create(root / "store")
        self.guard(safeguard)
        for name, content in lists.items():
            (root / f"{name}.txt").write_text(content)

    def guard(self, safeguard: str) -> None:
        """Other rules from here on."""
        (self.root / "feedengine.toml").write_text(f"[engine]\nthreads = 1\n[safeguard]\n{OPEN}{safeguard}\n")

    @property
    def settings(self) -> Settings:
        return Settings.load(self.root / "feedengine.toml", env={})

    def request(self, operation: str, content: str, entity: str = "items", **more: Any) -> ingest.FeedRequest:
        path = self.root / f"{entity}.csv"
        path.write_text(content)
        return ingest.FeedRequest(path=path, catalog=CATALOG, operation=operation, entity=entity, actor="a", **more)

    def plan(self, operation: str, content: str, entity: str = "items", **more: Any) -> dict[str, Any]:
        made = ingest.plan(self.store, self.settings, self.request(operation, content, entity, **more))
        return dict(made.report)

    def run(self, operation: str, content: str, entity: str = "items", **more: Any) -> dict[str, Any]:
        return dict(ingest.run(self.store, self.settings, self.request(operation, content, entity, **more)).report)

    def load(self, records: dict[str, Records]) -> None:
        """Make these the catalog's records."""
        for entity in ("items", "variations"):
            if records.get(entity):
                self.run("delta", feed(entity, records[entity]), entity)


def feed(entity: str, records: Records) -> str:
    """Whole records as CSV."""
    out = io.StringIO()
    owner = ["item_id"] if entity == "variations" else []
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", *owner, "item_name", "active"])
    for each, (item, active) in records.items():
        writer.writerow([each, *([item] if owner else []), f"Name {each}", str(active).lower()])
    return out.getvalue()


def items(*ids: str, off: tuple[str, ...] = ()) -> Records:
    return {each: (None, each not in off) for each in ids}


def must(limit: str, more: str = "", file: str = "sellers.txt") -> str:
    return f'must_exist = [{{ file = "{file}", limit = "{limit}"{more} }}]'


def told(report: dict[str, Any]) -> dict[str, Any]:
    (entry,) = report["safeguard"]["must_exist"]
    return dict(entry)


# The model: what is stored after a feed, then what the list says of before and after.


def after_feed(before: dict[str, Records], operation: str, entity: str, sent: Records) -> dict[str, Records]:
    """The catalog after a feed of one entity, rule by rule of the truth tables."""
    after = {name: dict(records) for name, records in before.items()}
    mine = after[entity]
    if operation in ("sync", "whitelist"):
        for gone in [each for each in mine if each not in sent]:
            del mine[gone]
    if operation == "delete":
        for each in sent:
            mine.pop(each, None)
    if operation in ("sync", "delta"):
        mine.update(sent)
    if operation == "patchdelta":
        for each, record in sent.items():
            mine[each] = (mine[each][0], record[1])
    after["variations"] = {each: one for each, one in after["variations"].items() if one[0] in after["items"]}
    return after


def model(
    before: Records, after: Records, ids: list[str], limit: int, counted: bool, wholly: bool
) -> dict[str, Any] | None:
    """What the report says of the list; None where the feed takes nothing that the list could miss."""
    ids = list(dict.fromkeys(ids))

    def active(records: Records, each: str) -> bool:
        return each in records and records[each][1]

    was = [each for each in ids if active(before, each)]
    lost = [each for each in was if not active(after, each)]
    missing = len(ids) - len(was)
    takes = any(active(before, each) and not active(after, each) for each in before)
    counts = counted and wholly
    if not takes and not counts:
        return None
    gone, base = len(lost), len(was)
    if counts:
        gone, base = sum(not active(after, each) for each in ids), len(ids)
    decision = "blocked" if gone * 100 > limit * base else "ok"
    return {
        "listed": len(ids), "missing_before": missing, "lost": gone, "base": base, "decision": decision,
        "first": lost[:10], "counts_missing": counts,
    }  # fmt: skip


def drawn(dice: random.Random) -> tuple[dict[str, Records], str, str, Records, list[str]]:
    """A catalog, a feed for it, and a list that names some of its records and some that it does not have."""
    products = [f"P{n}" for n in range(dice.randrange(1, 14))]
    before: dict[str, Records] = {
        "items": {each: (None, dice.random() < 0.8) for each in products},
        "variations": {f"V{n}": (dice.choice(products), dice.random() < 0.8) for n in range(dice.randrange(12))},
    }
    entity = dice.choice(("items", "variations")) if before["variations"] else "items"
    operation = dice.choice(("sync", "sync", "delta", "delete", "whitelist", "patchdelta"))
    kept = [each for each in before[entity] if dice.random() < 0.7] or list(before[entity])[:1]
    sent = {each: (before[entity][each][0], dice.random() < 0.7) for each in kept}
    if operation in ("sync", "delta"):
        sent |= {f"N{n}": (dice.choice(products), dice.random() < 0.8) for n in range(dice.randrange(3))}
    names = [*before["items"], *before["variations"], "N0", "N1", "X1", "X2"]
    ids = [dice.choice(names) for _ in range(dice.randrange(1, 25))]
    return before, operation, entity, sent, ids


@pytest.mark.parametrize("seed", range(60))
def test_a_list_says_what_the_model_says(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    before, operation, entity, sent, ids = drawn(dice)
    guarded, limit = dice.choice(("items", "variations")), dice.choice((0, 20, 34, 50, 99))
    missing = dice.choice(("told", "counted"))
    desk = Desk(tmp_path, sellers="\n".join(ids) + "\n")
    desk.load(before)
    desk.guard(must(f"{limit}%", f', entity = "{guarded}", missing = "{missing}"'))
    after = after_feed(before, operation, entity, sent)
    wholly = operation in ("sync", "whitelist") and guarded == entity
    expected = model(before[guarded], after[guarded], ids, limit, missing == "counted", wholly)
    if operation in ("delete", "whitelist"):
        content = "id\n" + "".join(f"{each}\n" for each in sent)
    elif operation == "patchdelta":
        content = "id,active\n" + "".join(f"{each},{str(one[1]).lower()}\n" for each, one in sent.items())
    else:
        content = feed(entity, sent)
    report = desk.plan(operation, content, entity)
    found = report["safeguard"]["must_exist"]
    assert report["verdict"] != "invalid", report["problems"]
    if expected is None:
        assert found == []
        return
    entry = {name: found[0][name] for name in expected}
    assert entry == expected
    assert (report["verdict"] == "refused") == (expected["decision"] == "blocked")


SHOP = items("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "B1")


def test_more_than_the_limit_is_refused_and_exactly_the_limit_passes(tmp_path: Path) -> None:
    desk = Desk(tmp_path, must("25%"), sellers="A3\nA1\nA2\nA4\nZ9\n")
    desk.load({"items": SHOP})
    one, two = items("A2", "A3", "A4", "B1"), items("A4", "A2", "B1")
    report = desk.plan("sync", feed("items", one))
    assert report["verdict"] == "apply"
    assert told(report) == {
        "entity": "items", "column": "id", "file": "sellers.txt", "listed": 5, "missing_before": 1,
        "counts_missing": False, "lost": 1, "base": 4, "share": 0.25, "limit": "25%", "decision": "ok", "first": ["A1"],
    }  # fmt: skip
    with pytest.raises(SafeguardRefused, match=r"2 of 4 items that sellers\.txt names .*the first are A3, A1"):
        desk.run("sync", feed("items", two))
    assert desk.plan("sync", feed("items", two), force=True)["safeguard"]["decision"] == "forced"
    desk.guard(must("1"))
    assert desk.plan("sync", feed("items", one))["verdict"] == "apply"
    assert desk.plan("sync", feed("items", two))["verdict"] == "refused"


def test_held_removals_leave_what_must_exist(tmp_path: Path) -> None:
    desk = Desk(tmp_path, must("10%") + '\non_block = "hold"', sellers="A1\nA2\nA3\n")
    desk.load({"items": SHOP})
    report = desk.run("sync", feed("items", items("A2", "A3", "N1")))
    assert (report["verdict"], report["safeguard"]["held"]["items"]) == ("held", 8)
    assert report["entities"]["items"]["after"] == 11
    # What only deactivates has nothing that could be held.
    with pytest.raises(SafeguardRefused):
        desk.run("delta", feed("items", items("A1", off=("A1",))))


def test_deactivation_counts_as_the_settings_say(tmp_path: Path) -> None:
    desk = Desk(tmp_path, must("10%"), sellers="A1\nA2\n")
    desk.load({"items": SHOP})
    off = feed("items", items("A1", off=("A1",)))
    assert desk.plan("delta", off)["verdict"] == "refused"
    desk.guard(must("10%") + "\n[rules]\ndeactivation_counts = false")
    assert desk.plan("delta", off)["verdict"] == "apply"


def test_what_is_missing_before_is_held_against_whole_feeds_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path, must("40%", ', missing = "counted"'), sellers="A1\nX1\nX2\n")
    desk.load({"items": SHOP})
    report = desk.plan("sync", feed("items", SHOP))
    assert (report["verdict"], told(report)["lost"], told(report)["base"]) == ("refused", 2, 3)
    assert desk.plan("delta", feed("items", items("N1")))["verdict"] == "apply"
    assert desk.plan("sync", feed("items", SHOP | items("X1")))["verdict"] == "apply"
    # The first load has nothing to lose, and yet lacks what must be there.
    empty = Desk(tmp_path / "empty", must("40%", ', missing = "counted"'), sellers="A1\nX1\nX2\n")
    assert empty.plan("sync", feed("items", SHOP))["verdict"] == "refused"


def test_a_list_may_be_a_table_with_the_column_of_the_key(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.load({"items": SHOP})
    desk.guard(must("0%", file="lists/sellers.csv"))
    (tmp_path / "lists").mkdir()
    for content in (
        '\ufeffid,revenue\r\nA1,100\r\n\r\n"A2",7\r\n',
        'revenue;ID;name\n1;A1;"a;\nb"\n2;A2;x\n',
        "id\nA1\nA2\nA2\n",
        " A1 \n\nA2",
    ):
        (tmp_path / "lists" / "sellers.csv").write_text(content, newline="")
        entry = told(desk.plan("delete", "id\nA2\n"))
        assert (entry["listed"], entry["lost"], entry["first"]) == (2, 1, ["A2"]), content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "could not read"),
        (b"", "has no id"),
        (b"\n \n", "has no id"),
        (b"id,revenue\n", "has no id"),
        (b"sku,revenue\nA1,5\n", 'several columns, of which none is called "id"'),
        (b"revenue,id\n5,A1\n6\n", "has no id in row 3"),
        (b"A1\n\xff\xfe\n", "is not UTF-8"),
        (b'id,name\nA1,"cut', "is no CSV"),
    ],
)
def test_a_list_that_cannot_be_used_stops_the_feed(tmp_path: Path, content: bytes | None, says: str) -> None:
    desk = Desk(tmp_path)
    desk.load({"items": SHOP})
    if content is not None:
        (tmp_path / "sellers.txt").write_bytes(content)
    desk.guard(must("2%"))
    # Even a feed that takes nothing: nobody is to learn of it only when it is needed.
    with pytest.raises(ConfigError, match=says) as raised:
        desk.plan("delta", feed("items", items("N1")))
    assert raised.value.exit == 2


def test_a_list_has_no_more_ids_than_memory(tmp_path: Path) -> None:
    desk = Desk(tmp_path, must("2%"), sellers="".join(f"A{n}\n" for n in range(1_048_577)))
    path = tmp_path / "feedengine.toml"
    path.write_text(path.read_text().replace("[engine]", '[engine]\nmemory_limit = "256MiB"'))
    with pytest.raises(ConfigError, match="more than 1,048,576 ids"):
        desk.plan("sync", feed("items", SHOP))


def test_entities_and_columns_that_are_not_there_are_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path, must("2%", ', entity = "shoes"'), sellers="A1\n")
    desk.run("sync", feed("items", SHOP))
    desk.guard(f'[catalogs."{CATALOG}".safeguard]\n' + must("2%", ', entity = "shoes"'))
    with pytest.raises(ConfigError, match='a list for "shoes"'):
        desk.plan("sync", feed("items", SHOP))
    desk.guard(must("2%", ', column = "metadata:sku"'))
    with pytest.raises(ConfigError, match="a column that items do not have"):
        desk.plan("sync", feed("items", SHOP))
    desk.guard(must("2%", ', column = "url", missing = "counted"'))
    with pytest.raises(ConfigError, match="by the key alone"):
        desk.plan("sync", feed("items", SHOP))


def test_a_column_may_name_the_records(tmp_path: Path) -> None:
    desk = Desk(tmp_path, sellers="S1\nS2\n")
    head, rows = "id,item_name,metadata:sku,facet:tag\n", ["A,a,S1,x|y\n", "B,b,S1,z\n", "C,c,S2,z\n", "D,d,S3,y\n"]
    desk.run("sync", head + "".join(rows))
    desk.guard(must("50%", ', column = "metadata:sku"'))
    entry = told(desk.plan("delete", "id\nA\nD\n"))
    assert (entry["base"], entry["lost"], entry["first"]) == (3, 1, ["S1"])
    (tmp_path / "sellers.txt").write_text("y\nx\n")
    desk.guard(must("50%", ', column = "facet:tag"'))
    entry = told(desk.plan("delete", "id\nA\n"))
    assert (entry["base"], entry["lost"]) == (2, 1)


def shelf(folder: Path, things: str) -> str:
    """A profile of one entity, declared like this; its path."""
    path = folder / "shelf.toml"
    naming = '[naming]\nform = "{entity}_{date:YYYYMMDD}.{ext}"\n'
    path.write_text(f'name = "shelf"\n{naming}[entities.things]\nfile = "THINGS"\n{things}\n')
    return str(path)


def test_an_id_means_what_it_means_in_a_feed(tmp_path: Path) -> None:
    profile = shelf(
        tmp_path,
        'fields.sku = { column = "SKU", required = true, normal = ["upper"] }',
    )
    desk = Desk(tmp_path, sellers="a1\na2\n")
    desk.run("sync", "SKU\na1\na2\na3\n", "things", profile=profile)
    desk.guard(must("0%"))
    report = desk.plan("sync", "SKU\nA2\nA3\n", "things", profile=profile)
    assert (told(report)["lost"], told(report)["base"], told(report)["first"]) == (1, 2, ["A1"])


def test_the_key_that_the_engine_makes_is_no_list_of_anybody(tmp_path: Path) -> None:
    profile = shelf(
        tmp_path,
        'identity = ["sku"]\nfields.id = { type = "uuid", internal = true }\nfields.sku = { required = true }',
    )
    desk = Desk(tmp_path, sellers="S1\nS2\n")
    desk.run("sync", "sku\nS1\nS2\nS3\n", "things", profile=profile)
    desk.guard(must("0%"))
    with pytest.raises(ConfigError, match="the engine makes the key of things"):
        desk.plan("sync", "sku\nS1\n", "things", profile=profile)
    desk.guard(must("0%", ', column = "sku"'))
    report = desk.plan("sync", "sku\nS1\nS3\n", "things", profile=profile)
    assert (report["verdict"], told(report)["first"]) == ("refused", ["S2"])


def test_the_engine_does_not_plan_with_a_list_that_it_was_not_told(tmp_path: Path) -> None:
    from feedengine import engine
    from feedengine.ingest.asking import engine_request
    from feedengine.ingest.listed import lists
    from feedengine.target import resolve

    desk = Desk(tmp_path, must("2%"), sellers="A1\n")
    desk.run("sync", feed("items", SHOP))
    request = desk.request("sync", feed("items", SHOP))
    target = resolve(desk.store, desk.settings, request)
    with desk.store.catalog(target.key) as catalog:
        base = catalog.base(target.section)
        found = lists(desk.settings, target.profile, target.catalog, base)
        asked = engine_request(desk.store, desk.settings, request, target, base, catalog, found)
    planner = engine.Planner(json.loads(json.dumps(asked)), desk.store.secret)
    with pytest.raises(InternalError, match=r"the ids of sellers\.txt are not known"):
        planner.scan(request.path)


def test_a_profile_says_nothing_of_persons_and_files(tmp_path: Path) -> None:
    from feedengine.errors import ProfileError
    from feedengine.profile import loads

    for rule in ('force_from = ["ann"]', "force_held = true", 'must_exist = { file = "s", limit = "2%" }'):
        with pytest.raises(ProfileError, match="has no setting"):
            loads(f'name = "shelf"\nextends = "constructor"\n[settings.safeguard]\n{rule}\n')
