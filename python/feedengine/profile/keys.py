"""Every key of a profile, a row each: kind, default, meaning, example. docs/profiles.md is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feedengine.profile import kinds
from feedengine.settings import kinds as common
from feedengine.settings.kinds import Kind
from feedengine.settings.setting import REQUIRED

TYPES = (*("text", "integer", "decimal", "boolean", "date", "uuid", "enum", "list", "url", "gtin", "json"),)
STEPS = ("trim", "squeeze", "nfc", "upper", "lower", "gtin_pad", "strip_html")
ENCODINGS = ("utf-8", "latin-1", "cp1252", "utf-16", "utf-16le", "utf-16be")
OPERATIONS = ("sync", "delta", "patchdelta", "patchdeltacreate", "patchdeltaignore", "delete", "whitelist")
MISSING = ("reject", "park", "warn", "fail")


@dataclass(frozen=True)
class Key:
    """One key. `kind` reads its value, `shows` is the kind in words, `example` a line of TOML without the name."""

    name: str
    kind: Kind
    default: Any
    shows: str
    about: str
    example: str = ""


def _one(*allowed: str) -> str:
    return " | ".join(allowed)


_TABLE: dict[str, Any] = {}

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
    Key("naming", kinds.table, _TABLE, "table", "how files are named and placed: see [naming]"),
    Key("format", kinds.table, _TABLE, "table", "how files are written, for all entities: see [format]"),
    Key(
        "fields",
        kinds.table,
        _TABLE,
        "table",
        "keys of fields that hold for every field which does not say otherwise",
        '{ normal = ["trim"], point = "," }',
    ),
    Key("columns", kinds.table, _TABLE, "table", "what columns files may have, for all entities: see [columns]"),
    Key(
        "settings",
        kinds.table,
        _TABLE,
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
)

NAMING = (
    Key(
        "grammar",
        common.choice("fields", "constructor"),
        "fields",
        _one("fields", "constructor"),
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
        _one("exact", "any"),
        "whether upper and lower case of names count",
        '"any"',
    ),
)

FORMAT = (
    Key("encoding", common.choice(*ENCODINGS), "utf-8", _one(*ENCODINGS), "how characters are written", '"cp1252"'),
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
        _one("by_name", "strict"),
        "`by_name`: in any order; `strict`: exactly the declared columns in their order, else TEMPLATE_MISMATCH",
        '"strict"',
    ),
    Key(
        "unknown",
        common.choice("warn", "keep", "fail"),
        "warn",
        _one("warn", "keep", "fail"),
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

ENTITY = (
    Key("about", common.text, "", "text", "one line about it", '"one row per product"'),
    Key("enabled", common.flag, True, "true | false", "false: files for it fail as ENTITY_DISABLED", "false"),
    Key(
        "file",
        kinds.optional(kinds.one_or_more),
        None,
        "text or texts",
        "what `{entity}` in a file's name may be, the first one in templates; the entity's name where it is not said",
        '["PRODUCT", "PRODUCTS"]',
    ),
    Key(
        "folder",
        kinds.optional(kinds.some_text),
        None,
        "text",
        "the folder its files are put in; name and folder must agree, else WRONG_FOLDER",
        '"Products"',
    ),
    Key(
        "operation",
        common.choice(*OPERATIONS),
        "sync",
        _one(*OPERATIONS),
        "what a file does, where its name does not say",
        '"patchdeltacreate"',
    ),
    Key("format", kinds.table, _TABLE, "table", "keys of [format] for this entity alone", '{ delimiter = "|" }'),
    Key("columns", kinds.table, _TABLE, "table", "keys of [columns] for this entity alone", '{ unknown = "fail" }'),
    Key(
        "fields",
        kinds.table,
        REQUIRED,
        "tables",
        "its fields; the first one is the key: see [entities.NAME.fields.FIELD]",
    ),
    Key(
        "identity",
        kinds.identifiers,
        (),
        "texts",
        "how a row finds its record, in order of priority, `~` before a weak one; the engine makes the key",
        '["system_id", "reference_id", "~company_name"]',
    ),
    Key(
        "references",
        kinds.tables,
        (),
        "tables",
        "records of other entities that a row names: see [[entities.NAME.references]]",
    ),
    Key("path", kinds.optional(kinds.table), None, "table", "the entity is a tree by path: see [entities.NAME.path]"),
    Key(
        "parents",
        kinds.optional(kinds.name),
        None,
        "field",
        "the entity is a tree by ids: the list field that names parents",
        '"parent_ids"',
    ),
    Key(
        "belongs_to",
        kinds.pairs,
        (),
        "table",
        "one field and the entity of the record that owns this one, and takes it along when it goes",
        '{ item_id = "items" }',
    ),
    Key(
        "mentions",
        kinds.pairs,
        (),
        "table",
        "one list field and the entity that it names: unknown ones are a warning",
        '{ group_ids = "item_groups" }',
    ),
    Key(
        "active",
        kinds.optional(kinds.name),
        None,
        "field",
        "boolean field whose false counts as a removal for the safeguard",
        '"active"',
    ),
    Key("shared", common.flag, False, "true | false", "shared by all sections of a key, not owned by one", "true"),
    Key(
        "open",
        kinds.words("metadata", "facets"),
        (),
        "texts",
        "columns `metadata:NAME` and `facet:NAME` need no declaration",
        '["metadata"]',
    ),
    Key("max_data", common.size(1), 200_000, "size", "largest record, as JSON", '"1MB"'),
    Key("max_average", common.size(1), 30_000, "size", "largest average of all records", '"100KB"'),
    Key(
        "size_class",
        kinds.optional(kinds.name),
        None,
        "name",
        "entities of one class share one average; the entity's name where it is not said",
        '"items"',
    ),
    Key(
        "owner",
        kinds.optional(kinds.name),
        None,
        "field",
        "field that says who has to mend a row: problems and reports are split by it",
        '"sales_rep"',
    ),
    Key("cadence", kinds.optional(common.duration(60)), None, "time", "how often a file is expected", '"30m"'),
    Key(
        "after",
        kinds.texts,
        (),
        "entities",
        "entities whose files are taken first, besides those that it refers to",
        '["products"]',
    ),
    Key(
        "park_for",
        kinds.optional(common.duration(60)),
        None,
        "time",
        "how long parked rows wait for their record; 48 hours where it is not said",
        '"7d"',
    ),
)

FIELD = (
    Key(
        "type",
        common.choice(*TYPES),
        "text",
        _one(*TYPES),
        "what its values are; a text in place of the table says the type alone",
        '"decimal"',
    ),
    Key("about", common.text, "", "text", "one line about it, for templates", '"price without tax"'),
    Key("example", kinds.optional(common.text), None, "text", "an example, for templates", '"19.99"'),
    Key(
        "column",
        kinds.optional(kinds.some_text),
        None,
        "text",
        "what the sender calls the column; the field's name where it is not said",
        '"Art.-Nr."',
    ),
    Key("aliases", kinds.texts, (), "texts", "other names of the column", '["SKU", "Item no."]'),
    Key(
        "required",
        common.flag,
        False,
        "true | false",
        "a whole or new record needs it, and no patch may take it away",
        "true",
    ),
    Key(
        "required_when",
        kinds.lists,
        (),
        "table",
        "required where another field has one of these values; an empty list: any value",
        '{ backorder = ["true"] }',
    ),
    Key("unique", common.flag, False, "true | false", "no two records may share a value", "true"),
    Key(
        "normal",
        kinds.words(*STEPS),
        (),
        "texts",
        f"what is done to a value first: {', '.join(STEPS)}",
        '["trim", "nfc"]',
    ),
    Key(
        "separator",
        kinds.optional(kinds.some_text),
        None,
        "text",
        "list: what stands between items; `|` where it is not said",
        '","',
    ),
    Key(
        "items",
        common.choice("text", "url", "uuid", "gtin", "date", "enum"),
        "text",
        _one("text", "url", "uuid", "gtin", "date", "enum"),
        "list: what each item is",
        '"url"',
    ),
    Key("words", kinds.texts, (), "texts", "enum: the values that are allowed", '["new", "used"]'),
    Key("map", kinds.pairs, (), "table", "the sender's words and ours", '{ neu = "new", alt = "used" }'),
    Key("yes", kinds.texts, (), "texts", "boolean: words that mean true", '["Y", "J"]'),
    Key("no", kinds.texts, (), "texts", "boolean: words that mean false", '["N"]'),
    Key("point", kinds.character, ".", "character", "decimal: what stands before the fraction", '","'),
    Key(
        "group",
        kinds.optional(kinds.character),
        None,
        "character",
        "decimal, integer: what may stand between groups of digits",
        '"."',
    ),
    Key("scale", kinds.optional(common.whole(0, 38)), None, "number", "decimal: most digits behind the point", "2"),
    Key(
        "currency",
        kinds.texts,
        (),
        "texts",
        "signs and codes that are taken off an amount; another currency is a fault",
        '["EUR", "€"]',
    ),
    Key(
        "unit",
        kinds.numbers,
        (),
        "table",
        "units that are taken off a number, with the factor into ours",
        "{ kg = 1, g = 0.001 }",
    ),
    Key(
        "forms",
        kinds.one_or_more,
        ("YYYY-MM-DD",),
        "text or texts",
        "date: forms that are tried in order, of D, M, Y and separators",
        '"DD.MM.YYYY"',
    ),
    Key("min", kinds.optional(kinds.decimal), None, "number", "smallest number", "0"),
    Key("max", kinds.optional(kinds.decimal), None, "number", "largest number", "99999.99"),
    Key("min_length", kinds.optional(common.whole(1)), None, "number", "least characters", "3"),
    Key("max_length", kinds.optional(common.whole(1)), None, "number", "most characters", "250"),
    Key("warn_length", kinds.optional(common.whole(1)), None, "number", "more characters are a warning", "1000"),
    Key("letters", common.flag, False, "true | false", "at least one letter or digit", "true"),
    Key(
        "pattern",
        kinds.optional(kinds.some_text),
        None,
        "regex",
        "a regular expression that the whole value matches",
        '"[A-Z]{2}-[0-9]+"',
    ),
    Key("at_most", kinds.optional(kinds.name), None, "field", "a number not above this field's", '"stock"'),
    Key(
        "multiple_of", kinds.optional(kinds.name), None, "field", "a number that is a multiple of this field's", '"ioq"'
    ),
    Key(
        "policy",
        kinds.policy,
        (),
        "policy",
        f"reject (the row), fail (the file) or warn; for all faults of the field, or by rule: {', '.join(kinds.RULES)}",
        '{ length = "warn" }',
    ),
    Key(
        "json",
        kinds.optional(kinds.some_text),
        None,
        "text",
        "its name in JSON; the field's name where it is not said",
        '"name"',
    ),
    Key(
        "place",
        common.choice("top", "data"),
        "top",
        _one("top", "data"),
        "where it stands in JSON: in the record, or in its `data`",
        '"data"',
    ),
    Key(
        "repeat",
        kinds.optional(common.whole(1, 100)),
        None,
        "number",
        "the `fields` of this table so many times, as NAME_1, NAME_2, ...; `{n}` in column names is the number",
        "5",
    ),
    Key("fields", kinds.table, _TABLE, "tables", "the fields that repeat", '{ pricelist = "text", price = "decimal" }'),
)

REFERENCE = (
    Key("entity", kinds.name, REQUIRED, "entity", "the other entity, or this one", '"customers"'),
    Key(
        "by",
        kinds.pairs,
        REQUIRED,
        "table",
        "fields of this row and of the other entity, the first one with a value counts; each item of a list is one",
        '{ customer_id = "reference_id" }',
    ),
    Key(
        "missing",
        common.choice(*MISSING),
        "reject",
        _one(*MISSING),
        "what becomes of a row whose record is not there",
        '"park"',
    ),
    Key(
        "code",
        kinds.some_text,
        "UNKNOWN_REFERENCE",
        "code",
        "the fault's code: UNKNOWN_REFERENCE, UNKNOWN_SKU, UNKNOWN_CUSTOMER, ...",
        '"UNKNOWN_SKU"',
    ),
    Key("required", common.flag, False, "true | false", "whether a row that names none is a fault", "true"),
)

PATH = (
    Key(
        "field",
        kinds.name,
        REQUIRED,
        "field",
        "the field that holds the whole way, the record's own name last",
        '"path"',
    ),
    Key("separator", kinds.some_text, ">", "text", "what stands between two steps", '"/"'),
    Key(
        "escape",
        kinds.optional(kinds.character),
        None,
        "character",
        "what makes the character behind it plain",
        '"\\\\"',
    ),
    Key(
        "missing",
        common.choice(*MISSING),
        "reject",
        _one(*MISSING),
        "a row whose parent is neither stored nor in the file",
        '"park"',
    ),
)
