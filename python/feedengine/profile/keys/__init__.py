"""Every key of a profile, a row each: kind, default, meaning, example. docs/profiles.md is made of them."""

from feedengine.profile.keys.entity import ENTITY, PATH, REFERENCE
from feedengine.profile.keys.export import EXPORT, EXPORT_FILE
from feedengine.profile.keys.field import FIELD
from feedengine.profile.keys.files import (
    COLUMNS,
    FIXED,
    FIXED_FIELD,
    FIXED_RECORD,
    FORMAT,
    NAMING,
    PROFILE,
    SHEET,
    TAG,
    TRAILER,
    XML,
)
from feedengine.profile.keys.key import Key
from feedengine.profile.keys.lists import LIST
from feedengine.profile.keys.options import CHOOSES, DECLARES, MATRIX
from feedengine.profile.keys.together import NO_CYCLE, NO_OVERLAP

#: Every table that a profile may have, in the order of the documentation.
TABLES: tuple[tuple[str, tuple[Key, ...]], ...] = (
    ("the top of the file", PROFILE),
    ("[naming]", NAMING),
    ("[format]", FORMAT),
    ("[format.xml]", XML),
    ("[format.fixed]", FIXED),
    ("[[format.fixed.records]]", FIXED_RECORD),
    ("[[format.fixed.records.fields]]", FIXED_FIELD),
    ("[format.fixed.trailer]", TRAILER),
    ("[format.fixed.trailer.tag] and [format.fixed.records.tag]", TAG),
    ("[format.sheet]", SHEET),
    ("[columns]", COLUMNS),
    ("[lists.NAME]", LIST),
    ("[entities.NAME]", ENTITY),
    ("[[entities.NAME.references]]", REFERENCE),
    ("[[entities.NAME.no_overlap]]", NO_OVERLAP),
    ("[[entities.NAME.no_cycle]]", NO_CYCLE),
    ("[entities.NAME.declares]", DECLARES),
    ("[entities.NAME.matrix]", MATRIX),
    ("[entities.NAME.chooses]", CHOOSES),
    ("[entities.NAME.path]", PATH),
    ("[entities.NAME.fields.FIELD]", FIELD),
    ("[exports.NAME]", EXPORT),
    ("[[exports.NAME.files]]", EXPORT_FILE),
)

__all__ = [
    "CHOOSES",
    "COLUMNS",
    "DECLARES",
    "ENTITY",
    "EXPORT",
    "EXPORT_FILE",
    "FIELD",
    "FIXED",
    "FIXED_FIELD",
    "FIXED_RECORD",
    "FORMAT",
    "LIST",
    "MATRIX",
    "NAMING",
    "NO_CYCLE",
    "NO_OVERLAP",
    "PATH",
    "PROFILE",
    "REFERENCE",
    "SHEET",
    "TABLES",
    "TAG",
    "TRAILER",
    "XML",
    "Key",
]
