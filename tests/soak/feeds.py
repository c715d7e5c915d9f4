"""The feeds of a partner's day: all operations, formats and sizes, and what goes wrong in real life."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from soak.forms import FORMS, Record, archive
from soak.world import Catalog, Partner

DAY = datetime(2026, 11, 21, tzinfo=UTC)

#: How often each kind of feed comes, after the first sync of each catalog.
WEIGHTS = {
    "sync": 8,
    "delta": 24,
    "patchdelta": 20,
    "patchdeltacreate": 8,
    "patchdeltaignore": 8,
    "delete": 5,
    "whitelist": 3,
    "again": 5,
    "bad-name": 3,
    "truncated": 3,
    "wrong-key": 3,
    "emptied": 3,
    "bad-rows": 4,
    "unknown-ids": 3,
}
FORCED = 0.1


@dataclass(frozen=True)
class Sent:
    """A file that a partner sends. `kind` says what it is; it is not what the service is told."""

    partner: Partner
    number: int
    name: str
    kind: str
    content: bytes
    catalog: Catalog

    @property
    def nameless(self) -> bool:
        """Whether its name places it in no catalog of the partner's: the service refuses it, at once or afterwards."""
        return self.kind in ("bad-name", "wrong-key")


def feeds_of(partner: Partner, count: int) -> Iterator[Sent]:
    """The partner's feeds in the order in which they are sent. What they say depends on the seed alone."""
    chance = partner.chance
    earlier: list[tuple[str, str, bytes, Catalog]] = []
    for number in range(count):
        catalog = partner.catalogs[number % len(partner.catalogs)]
        first = number < len(partner.catalogs)
        kind = "sync" if first else chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if kind == "again" and earlier:
            operation, extension, content, catalog = chance.choice((earlier[-1], chance.choice(earlier[-6:])))
        else:
            # What the service will not take changes nothing, as the partner knows.
            believed = deepcopy(catalog) if kind in ("bad-name", "wrong-key", "truncated") else catalog
            operation, extension, content = _make(partner, believed, "delta" if kind == "again" else kind)
            earlier.append((operation, extension, content, catalog))
        name = _name(partner, catalog, number, kind, operation, extension)
        yield Sent(partner, number, name, kind, content, catalog)


def _name(partner: Partner, catalog: Catalog, number: int, kind: str, operation: str, extension: str) -> str:
    # Names of one key differ by the partner, too: a shared key has one name space.
    stamp = (DAY + timedelta(seconds=number * 100 + partner.tells_apart)).strftime("%Y-%m-%d-%H-%M-%S")
    chance = partner.chance
    force = "force" if kind != "emptied" and chance.random() < FORCED else ""
    key = "key_Somebody0000Elses" if kind == "wrong-key" else catalog.key
    good = f"{key}_{catalog.section}_{force}{operation}_{stamp}.{extension}"
    if kind != "bad-name":
        return good
    return chance.choice(
        (
            f"{key}_{catalog.section}_{operation.upper()}_{stamp}.{extension}",
            f"{key}_{catalog.section}_synchronise_{stamp}.{extension}",
            f"products {stamp}.{extension}",
            f"{key}_{catalog.section}_{operation}_{stamp}.xlsx",
            f"{key}_{catalog.section}_{operation}_force_{stamp}.{extension}",
        )
    )


