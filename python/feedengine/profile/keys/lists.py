"""Keys of closed lists: where the words of a list come from, and what a word beside them is."""

from __future__ import annotations

from feedengine.profile import kinds
from feedengine.profile.keys.key import Key
from feedengine.settings import kinds as common

LIST = (
    Key("about", common.text, "", "text", "one line about it", '"price lists that customers are on"'),
    Key("words", kinds.texts, (), "texts", "its words, exactly as they stand in files", '["Retail", "Wholesale"]'),
    Key(
        "file",
        kinds.optional(kinds.some_text),
        None,
        "path",
        "a file of words, one on a line, in UTF-8; relative to the profile",
        '"pricelists.txt"',
    ),
    Key(
        "entity",
        kinds.optional(kinds.name),
        None,
        "entity",
        "the words are what the records of this entity have in `field`",
        '"pricelists"',
    ),
    Key(
        "field",
        kinds.optional(kinds.name),
        None,
        "field",
        "with `entity`: that field",
        '"name"',
    ),
    Key(
        "code",
        kinds.some_text,
        "UNKNOWN_REFERENCE",
        "code",
        "the code of a word that is not in the list: UNKNOWN_REFERENCE, UNKNOWN_PRICELIST, UNKNOWN_SALES_REP, ...",
        '"UNKNOWN_PRICELIST"',
    ),
)
