"""The three entities as the vendor publishes them: fields, types, limits, relations."""

from __future__ import annotations

from dataclasses import dataclass, field

TEXT, LIST, FLAG, INTEGER, JSON = "text", "list", "flag", "integer", "json"


@dataclass(frozen=True)
class Field:
    """One declared field: its CSV name, its name and place in nested JSON, its type and its limits."""

    name: str
    json: str
    place: str
    kind: str = TEXT
    aliases: tuple[str, ...] = ()
    required: bool = False
    max_chars: int | None = None
    warn_chars: int | None = None
    alphanumeric: bool = False
    range: tuple[int, int] | None = None


@dataclass(frozen=True)
class Entity:
    """One entity: declared fields (the key first) and relations."""

    name: str
    fields: tuple[Field, ...]
    facets: bool = True
    shared: bool = False
    owner: str | None = None
    refers: str | None = None
    parents: str | None = None
    active: str | None = None
    max_data: int = 200_000
    max_average: int = 30_000
    size_class: str = "items"
    by_name: dict[str, Field] = field(default_factory=dict, hash=False, compare=False)

    def __post_init__(self) -> None:
        """Index the fields by name."""
        self.by_name.update({one.name: one for one in self.fields})


def _common() -> tuple[Field, ...]:
    return (
        Field("url", "url", "data"),
        Field("image_url", "image_url", "data"),
        Field("description", "description", "data", max_chars=4000, warn_chars=1000),
        Field("group_ids", "group_ids", "data", LIST),
        Field("keywords", "keywords", "data", LIST, max_chars=1000),
        Field("active", "active", "data", FLAG),
        Field("suggested_score", "suggested_score", "top", INTEGER, range=(-1, 500_000_000)),
    )


_ID = Field("id", "id", "top", required=True, max_chars=250)

ITEMS = Entity(
    "items",
    (
        _ID,
        Field("item_name", "name", "top", aliases=("name",), required=True, max_chars=250, alphanumeric=True),
        *_common(),
    ),
    refers="group_ids",
    active="active",
)
VARIATIONS = Entity(
    "variations",
    (
        Field("id", "id", "top", aliases=("variation_id",), required=True, max_chars=250),
        Field("item_id", "item_id", "top", required=True, max_chars=250),
        Field("item_name", "name", "top", aliases=("name",), max_chars=250, alphanumeric=True),
        *_common(),
    ),
    owner="item_id",
    refers="group_ids",
    active="active",
)
GROUPS = Entity(
    "item_groups",
    (_ID, Field("name", "name", "top", required=True, max_chars=500), Field("parent_ids", "parent_ids", "top", LIST)),
    facets=False,
    shared=True,
    parents="parent_ids",
    max_data=5_000,
    max_average=1_000,
    size_class="item_groups",
)
ENTITIES = {one.name: one for one in (ITEMS, VARIATIONS, GROUPS)}
OPERATIONS = ("sync", "delta", "patchdelta", "patchdeltacreate", "patchdeltaignore", "delete", "whitelist")
PATCHES = ("patchdelta", "patchdeltacreate", "patchdeltaignore")
ID_ONLY = ("delete", "whitelist")


def kind_of(entity: Entity, name: str) -> str:
    """Plain type of a field by its canonical name (``metadata:x`` text, ``facet:x`` list)."""
    if name in entity.by_name:
        return entity.by_name[name].kind
    return LIST if name.startswith("facet:") else TEXT
