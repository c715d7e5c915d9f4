"""What a profile may not say: every row of the table is one fault, and the sentence that names its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine import profile
from feedengine.errors import ConfigError, ExitCode, ProfileError
from feedengine.profile import parse_name

RIGHT = """
name = "acme"
[naming]
form = "{entity}_{date:DD_MM_YYYY}[_{seq}].{ext}"
[entities.products]
file = "PRODUCT"
folder = "products"
[entities.products.fields]
sku = { required = true }
price = "decimal"
tags = "list"
stock = "integer"
live = "boolean"
[entities.offers]
references = [{ entity = "products", by = { sku = "sku" } }]
[entities.offers.fields]
id = "text"
sku = "text"
"""

# What is put in place of what, and words of the error.
WRONG: list[tuple[str, str, str]] = [
    ('name = "acme"', 'nam = "acme"', 'the profile has no key "nam"; did you mean "name"'),
    ('name = "acme"', "", 'the profile needs "name"'),
    ('name = "acme"', 'name = "ACME Ltd"', "name must be a name of lower case letters"),
    ("[naming]", "[namings]", 'has no key "namings"; did you mean "naming"'),
    ('name = "acme"', 'name = "acme"\nextends = "acmee"', 'There is no profile "acmee"'),
    # names of files
    ("{date:DD_MM_YYYY}", "{dat}", 'naming.form has a field "dat"; did you mean "date"'),
    ("{date:DD_MM_YYYY}", "{date:DD_MM}", "a date has DD, MM and YYYY once each"),
    ("{date:DD_MM_YYYY}", "{date:DDxMMxYYYY}", "separators alone"),
    ("{date:DD_MM_YYYY}", "{date", "naming.form has a { without its other half"),
    ("[_{seq}]", "[_{seq}", "has a [ without its ]"),
    ("[_{seq}]", "_{seq}]", "has a ] without its ["),
    (".{ext}", "", "must end with .{ext}"),
    ("[_{seq}]", "[_{seq}]{seq}", "has {seq} twice"),
    ("{entity}_", "in/{entity}_", "holds a /"),
    ("{entity}_", "", "nothing tells what a file is"),
    ('file = "PRODUCT"', 'file = "offers"', 'cannot tell products and offers apart: both have the file "offers"'),
    ('folder = "products"', 'folder = "../x"', "without . and .."),
    # entities
    ("[entities.offers]", '[entities."Special Offers"]', 'entities."Special Offers" must be a name'),
    ('folder = "products"', 'fold = "products"', 'entities.products has no key "fold"; did you mean "folder"'),
    ('folder = "products"', 'operation = "upsert"', "entities.products.operation must be one of sync"),
    ('folder = "products"', 'cadence = "often"', "cadence must be a length of time"),
    ('folder = "products"', 'after = ["offer"]', 'after names an entity that is not declared, "offer"; did you mean'),
    ('folder = "products"', 'after = ["offers"]', "refer to each other in a circle: offers, products"),
    ('folder = "products"', 'identity = ["skuu"]', 'identity names a field that the entity does not have, "skuu"; did'),
    ('folder = "products"', 'owner = "vendor"', "owner names a field that the entity does not have"),
    ('folder = "products"', 'parents = "sku"', "parents must name a field of the type list"),
    ('folder = "products"', 'active = "sku"', "active must name a field of the type boolean"),
    ('folder = "products"', 'mentions = { sku = "offers" }', "mentions must name a field of the type list"),
    (
        'folder = "products"',
        'belongs_to = { sku = "shops" }',
        'belongs_to names an entity that is not declared, "shops"',
    ),
    ('folder = "products"', 'columns = { order = "any" }', "columns.order must be one of by_name, strict"),
    ('folder = "products"', 'columns = { required = ["x"] }', "columns.required names a field"),
    ('folder = "products"', 'path = { separator = ">" }', 'entities.products.path needs "field"'),
    ('folder = "products"', 'path = { field = "sku" }', "path.field names the key, which never changes"),
    ('folder = "products"', 'path = { field = "way" }', "path.field names a field that the entity does not have"),
    ('folder = "products"', 'identity = ["sku"]', "fields.sku.required cannot be: the engine makes this field"),
    # references
    (
        'entity = "products"',
        'entity = "product"',
        'references.1.entity names an entity that is not declared, "product"',
    ),
    (
        'by = { sku = "sku" }',
        'by = { sku = "skus" }',
        'references.1.by names a field that products does not have, "skus"',
    ),
    (
        'by = { sku = "sku" }',
        'by = { sk = "sku" }',
        'references.1.by names a field that the entity does not have, "sk"',
    ),
    ('by = { sku = "sku" }', "by = {}", "references.1.by needs at least one pair"),
    ('by = { sku = "sku" }', 'by = { sku = "sku" }, missing = "wait"', "references.1.missing must be one of reject"),
    (
        'by = { sku = "sku" }',
        'by = { sku = "sku" }, code = "UNKNOWN_SKUS"',
        'code is no fault of this family: "UNKNOWN_SKUS"',
    ),
    # fields
    ('price = "decimal"', 'price = "decimals"', "fields.price.type must be one of text"),
    ('price = "decimal"', "price = 5", "fields.price must be a table, or a text that names a type"),
    ('price = "decimal"', 'price = { typ = "decimal" }', 'fields.price has no key "typ"; did you mean "type"'),
    ('price = "decimal"', "price = { scale = 2 }", "price.scale is for fields of the type decimal; this one is text"),
    ('price = "decimal"', 'price = { type = "decimal", min = 2, max = 1 }', "price.min is 2, more than max"),
    ('price = "decimal"', 'price = { type = "decimal", min = "low" }', "price.min must be a decimal number"),
    (
        'price = "decimal"',
        'price = { type = "decimal", point = ",", group = "," }',
        'price.group is ",", and so is point',
    ),
    ('price = "decimal"', 'price = { type = "decimal", at_most = "stok" }', "price.at_most names a field"),
    ('price = "decimal"', 'price = { type = "decimal", at_most = "price" }', "price.at_most names the field itself"),
    ('price = "decimal"', 'price = { type = "decimal", unit = { g = 0.001, kg = 1 } }', "must begin with our own unit"),
    ('price = "decimal"', 'price = { pattern = "(" }', "price.pattern is no regular expression"),
    ('price = "decimal"', 'price = { pattern = "(?=a)b" }', "price.pattern looks around or back"),
    ('price = "decimal"', 'price = { pattern = "a{2000000}" }', "fields.price cannot be:"),
    ('price = "decimal"', 'price = { type = "decimal", point = "1" }', "fields.price cannot be: the point"),
    ('price = "decimal"', 'price = { type = "decimal", currency = ["5"] }', "fields.price cannot be:"),
    ('price = "decimal"', 'price = { type = "enum" }', 'fields.price needs "words"'),
    ('price = "decimal"', 'price = { type = "enum", words = ["a", "a"] }', "price.words has a word twice"),
    ('price = "decimal"', 'price = { type = "date", forms = "DD.MM" }', "a date has DD, MM and YYYY"),
    ('price = "decimal"', 'price = { normal = ["trimm"] }', "price.normal may hold trim, squeeze"),
    ('price = "decimal"', 'price = { policy = "ignore" }', "price.policy must be one of reject, fail, warn"),
    ('price = "decimal"', 'price = { policy = { lenght = "warn" } }', "price.policy must be one of required"),
    ('price = "decimal"', "price = { required_when = { x = [] } }", "price.required_when names a field"),
    ('price = "decimal"', "price = { min_length = 9, max_length = 3 }", "more than max_length"),
    ('price = "decimal"', 'price = { column = "sku" }', 'fields.price has the column "sku", which means "sku" already'),
    ('price = "decimal"', 'price = { fields = { a = "text" } }', 'has "fields" without "repeat"'),
    ('price = "decimal"', "price = { repeat = 2 }", 'fields.price needs "fields"'),
    ('price = "decimal"', 'price = { repeat = 2, type = "text", fields = { a = "text" } }', "repeats other fields"),
    ('stock = "integer"', 'stock = { type = "integer", max = 1.5 }', "stock.max must be a whole number"),
    ('live = "boolean"', 'live = { type = "boolean", yes = ["Y"] }', "needs both yes and no"),
    ('live = "boolean"', 'live = { type = "boolean", yes = ["Y"], no = ["Y"] }', 'and no share "Y"'),
    ('tags = "list"', 'tags = { type = "list", words = ["a"] }', 'items = "enum"'),
    # formats and settings
    ("[naming]", '[format]\nencoding = "latin1"\n[naming]', "format.encoding must be one of utf-8"),
    ("[naming]", '[format]\ndelimiter = ";;"\n[naming]', "format.delimiter must be one character"),
    ("[naming]", "[format.xml]\nroot = 1\n[naming]", 'format.xml has no key "root"'),
    ("[naming]", "[format.fixed]\nrecords = [{ fields = [{ name = 'a' }] }]\n[naming]", 'fields.1 needs "start"'),
    (
        "[naming]",
        "[settings.rules]\nmax_reject = '1%'\n[naming]",
        'settings.rules has no setting "max_reject"; did you',
    ),
    ("[naming]", "[settings.queue]\nlimit = 1\n[naming]", 'settings has no table "queue"'),
    ("[naming]", "[settings.rules]\nmax_rejected = 'many'\n[naming]", "settings.rules.max_rejected must be"),
    ("[naming]", '[fields]\ncolumn = "x"\n[naming]', 'fields has no key "column"'),
    ("[naming]", "[naming", "is not valid TOML"),
]


@pytest.mark.parametrize(("right", "wrong", "words"), WRONG, ids=[each[1][:40] for each in WRONG])
def test_a_fault_is_told_with_its_place(right: str, wrong: str, words: str) -> None:
    assert right in RIGHT
    with pytest.raises(ProfileError) as caught:
        profile.loads(RIGHT.replace(right, wrong, 1), "acme.toml")
    assert words in caught.value.message
    assert caught.value.state and caught.value.exit == ExitCode.USAGE
    assert caught.value.message.startswith("acme.toml") or words.startswith("There is no profile")


def test_the_one_without_faults_is_accepted() -> None:
    made = profile.loads(RIGHT, "acme.toml")
    assert [each.name for each in made.entities] == ["products", "offers"]
    assert made.order == ("products", "offers")
    assert parse_name(made, "offers_01_02_2026_3.csv").sequence == 3  # type: ignore[union-attr]


def test_files_that_are_no_profiles(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match='There is no profile "wizcomerce": it is neither a file nor one of'):
        profile.load("wizcomerce")
    (tmp_path / "utf16.toml").write_bytes(RIGHT.encode("utf-16"))
    with pytest.raises(ProfileError, match="is not UTF-8"):
        profile.load(tmp_path / "utf16.toml")
    with pytest.raises(ConfigError, match="Could not read"):
        profile.load(tmp_path)
    (tmp_path / "large.toml").write_bytes(b"#" * (5 << 20))
    with pytest.raises(ProfileError, match="larger than 4 MiB"):
        profile.load(tmp_path / "large.toml")


@pytest.mark.feature("W5")
def test_a_profile_lies_over_another(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(
        'name = "ours"\nextends = "wizcommerce"\n[entities.orders]\nenabled = false\n'
        '[entities.products.fields]\nsku_id = { max_length = 20 }\nweight = { type = "decimal", min = 0 }\n'
    )
    (tmp_path / "deeper.toml").write_text('name = "deeper"\nextends = "ours.toml"\n[columns]\norder = "strict"\n')
    made, base = profile.load(tmp_path / "deeper.toml"), profile.load("wizcommerce")
    assert [each.name for each in made.entities] == [each.name for each in base.entities]
    sku = made.entity("products").field("sku_id")
    assert (sku.max_length, sku.unique, sku.required) == (20, True, True)
    assert made.entity("products").fields[-1].name == "weight"
    assert made.entity("customers").spec["columns"]["order"] == "strict"
    assert not made.entity("orders").enabled and base.entity("orders").enabled
    assert made.digest != base.digest


def test_profiles_that_extend_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "a"\nextends = "b.toml"\n')
    (tmp_path / "b.toml").write_text('name = "b"\nextends = "a.toml"\n')
    with pytest.raises(ProfileError, match="extends leads in a circle"):
        profile.load(tmp_path / "a.toml")
