"""Keys that say how files are named and written, and what columns they have."""

from __future__ import annotations

from feedengine.profile import kinds
from feedengine.profile.keys.key import ENCODINGS, NOTHING, Key, one_of
from feedengine.settings import kinds as common
from feedengine.settings.setting import REQUIRED

PROFILE = (
    Key("name", kinds.name, REQUIRED, "name", "the profile's name, as lists and reports show it", '"acme"'),
    Key("about", common.text, "", "text", "one line about it", '"ACME\'s nightly files"'),
    Key(
        "extends",
        kinds.optional(kinds.some_text),
        None,
        "name or path",
        "another profile: what is written here is laid over it, table by table",
        '"wizcommerce"',
    ),
    Key(
        "version",
        kinds.some_text,
        "1",
        "text",
        "version of the templates that `feedengine template` writes",
        '"2026-11"',
    ),
    Key("naming", kinds.table, NOTHING, "table", "how files are named and placed: see [naming]"),
    Key("format", kinds.table, NOTHING, "table", "how files are written, for all entities: see [format]"),
    Key(
        "fields",
        kinds.table,
        NOTHING,
        "table",
        "keys of fields that hold for every field which does not say otherwise",
        '{ normal = ["trim"], point = "," }',
    ),
    Key("columns", kinds.table, NOTHING, "table", "what columns files may have, for all entities: see [columns]"),
    Key(
        "lists",
        kinds.table,
        NOTHING,
        "tables",
        "closed lists of words that fields name with `listed`: see [lists.NAME]",
    ),
    Key(
        "settings",
        kinds.table,
        NOTHING,
        "table",
        "settings of the catalog that this profile sets, where the settings file does not",
        '{ rules = { max_rejected = "10%" } }',
    ),
    Key(
        "entities",
        kinds.table,
        REQUIRED,
        "tables",
        "the entities, in the order in which they are listed and stored: see [entities.NAME]",
    ),
    Key(
        "exports",
        kinds.table,
        NOTHING,
        "tables",
        "records that are sent as they are created or confirmed: see [exports.NAME]",
    ),
)

NAMING = (
    Key(
        "grammar",
        common.choice("fields", "constructor"),
        "fields",
        one_of("fields", "constructor"),
        "read names by `form`, or as Constructor's feeds, whose sections may hold the separator",
    ),
    Key(
        "form",
        kinds.some_text,
        "{entity}_{date:YYYYMMDD}[_{seq}].{ext}",
        "text",
        "how a file is called: text, `{fields}`, and `[parts]` that may be missing",
        '"{entity}_{date:DD_MM_YYYY}[_{seq}].{ext}"',
    ),
    Key("extensions", kinds.one_or_more, ("csv",), "texts", "what `{ext}` may be", '["csv", "csv.gz", "xlsx"]'),
    Key(
        "case",
        common.choice("exact", "any"),
        "exact",
        one_of("exact", "any"),
        "whether upper and lower case of names count",
        '"any"',
    ),
)

FORMAT = (
    Key("encoding", common.choice(*ENCODINGS), "utf-8", one_of(*ENCODINGS), "how characters are written", '"cp1252"'),
    Key(
        "delimiter",
        kinds.optional(kinds.character),
        None,
        "character",
        "what separates columns; found where it is not said",
        '";"',
    ),
    Key(
        "xml",
        kinds.optional(kinds.table),
        None,
        "table",
        "XML: `record` is the path of a record's element",
        '{ record = "catalog/product" }',
    ),
    Key(
        "fixed",
        kinds.optional(kinds.table),
        None,
        "table",
        "lines of fixed width: `records`, `ignore`, `trailer`",
        '{ records = [{ fields = [{ name = "id", start = 1, length = 10 }] }] }',
    ),
    Key(
        "sheet",
        kinds.optional(kinds.table),
        None,
        "table",
        "which sheet of a workbook, and the row of its header",
        '{ name = "Products", header_row = 1 }',
    ),
)

XML = (
    Key("record", kinds.some_text, REQUIRED, "text", "path of the element that holds a record", '"catalog/product"'),
)

FIXED = (
    Key("records", kinds.tables, REQUIRED, "tables", "kinds of lines that hold records: see below"),
    Key("ignore", kinds.texts, (), "texts", "lines that begin with one of these are left out", '["H"]'),
    Key(
        "trailer",
        kinds.optional(kinds.table),
        None,
        "table",
        "the line that says how many records there are: `tag`, `start`, `length`",
        '{ tag = { at = 1, text = "T" }, start = 2, length = 8 }',
    ),
)

FIXED_RECORD = (
    Key(
        "tag",
        kinds.optional(kinds.table),
        None,
        "table",
        "what marks such a line: `at` (first position is 1) and `text`",
        '{ at = 1, text = "D" }',
    ),
    Key(
        "fields",
        kinds.tables,
        REQUIRED,
        "tables",
        "its columns: `name`, `start` (from 1), `length`, in characters",
        '[{ name = "id", start = 2, length = 10 }]',
    ),
)

FIXED_FIELD = (
    Key("name", kinds.some_text, REQUIRED, "text", "the column's name", '"id"'),
    Key("start", common.whole(1), REQUIRED, "number", "position of its first character, from 1", "2"),
    Key("length", common.whole(1), REQUIRED, "number", "how many characters", "10"),
)

TAG = (
    Key("at", common.whole(1), 1, "number", "position of its first character, from 1", "1"),
    Key("text", kinds.some_text, REQUIRED, "text", "what stands there", '"D"'),
)

TRAILER = (
    Key("tag", kinds.table, REQUIRED, "table", "what marks the line", '{ at = 1, text = "T" }'),
    Key("start", common.whole(1), REQUIRED, "number", "position of the count, from 1", "2"),
    Key("length", common.whole(1), REQUIRED, "number", "how many characters it has", "8"),
)

SHEET = (
    Key(
        "name",
        kinds.optional(kinds.some_text),
        None,
        "text",
        "the sheet's name; the first one where it is not said",
        '"Products"',
    ),
    Key("header_row", common.whole(1, 1000), 1, "number", "the row that holds the columns' names, from 1", "3"),
)

COLUMNS = (
    Key(
        "order",
        common.choice("by_name", "strict"),
        "by_name",
        one_of("by_name", "strict"),
        "`by_name`: in any order; `strict`: exactly the declared columns in their order, else TEMPLATE_MISMATCH",
        '"strict"',
    ),
    Key(
        "unknown",
        common.choice("warn", "keep", "fail"),
        "warn",
        one_of("warn", "keep", "fail"),
        "a column that is not declared: left out with a warning, kept as `metadata:NAME`, or the file fails",
        '"keep"',
    ),
    Key("required", kinds.texts, (), "fields", "fields without whose column the file fails", '["sku_id"]'),
    Key(
        "loose",
        common.flag,
        False,
        "true | false",
        "column names are compared without case, blanks, `_` and `-`",
        "true",
    ),
)