def _make(partner: Partner, catalog: Catalog, kind: str) -> tuple[str, str, bytes]:
    """Operation, extension and content of a feed of this kind; the catalog is believed to follow it."""
    chance = partner.chance
    if kind in ("sync", "truncated"):
        feeds = _whole(partner, catalog)
        packed = _packed(partner, feeds)
        return ("sync", *_cut(chance.random(), packed)) if kind == "truncated" else ("sync", *packed)
    if kind == "emptied":
        few = list(catalog.items)[: max(1, len(catalog.items) // 4)]
        return ("sync", *_single(partner, "items", [_item(catalog, one) for one in few]))
    if kind in ("delta", "bad-name", "wrong-key", "bad-rows"):
        return ("delta", *_delta(partner, catalog, spoil=kind == "bad-rows"))
    if kind in ("delete", "whitelist"):
        return (kind, *_ids(partner, catalog, kind))
    operation = "patchdelta" if kind == "unknown-ids" else kind
    return (operation, *_patch(partner, catalog, operation, stray=kind != "patchdelta"))


def _whole(partner: Partner, catalog: Catalog) -> dict[str, list[Record]]:
    """Everything anew: a few gone, a few added, some changed."""
    chance = partner.chance
    if not catalog.groups:
        catalog.groups = ["all", *(f"group-{n}" for n in range(chance.randrange(1, 12)))]
    for one in [one for one in catalog.items if chance.random() < 0.04]:
        _forget(catalog, one)
    wanted = max(partner.rows, len(catalog.items))
    while len(catalog.items) < wanted or chance.random() < 0.5:
        _new(catalog)
    for one in chance.sample(list(catalog.items), len(catalog.items) // 10):
        catalog.items[one] += 1
    feeds: dict[str, list[Record]] = {"items": [_item(catalog, one) for one in catalog.items]}
    if chance.random() < 0.7:
        feeds["variations"] = [_variation(catalog, one) for one in catalog.variations]
    if chance.random() < 0.6:
        feeds["item_groups"] = [_group(one) for one in catalog.groups]
    return {entity: records for entity, records in feeds.items() if records}


def _delta(partner: Partner, catalog: Catalog, *, spoil: bool) -> tuple[str, bytes]:
    chance = partner.chance
    known = _some(partner, catalog)
    for one in known:
        catalog.items[one] += 1
    records = [_item(catalog, one) for one in [*known, *(_new(catalog) for _ in range(chance.randrange(1, 8)))]]
    if spoil:
        for record in chance.sample(records, max(1, len(records) // 10)):
            record[chance.choice(("item_name", "id"))] = chance.choice(("", "x" * 300))
    elif chance.random() < 0.1:
        records.append(dict(records[0]))  # an id twice
    if chance.random() < 0.3 and catalog.variations:
        variations = [_variation(catalog, one) for one in list(catalog.variations)[:20]]
        return _packed(partner, {"items": records, "variations": variations})
    return _single(partner, "items", records)


def _patch(partner: Partner, catalog: Catalog, operation: str, *, stray: bool) -> tuple[str, bytes]:
    chance = partner.chance
    records: list[Record] = []
    for one in _some(partner, catalog):
        catalog.items[one] += 1
        records.append({"id": one, "metadata:price": f"{catalog.items[one]}.50"})
    if stray or not records:
        for _ in range(chance.randrange(1, 4)):
            # Only where the operation creates them will they be known from now on.
            new = _new(catalog) if operation == "patchdeltacreate" else f"nobody-{chance.randrange(10**6)}"
            full = operation == "patchdeltacreate"
            records.append(_item(catalog, new) if full else {"id": new, "metadata:price": "1.00"})
    return _single(partner, "items", records)


def _ids(partner: Partner, catalog: Catalog, operation: str) -> tuple[str, bytes]:
    chance = partner.chance
    share = 0.05 if operation == "delete" else 0.9
    listed = [one for one in catalog.items if chance.random() < share] or list(catalog.items)[:1]
    chosen = set(listed)
    for one in [one for one in catalog.items if (one in chosen) == (operation == "delete")]:
        _forget(catalog, one)
    return _single(partner, "items", [{"id": one} for one in listed] or [{"id": "nobody"}])


def _some(partner: Partner, catalog: Catalog) -> list[str]:
    """Ids that are known: mostly a few, sometimes a tenth of all or everything."""
    chance = partner.chance
    most = len(catalog.items)
    size = chance.choice((1, 10, 10, 50, 50, max(1, most // 10), most)) if most else 0
    return chance.sample(list(catalog.items), min(most, size))


def _single(partner: Partner, entity: str, records: list[Record]) -> tuple[str, bytes]:
    if partner.chance.random() < 0.2:
        return _packed(partner, {entity: records})
    form = partner.chance.choice(list(FORMS))
    return form, FORMS[form](entity, records)


def _packed(partner: Partner, feeds: dict[str, list[Record]]) -> tuple[str, bytes]:
    return "tar.gz", archive({name: (partner.chance.choice(list(FORMS)), rows) for name, rows in feeds.items()})


def _cut(share: float, packed: tuple[str, bytes]) -> tuple[str, bytes]:
    extension, content = packed
    return extension, content[: max(20, int(len(content) * (0.2 + 0.7 * share)))]


def _new(catalog: Catalog) -> str:
    catalog.made += 1
    one = f"{catalog.key[-4:]}-{catalog.made}"
    catalog.items[one] = 0
    if catalog.made % 3 == 0:
        catalog.variations[f"{one}-v"] = one
    return one


def _forget(catalog: Catalog, item: str) -> None:
    del catalog.items[item]
    for one in [one for one, owner in catalog.variations.items() if owner == item]:
        del catalog.variations[one]


def _item(catalog: Catalog, one: str) -> Record:
    version = catalog.items.get(one, 0)
    group = catalog.groups[len(one) * 7 % len(catalog.groups)] if catalog.groups else "all"
    return {
        "id": one,
        "item_name": f"Item {one} revision {version}",
        "url": f"https://shop.example/p/{one}",
        "group_ids": [group],
        "metadata:price": f"{version}.25",
        "facet:Color": ["red", "blue"] if version % 2 else ["green"],
    }


def _variation(catalog: Catalog, one: str) -> Record:
    owner = catalog.variations[one]
    return {"id": one, "item_id": owner, "item_name": f"Variation {one}", "metadata:size": str(len(one))}


def _group(one: str) -> Record:
    return {"id": one, "name": f"Group {one}", "parent_ids": [] if one == "all" else ["all"]}
