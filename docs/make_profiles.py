"""Write docs/profiles.md from the keys of profiles themselves: `python docs/make_profiles.py`."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parent
EXAMPLE = DOCS / "examples" / "nordlicht.toml"

INTRODUCTION = """\
# Profiles

A profile says what a partner's feed is: how its files are named, placed and written, which entities there are, how
a row finds its record, what values must be, and what becomes of those that are not. It is a TOML file. Two ship with
the engine: `constructor` (the default) and `wizcommerce`. Your own is used by a catalog through the settings:

    [catalogs."acme/main"]
    profile = "acme.toml"           # a file, relative to the settings file, or a name

    feedengine profile list                      # those that ship, and those that the settings name
    feedengine profile infer SAMPLE --out acme.toml   # a draft from a file; what it could not see stands in comments
    feedengine profile check acme.toml           # every key, name, rule and reference
    feedengine profile show acme.toml --entity products
    feedengine template products --profile acme.toml --out products.xlsx   # what the partner fills in

Profiles are strict: a key that is not in the tables below is an error that names file, key and the nearest key that
there is. Nothing is started with a profile that is wrong.

## An example

A supplier sends semicolon CSV in cp1252 with decimal commas, categories as paths, and prices in a second file. This is
all that has to be written (`docs/examples/nordlicht.toml`, which runs in the tests):

```toml
{example}```

`docs/examples/configurator.toml` is another: options, prices, attributes, assortments, promotions and bundles beside
products; `docs/examples/options.toml` has option matrices.

## How a row is treated

1. The file's name gives entity, date and number; the name and the folder must agree.
2. The row is read in the declared format. Columns are found by the field's name, its `column` and its `aliases`.
3. Each value is brought into its normal form: a list is split, then the steps of `normal` in their order, then `map`,
   `currency`, `unit`, number, date and boolean by the type. Leading zeros are never lost: ids are text.
4. Each value is checked; all faults of a row are reported together. `policy` says what becomes of the row: `reject`
   leaves it out and reports it while all others go on, `fail` refuses the whole file, `warn` applies it.
   Where many rows are rejected, `rules.max_rejected` refuses the file.
5. The record that it means is found: by the key, or by `identity`. A record that it names is found by `references`.
   A row of a `patchdelta` file whose record is not there is rejected (`UNKNOWN_RECORD`), where bad rows are; otherwise
   it fails the file.
6. What remains is planned, guarded and committed as one snapshot, as for any feed.

A profile sets `rules.rows = "reject"` unless it says otherwise; a setting in the settings file wins over the profile.

## Names of files

`form` is text with fields in braces, and parts in square brackets that may be missing:

| field | what it is |
|---|---|
| `{entity}` | one of the words in the entity's `file` |
| `{date:FORM}` | a real date in a form of `DD`, `MM`, `YYYY` or `YY` and separators; else `YYYYMMDD` |
| `{time:FORM}` | a time of day as `HHMMSS`, `HH_MM`, ... |
| `{seq}` | a number that tells several files of a day apart |
| `{operation}`, `{force}` | what the file does, and the word `force`, where names say so |
| `{text}` | anything: the sender's own name, a branch, ... |
| `{ext}` | one of `extensions`; every form ends with it |

`{entity}_{date:DD_MM_YYYY}[_{seq}].{ext}` takes `PRODUCT_18_09_2024.csv` and `PRODUCT_18_09_2024_2.csv`. A file whose
name does not fit is not applied and is reported with its reason (`NAME_DATE`: `"31_02_2024" is no date: February 2024
has 29 days`); one in another entity's folder is `WRONG_FOLDER`; one for an entity that is disabled is
`ENTITY_DISABLED`.

## A profile over another

`extends` names a profile that this one is laid over, table by table: what is written here replaces what is there, new
fields come behind the others. So an account that takes WizCommerce's files without orders, with columns in the
template's order, and customers whose sales reps and price lists are out of closed lists, is

```toml
name = "acme"
extends = "wizcommerce"
[columns]
order = "strict"
[entities.orders]
enabled = false
[lists.sales_reps]
words = ["Dana", "Robin"]
[lists.pricelists]
words = ["Retail", "Wholesale"]
```

A closed list has its words in the profile, in a `file` beside it (one on a line), or they are what the records of an
`entity` have in a `field`. A row with another word is rejected under the list's code (`UNKNOWN_PRICELIST`,
`UNKNOWN_SALES_REP`), or what its field's `policy` for `listed` says. A list without any of them, as WizCommerce's two
are until an account says what they hold, is not known: nothing is checked against it, and `feedengine profile show`
says so.

