"""Keys of `[exports.NAME]` and of its files."""

from __future__ import annotations

from feedengine.profile import kinds
from feedengine.profile.keys.key import Key
from feedengine.settings import kinds as common
from feedengine.settings.setting import REQUIRED

EXPORT = (
    Key("about", common.text, "", "text", "one line about it", '"confirmed orders"'),
    Key("entity", kinds.name, REQUIRED, "entity", "whose records are sent; their ids must be UUIDs", '"orders"'),
    Key(
        "when",
        kinds.lists,
        (),
        "table",
        "fields that must have one of these values; a record is sent once, when they first have",
        '{ status = ["confirmed"] }',
    ),
    Key(
        "folder",
        kinds.some_text,
        REQUIRED,
        "text",
        "the folder of a record's files, `{uuid}` is the record's id",
        '"Orders/order_{uuid}"',
    ),
    Key("files", kinds.tables, REQUIRED, "tables", "the files in it: see [[exports.NAME.files]]"),
)

EXPORT_FILE = (
    Key("name", kinds.some_text, REQUIRED, "text", "the file's name; CSV in UTF-8", '"order_data_{uuid}.csv"'),
    Key(
        "columns",
        kinds.texts,
        (),
        "fields",
        "its columns, in this order; all fields where it is not said",
        '["sku_id"]',
    ),
    Key(
        "entity",
        kinds.optional(kinds.name),
        None,
        "entity",
        "another entity, whose records that refer to this one are the rows; the record itself where it is not said",
        '"order_items"',
    ),
    Key("wait", common.flag, False, "true | false", "send nothing of the record before there is such a row", "true"),
)
