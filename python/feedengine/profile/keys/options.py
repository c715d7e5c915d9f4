"""Keys of options and their values: which records declare them, list what is allowed, choose."""

from __future__ import annotations

from feedengine.profile import kinds
from feedengine.profile.keys.key import Key, one_of
from feedengine.settings import kinds as common
from feedengine.settings.setting import REQUIRED

_PRODUCT = Key("product", kinds.name, REQUIRED, "field", "the field that names the product", '"sku"')
_OPTION = Key("option", kinds.optional(kinds.name), None, "field", "the field that names an option", '"option"')
_OPTIONS = Key(
    "options",
    kinds.names_or_pairs,
    (),
    "fields, or table",
    "in place of `option` and `value`: fields of which each is an option; in a table with what the option is called",
    '["colour", "size"]',
)


def _policy(about: str) -> Key:
    return Key("policy", common.choice(*kinds.POLICIES), "reject", one_of(*kinds.POLICIES), about, '"fail"')


DECLARES = (
    _PRODUCT,
    _OPTION,
    Key(
        "value",
        kinds.optional(kinds.name),
        None,
        "field",
        "the field that names a value of it; of a list each item",
        '"values"',
    ),
    _OPTIONS,
)
_VALUE = Key("value", kinds.optional(kinds.name), None, "field", "the field that names a value of it", '"value"')
MATRIX = (
    Key("of", kinds.name, REQUIRED, "entity", "the entity whose `declares` says what there is", '"products"'),
    _PRODUCT,
    _OPTION,
    _VALUE,
    _OPTIONS,
    Key(
        "allowed",
        kinds.optional(kinds.name),
        None,
        "field",
        "the boolean field whose false forbids what the row names; empty: allowed",
        '"allowed"',
    ),
    Key(
        "closed",
        common.flag,
        False,
        "true | false",
        "all that a product declares has its row, with `options` each combination; else OPTION_MATRIX_INCOMPLETE",
        "true",
    ),
    _policy("what becomes of rows that name what the product does not declare"),
)
CHOOSES = (
    Key("of", kinds.name, REQUIRED, "entity", "the entity with the matrix", '"options"'),
    _PRODUCT,
    _OPTION,
    _VALUE,
    _OPTIONS,
    _policy("what becomes of rows that choose what is not declared, or forbidden"),
)