## Keys of several columns

Where it takes several columns to tell records apart, as sku, price book, currency and quantity break do prices,
`key_of` names them, and the first field, a text, is the key that the engine makes of them: their values with `|`
between them, `\\` before a `|` or `\\` of their own. The columns stay columns, in the snapshot and for rules and
references. Files need not have the key's column; a row that has it and says otherwise is a `BAD_PATTERN`. Files of
ids give the key or its columns. A number is a part of the key as it was written: `1` and `1.0` are two keys, unless
the field is an integer.

## Windows and circles

`no_overlap` says that records of one group, such as the prices of a sku in one currency, hold one after the other:
their windows, from a first to a last date or number, either of them open where it is empty, share no value. It is
looked at as the catalog would be with the whole file: with other rows, with stored records that stay, and with what
a patch leaves as it is. All rows that overlap are rejected (`WINDOW_OVERLAP`; `BAD_WINDOW` where the end is before
the beginning), none is "the first". Where other records hang on a row, by identity, unique fields, a tree or a
reference, the policy must be `fail` or `warn`. What holds on a day, for a quantity, is a query over the records,
here of `docs/examples/configurator.toml`, whose promotions win over normal prices:

```sql
SELECT sku, pricebook, currency, amount
FROM prices
WHERE coalesce(valid_from, '0001-01-01') <= $day AND coalesce(valid_to, '9999-12-31') >= $day
  AND coalesce(from_quantity, 1) <= $quantity
QUALIFY row_number() OVER (
    PARTITION BY sku, pricebook, currency ORDER BY promotion IS NULL, from_quantity DESC NULLS LAST
) = 1
```

`no_cycle` says that steps from one field to another, such as from bundles to their components, never lead back to
where they began, over any number of records: `REFERENCE_CYCLE` fails the file and names the way. That both ends
exist is what `references` say. A circle may lead through any of the steps, so that all are held at once: some 250 bytes
and the names for each. Where that is more than an eighth of the task's memory, the file is refused (`TOO_MANY_STEPS`).
Two numbers of one row are compared by `at_most`: `cost = { at_most = "amount" }` is a guard of margins.

Rows of an entity with one of these rules are always read; unchanged ones are not skipped by their bytes. Where
removals are to be held back (`--hold-removals`), windows of records that would go still count. A feed of such an
entity that the safeguard stops is refused as a whole, even where it is set to hold only the removals: what came in
their place would overlap with what stays.

## Options of products

What of a product can be configured comes in three files, and who reads them says so in three lines
(`docs/examples/options.toml`, which runs in the tests, checks all of them):

    [entities.products]
    declares = { product = "sku", options = ["colour", "size"] }
    [entities.options]
    matrix = { of = "products", product = "sku", option = "option", value = "value", allowed = "allowed" }
    [entities.variations]
    chooses = { of = "options", product = "sku", options = ["colour", "size"] }

Records name options in one of two forms: by a pair of fields, `option` and `value`, or by `options`, fields of which
each is an option (`{ colour = "Colour" }` where files call it otherwise). Where they declare, a list declares each of
its items. Names and values are compared as they are stored, letter by letter; `normal` and `map` make them alike.

* A row of the matrix, or of what chooses, that names what its product does not declare is `OPTION_UNKNOWN`, with the
  column and the value.
* A row of the matrix whose `allowed` is false forbids what it names: one value, or with `options` all of its values
  together; an option that the row leaves empty is any. A row that chooses them is `OPTION_FORBIDDEN`. Records that
  are stored and chose them before stay: the row is told how many there are (`OPTION_IN_USE`, a warning).
* A `closed` matrix has a row for every value that a product declares, allowed or not; with `options`, for every
  combination of what it declares of them, each of which names all of them. Otherwise the file with the matrix fails
  with `OPTION_MATRIX_INCOMPLETE`, which says how many rows a product lacks and the first of them. A `sync` file is
  held to all products, other files to those that they change. A file that declares more is only warned, since what
  it declares must be there before the matrix can name it.

All is looked at as the catalog would be with the whole file or archive: with rows that fall (what is stored stays in
their place), with records that go, with what `--hold-removals` holds back. A file whose rows are right only because
of what goes is refused as a whole where the safeguard would hold the removals. `policy` says what becomes of rows;
where other records hang on them, by identity, unique fields, a tree or a reference, it must be `fail` or `warn`.
Values that a product no longer declares stay in stored rows until their file takes them out; the product's row is told
how many records choose them (`OPTION_IN_USE`).

