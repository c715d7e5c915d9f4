"""Random feeds: small pools of ids so that they meet each other, odd values so that they hurt."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from model.rows import BLANK, NULL, SET, Cell, Row
from model.settings import Settings
from model.spec import FLAG, GROUPS, ID_ONLY, INTEGER, ITEMS, JSON, LIST, OPERATIONS, PATCHES, TEXT, VARIATIONS, Entity
from model.values import canonical, parse
from model.write import csv_able

ITEM_IDS = ("A1", "a1", "A2", "00123", "é", "NULL", "x' OR '1'='1", " A1")
VARIATION_IDS = ("V1", "V2", "v2", "V3", "=1+1", "V5")
GROUP_IDS = ("all", "shoes", "boots", "sale", "Sale")
IDS = {ITEMS.name: ITEM_IDS, VARIATIONS.name: VARIATION_IDS, GROUPS.name: GROUP_IDS}

odd = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\r"), min_size=1, max_size=12)
texts = st.one_of(st.sampled_from(["x", "19.5", 'say "hi"', "a,b", "a\nb", "true", " ", "a|b", "👢"]), odd)
names = texts.map(lambda text: "N " + text)
scalars = st.one_of(
    st.booleans(), st.integers(-(10**20), 10**20), st.sampled_from([1.5, -0.0, 1e300]), st.text('ab é"\\', max_size=4)
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab é", max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def _json(value: object) -> Cell:
    import json

    text = canonical(parse(json.dumps(value)))
    return Cell(SET, TEXT, value) if isinstance(value, str) else Cell(SET, JSON, text)


def lists(items: st.SearchStrategy[str]) -> st.SearchStrategy[Cell]:
    """List cells."""
    return st.lists(items, max_size=3, unique=True).map(lambda plain: Cell(SET, LIST, tuple(plain)))


set_text = texts.map(lambda text: Cell(SET, TEXT, text))
empty_text = st.just(Cell(SET, TEXT, ""))
pieces = st.sampled_from(["Red", "Blue", "M,L", "é"])
OPEN: dict[str, st.SearchStrategy[Cell]] = {
    "url": st.one_of(set_text, empty_text),
    "group_ids": lists(st.sampled_from(GROUP_IDS)),
    "keywords": lists(pieces),
    "active": st.booleans().map(lambda flag: Cell(SET, FLAG, flag)),
    "suggested_score": st.integers(-1, 500_000_000).map(lambda number: Cell(SET, INTEGER, number)),
    "metadata:price": st.one_of(set_text, empty_text),
    'metadata:a b"c': set_text,
    "metadata:stores": trees.map(_json),
    "metadata:select": set_text,
    "facet:Color": lists(pieces),
    "facet:color": lists(pieces),
}
GROUP_OPEN = {name: OPEN[name] for name in ("metadata:price", "metadata:stores")}
ADDABLE = ("keywords", "facet:Color", "metadata:tags")


@dataclass(frozen=True)
class Upload:
    """One random upload: its operation, and for each entity its format and rows."""

    operation: str
    force: bool
    rules: Settings
    feeds: dict[str, tuple[str, list[Row]]]


@st.composite
def rows(draw: st.DrawFn, entity: Entity, operation: str, key: str) -> Row:
    """One row for ``key``."""
    cells = {"id": Cell(SET, TEXT, key)}
    if operation in ID_ONLY:
        return Row(0, cells)
    patch = operation in PATCHES
    whole = not patch or draw(st.booleans())
    if entity is GROUPS:
        earlier = GROUP_IDS[: GROUP_IDS.index(key)]
        if whole:
            cells["name"] = Cell(SET, TEXT, draw(names))
        if whole or draw(st.booleans()):
            parents = draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True)) if earlier else []
            if draw(st.integers(0, 12)) == 0:
                parents = [draw(st.sampled_from(GROUP_IDS))]
            cells["parent_ids"] = Cell(SET, LIST, tuple(parents))
    else:
        if whole and (entity is ITEMS or draw(st.booleans())):
            cells["item_name"] = Cell(SET, TEXT, draw(names))
        if entity is VARIATIONS and (whole or draw(st.booleans())):
            cells["item_id"] = Cell(SET, TEXT, draw(st.sampled_from(ITEM_IDS[:3])))
    opened = GROUP_OPEN if entity is GROUPS else OPEN
    for name in draw(st.lists(st.sampled_from(sorted(opened)), max_size=5, unique=True)):
        state = draw(st.sampled_from([SET, SET, SET, NULL, BLANK]))
        cells[name] = draw(opened[name]) if state == SET else Cell(state)
    row = Row(0, cells)
    if patch and operation != "patchdeltacreate" and entity is not GROUPS:
        for changes in (row.add, row.remove):
            for name in draw(st.lists(st.sampled_from(ADDABLE), max_size=1)):
                if name not in cells:
                    changes[name] = tuple(draw(st.lists(pieces, min_size=1, max_size=2, unique=True)))
    return row


@st.composite
def feeds(draw: st.DrawFn, entity: Entity, operation: str) -> tuple[str, list[Row]]:
    """The rows of one entity, and a format that can say them."""
    keys = draw(st.lists(st.sampled_from(IDS[entity.name]), min_size=1, max_size=len(IDS[entity.name]), unique=True))
    if draw(st.integers(0, 4)) == 0:
        keys.append(keys[0])
    found = [draw(rows(entity, operation, key)) for key in keys]
    if entity is GROUPS and operation == "sync" and draw(st.integers(0, 5)):
        known = {row.cells["id"].plain for row in found}
        for row in found:
            parents = row.cells["parent_ids"].plain
            row.cells["parent_ids"] = Cell(SET, LIST, tuple(one for one in parents if one in known))
    for number, row in enumerate(found, 1):
        row.record = number
    form = draw(st.sampled_from(["csv", "json", "jsonl"]))
    if form == "csv":
        for row in found:
            _say_in_csv(row)
        if not csv_able(entity, found):
            form = "json"
    if form != "csv":
        for row in found:
            row.cells = {name: cell for name, cell in row.cells.items() if cell.state != BLANK}
    return form, found


def _say_in_csv(row: Row) -> None:
    """Drop what CSV cannot say."""
    row.add, row.remove = {}, {}
    for name, cell in list(row.cells.items()):
        empty = cell.state == NULL or (cell.state == SET and name != "parent_ids" and cell.plain in ("", ()))
        if empty:
            row.cells[name] = Cell(BLANK)


rules = st.one_of(
    st.just(Settings()),
    st.builds(
        Settings,
        patch_null=st.sampled_from(["ignore", "clear"]),
        orphan_variations=st.sampled_from(["fail", "skip"]),
        cascade=st.booleans(),
        deactivation_counts=st.booleans(),
        denominator=st.sampled_from(["active", "all"]),
        limit=st.sampled_from(["50%", "0%", "100%", "2"]),
        limits=st.sampled_from([{}, {"variations": "off"}, {"items": "1"}]),
    ),
)


@st.composite
def uploads(draw: st.DrawFn, operations: tuple[str, ...] = OPERATIONS) -> Upload:
    """One upload of one to three entity files."""
    operation = draw(st.sampled_from(operations))
    entities = draw(st.lists(st.sampled_from([ITEMS, ITEMS, VARIATIONS, GROUPS]), min_size=1, max_size=3, unique=True))
    return Upload(
        operation,
        draw(st.booleans()),
        draw(rules),
        {entity.name: draw(feeds(entity, operation)) for entity in entities},
    )
