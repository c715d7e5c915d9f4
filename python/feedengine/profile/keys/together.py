"""Keys of what the records of an entity must be together: windows that do not overlap, steps that lead in no circle."""

from __future__ import annotations

from feedengine.profile import kinds
from feedengine.profile.keys.key import Key, one_of
from feedengine.settings import kinds as common
from feedengine.settings.setting import REQUIRED

NO_OVERLAP = (
    Key("group", kinds.texts, (), "fields", "what tells groups apart; without any, all records are one", '["sku"]'),
    Key("from", kinds.name, REQUIRED, "field", "the window's first date or number; empty: open", '"valid_from"'),
    Key("to", kinds.name, REQUIRED, "field", "its last one; empty: open", '"valid_to"'),
    Key(
        "end",
        common.choice("included", "excluded"),
        "included",
        one_of("included", "excluded"),
        "whether the last one belongs to the window, or is the first one behind it",
        '"excluded"',
    ),
    Key(
        "policy",
        common.choice(*kinds.POLICIES),
        "reject",
        one_of(*kinds.POLICIES),
        "what becomes of rows whose windows overlap with others, of the file or stored",
        '"fail"',
    ),
)
NO_CYCLE = (
    Key("from", kinds.name, REQUIRED, "field", "where a step begins", '"bundle_sku"'),
    Key("to", kinds.name, REQUIRED, "field", "where it leads; of a list each item is a step", '"component_sku"'),
)