## What rows may do

`mode` holds rows back, whatever the operation of their file. Which records go stays the operation's own business.

| mode | a row of a record that is there | a row of another record |
|---|---|---|
| `create+enrich` | what the operation does | what the operation does |
| `enrich-only` | what the operation does | is rejected (`ENRICH_ONLY`) where the operation would create the record |
| `fill-empty-only` | gives values to fields that have none; the others stay | what the operation does |

Under `fill-empty-only` an id that differs from the stored one is a `KEY_CONFLICT`: it cannot have been meant. A profile
that `extends` another one lays a mode over it, so that each supplier of a catalog has their own.

## A catalog and its profile

    feedengine apply products/PRODUCT_18_09_2024.csv --catalog acme/main --profile wizcommerce   # the first file
    feedengine apply inventory/INVENTORY_18_09_2024.csv                                          # from then on
    feedengine snapshot export --ids products --out ids.csv                                      # who is who
    feedengine trace SKU-0001 --entity products                  # by its id, or by another identifier it has or had

A key's file remembers its entities and where their profile came from. A feed is read by the profile of `--profile`,
else by the settings' one, else by the remembered one; without options, the name is tried on every catalog, and must
fit one. A profile that changed is taken over with the next commit, as long as what is stored means the same by it:
new entities, fields, rules and names are; an entity, key, kind or place that is gone or another one is
`INCOMPATIBLE_PROFILE`, and nothing changes. Removal limits of single entities are `[safeguard.entities]` (`products =
"20%"`). Two files of entities whose ids the engine makes cannot be compared with each other: `feedengine plan` shows
what a file changes, `feedengine snapshot diff` what it changed.

## The profile `wizcommerce`

WizCommerce's FTP integration, complete: each entity has a folder and a word in file names, which are
`WORD_DD_MM_YYYY` (`PRODUCT_18_09_2024.csv`, a second one of the day `PRODUCT_18_09_2024_2.csv`). System ids are UUIDs
that the engine makes: leave them out of the first import, export them (`feedengine snapshot export --ids`), and send
them when a reference id is to change. Column names are compared without case, blanks, `_` and `-`.

{wizcommerce}
`feedengine template ENTITY --profile wizcommerce` writes the columns of each; `feedengine profile show wizcommerce
--entity ENTITY` explains them. Of products, columns that are not listed are kept as attributes.

## Every key

"""


def text() -> str:
    """The whole document."""
    from feedengine.profile.keys import TABLES
    from feedengine.settings.setting import REQUIRED

    example = EXAMPLE.read_text(encoding="utf-8")
    parts = [INTRODUCTION.replace("{example}", example).replace("{wizcommerce}", _entities("wizcommerce"))]
    for title, keys in TABLES:
        parts.append(f"### {title}\n\n| key | value | default | what it says | example |\n|---|---|---|---|---|\n")
        for key in keys:
            default = "required" if key.default is REQUIRED else _shown(key.default)
            cells = (f"`{key.name}`", _cell(key.shows), default, _cell(key.about), _code(key.example))
            parts.append(f"| {' | '.join(cells)} |\n")
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


def _entities(name: str) -> str:
    """The entities of a profile as a table."""
    from feedengine import profile

    made = profile.load(name)
    rows = ["| entity | file | folder | a row is found by | it names |\n|---|---|---|---|---|\n"]
    for each in made.entities:
        weak = [f"{field} (weak)" if is_weak else field for field, is_weak in each.identity]
        named = []
        for reference in each.spec.get("references", ()):
            by = " or ".join(mine for mine, _ in reference["by"])
            named.append(f"{reference['entity']} by {by}; missing: {reference['missing']}")
        cells = (each.name, f"`{each.words[0]}`", f"`{each.folder}/`", ", ".join(weak) or each.key, "<br>".join(named))
        rows.append(f"| {' | '.join(cells)} |\n")
    return "".join(rows)


def _shown(default: object) -> str:
    if default is None or default in ("", (), {}):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return _code("[" + ", ".join(f'"{each}"' for each in default) + "]")
    return _code(f'"{default}"' if isinstance(default, str) else str(default))


def _code(toml: str) -> str:
    return f"`{_cell(toml)}`" if toml else ""


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


DOCUMENTS = {DOCS / "profiles.md": text}


if __name__ == "__main__":
    for path, make in DOCUMENTS.items():
        path.write_text(make(), encoding="utf-8")
