"""What declarations come to: steps, checks, relations as the engine takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feedengine import profile
from feedengine.settings import Settings


def entity(fields: str, more: str = "", top: str = "") -> Any:
    text = f'name = "p"\n{top}\n[entities.other]\nfields = {{ id = "text", ref = "text" }}\n[entities.things]\n{more}\n'
    return profile.loads(f"{text}[entities.things.fields]\nid = {{ required = true }}\n{fields}\n").entity("things")


def spec(field: str, top: str = "") -> dict[str, Any]:
    made: dict[str, Any] = entity(f"x = {field}", top=top).spec["fields"][1]
    return made


FIELDS: list[tuple[str, str, list[Any], list[Any]]] = [
    ('"text"', "text", [], []),
    ('{ normal = ["trim", "nfc", "upper"] }', "text", ["trim", "nfc", "upper"], []),
    ('"json"', "json", [], []),
    ('"integer"', "integer", [], []),
    ('{ type = "integer", group = "." }', "integer", [{"decimal": {"point": ",", "group": "."}}], []),
    ('{ type = "integer", policy = "warn" }', "text", [], [("integer", "warn")]),
    ('"decimal"', "text", [], [({"decimal": {"scale": None}}, "reject")]),
    (
        '{ type = "decimal", point = ",", group = ".", scale = 2, currency = ["EUR"], unit = { kg = 1, g = 0.001 } }',
        "text",
        [
            {"currency": {"signs": ["EUR"]}},
            {"unit": {"factors": [["kg", "1"], ["g", "0.001"]]}},
            {"decimal": {"point": ",", "group": "."}},
        ],
        [({"decimal": {"scale": 2}}, "reject")],
    ),
    (
        '{ type = "decimal", min = 0.10, max = 100 }',
        "text",
        [],
        [({"decimal": {"scale": None}}, "reject"), ({"range": {"min": "0.10", "max": "100"}}, "reject")],
    ),
    ('"boolean"', "flag", [], []),
    ('{ type = "boolean", yes = ["J"], no = ["N"] }', "flag", [{"flag": {"yes": ["J"], "no": ["N"]}}], []),
    ('"date"', "text", [], [("date", "reject")]),
    (
        '{ type = "date", forms = ["DD.MM.YYYY", "YYYYMMDD"] }',
        "text",
        [{"date": {"forms": ["DD.MM.YYYY", "YYYYMMDD"]}}],
        [("date", "reject")],
    ),
    ('"uuid"', "text", [], [("uuid", "reject")]),
    ('{ type = "url", policy = "warn" }', "text", [], [("url", "warn")]),
    ('{ type = "gtin", normal = ["gtin_pad"] }', "text", ["gtin_pad"], [("gtin", "reject")]),
    (
        '{ type = "enum", words = ["new", "used"], map = { neu = "new" }, policy = { words = "fail" } }',
        "text",
        [{"map": {"words": [["neu", "new"]]}}],
        [({"one_of": {"words": ["new", "used"]}}, "fail")],
    ),
    ('"list"', "list", [], []),
    (
        '{ type = "list", items = "url", separator = ",", normal = ["trim"] }',
        "list",
        [{"split": {"separator": ","}}, "trim"],
        [("url", "reject")],
    ),
    ('{ type = "list", items = "enum", words = ["a"] }', "list", [], [({"one_of": {"words": ["a"]}}, "reject")]),
    ("{ min_length = 2 }", "text", [], [({"length": {"min": 2, "max": None}}, "reject")]),
    ('{ max_length = 5, policy = "warn" }', "text", [], [({"length": {"min": None, "max": 5}}, "warn")]),
    ('{ pattern = "[0-9]+" }', "text", [], [({"pattern": {"regex": "[0-9]+"}}, "reject")]),
    (
        '{ type = "decimal", at_most = "id", policy = { at_most = "warn" } }',
        "text",
        [],
        [({"decimal": {"scale": None}}, "reject"), ({"at_most": {"field": "id"}}, "warn")],
    ),
    ('{ type = "integer", multiple_of = "id" }', "integer", [], [({"multiple_of": {"field": "id"}}, "reject")]),
    ('{ required = true, policy = { required = "warn" } }', "text", [], [("required", "warn")]),
]


@pytest.mark.feature("P5", "P28", "L10")
@pytest.mark.parametrize(("field", "kind", "steps", "checks"), FIELDS, ids=[each[0][:40] for each in FIELDS])
def test_a_field_comes_to_steps_and_checks(field: str, kind: str, steps: list[Any], checks: list[Any]) -> None:
    made = spec(field)
    assert made["kind"] == kind
    assert made.get("normal", []) == steps
    assert [(each["rule"], each["policy"]) for each in made.get("checks", [])] == checks


def test_what_the_engine_checks_by_itself_stays_with_it() -> None:
    made = spec('{ type = "integer", min = 1, required = true }')
    assert (made["range"], made["required"], "checks" in made) == ([1, 2**63 - 1], True, False)
    assert spec("{ max_length = 9, warn_length = 5, letters = true }") | {"x": 0} == {
        **spec('"text"'),
        "max_chars": 9,
        "warn_chars": 5,
        "alphanumeric": True,
        "x": 0,
    }
    assert not spec('{ required = true, policy = "warn" }')["required"]


def test_defaults_for_all_fields_reach_those_that_say_nothing() -> None:
    top = '[fields]\nnormal = ["trim"]\npoint = ","\n'
    assert spec('"decimal"', top)["normal"] == ["trim", {"decimal": {"point": ",", "group": None}}]
    assert spec('{ type = "decimal", point = ".", normal = [] }', top).get("normal", []) == []
    assert spec('"integer"', top)["normal"] == ["trim"]


def test_columns_have_the_names_that_senders_use() -> None:
    assert spec('{ column = "Art.-Nr.", aliases = ["SKU", "Art.-Nr."] }')["aliases"] == ["Art.-Nr.", "SKU"]
    # Compared without case and blanks, a name that is written otherwise would be the same column twice.
    loose = spec('{ column = "X", aliases = ["x ", "Y", "y"] }', "[columns]\nloose = true\n")
    assert loose["aliases"] == ["y"]


@pytest.mark.feature("L11")
def test_conditions_are_those_of_the_fields() -> None:
    made = entity('a = "text"\nb = { required_when = { a = ["1", "2"], id = [] }, policy = { required = "fail" } }')
    assert made.spec["conditions"] == [
        {"field": "b", "when": "a", "is": ["1", "2"], "policy": "fail"},
        {"field": "b", "when": "id", "is": [], "policy": "fail"},
    ]


@pytest.mark.feature("W20")
def test_fields_repeat_with_their_numbers() -> None:
    made = entity(
        "[entities.things.fields.lists]\nrepeat = 2\n[entities.things.fields.lists.fields]\n"
        'list = { column = "List {n}", required_when = { price = [] }, example = "a" }\n'
        'price = { type = "decimal", column = "Price", at_most = "most", example = "1" }\nmost = "decimal"\n'
    )
    assert [each.name for each in made.fields][1:] == ["list_1", "price_1", "most_1", "list_2", "price_2", "most_2"]
    assert [each.heading for each in made.fields][1:4] == ["List 1", "Price 1", "most_1"]
    assert made.field("list_2").required_when == (("price_2", ()),)
    assert made.field("price_2").at_most == "most_2"
    assert (made.field("price_1").example, made.field("price_2").example) == ("1", None)


def test_relations_and_columns() -> None:
    made = profile.loads(
        'name = "p"\n[entities.other]\nfields = { id = "text", ref = "text" }\n[entities.things]\n'
        'identity = ["id", "way", "~kin"]\npath = { field = "way", separator = "/", escape = "\\\\" }\n'
        'references = [{ entity = "other", by = { way = "ref", kin = "id" }, missing = "park", required = true }]\n'
        'columns = { order = "strict", unknown = "keep", required = ["way"] }\nshared = true\nopen = ["facets"]\n'
        'fields = { id = "uuid", way = { unique = true }, kin = "list" }\n'
    ).entity("things")
    assert made.spec["identity"] == [
        {"field": "id", "weak": False},
        {"field": "way", "weak": False},
        {"field": "kin", "weak": True},
    ]
    assert made.spec["unique"] == ["way"]
    assert made.spec["path"] == {"field": "way", "separator": "/", "escape": "\\", "missing": "reject"}
    assert made.spec["references"] == [
        {
            "entity": "other",
            "by": [["way", "ref"], ["kin", "id"]],
            "missing": "park",
            "code": "UNKNOWN_REFERENCE",
            "required": True,
        }
    ]
    assert made.spec["columns"] == {"order": "strict", "unknown": "keep", "required": ["way"], "loose": False}
    assert (made.spec["metadata"], made.spec["facets"], made.spec["shared"]) == (True, True, True)


def test_formats_are_laid_over_each_other() -> None:
    made = profile.loads(
        'name = "p"\n[format]\nencoding = "cp1252"\ndelimiter = ";"\n[entities.a]\nfields = { id = "text" }\n'
        '[entities.b]\nfields = { id = "text" }\n[entities.b.format]\nencoding = "utf-8"\nxml = { record = "c/p" }\n'
        '[entities.c]\nfields = { id = "text" }\n[entities.c.format.fixed]\nignore = ["H"]\n'
        'records = [{ tag = { text = "D" }, fields = [{ name = "id", start = 2, length = 4 }] }]\n'
        'trailer = { tag = { text = "T" }, start = 2, length = 8 }\n'
    )
    assert (made.format("a"), made.delimiter("a")) == ({"encoding": "cp1252"}, ";")
    assert made.format("b") == {"xml": {"record": "c/p"}}
    assert made.format("c") == {
        "encoding": "cp1252",
        "fixed": {
            "records": [
                {"tag": {"at": 1, "text": "D"}, "fields": [{"name": "id", "start": 2, "length": 4}]},
            ],
            "ignore": ["H"],
            "trailer": {"tag": {"at": 1, "text": "T"}, "start": 2, "length": 8},
        },
    }


@pytest.mark.feature("U3", "U4")
def test_settings_win_over_the_profile_and_it_over_the_defaults(tmp_path: Path) -> None:
    made = profile.loads(
        'name = "p"\n[settings.rules]\nmax_rejected = "5%"\n[settings.safeguard]\nlimit = "20%"\n'
        'segments = [{ column = "brand", limit = "80%" }]\n'
        '[entities.shops]\nfields = { id = "text" }\n[entities.goods]\nformat = { delimiter = ";" }\n'
        'fields = { id = "text", brand = "text" }\n'
    )
    (tmp_path / "s.toml").write_text(
        '[catalogs."k/s".rules]\nmax_rejected = "1%"\n'
        '[catalogs."k/s".safeguard]\nvalues = [{ column = "price", zero_share = "1%" },'
        ' { column = "brand", vanished = true }]\n'
    )
    settings = Settings.load(tmp_path / "s.toml", env={})
    own, plain = made.planner(settings, "k/s", "goods"), made.planner(settings, "k/other", "shops")
    assert (own["max_rejected"], plain["max_rejected"]) == ("1%", "5%")
    assert own["rows"] == plain["rows"] == "reject" and own["safeguard"]["limit"] == "20%"
    assert own["delimiter"] == ";" and "delimiter" not in plain
    # A guard without an entity means the first one that has its column.
    assert own["safeguard"]["segments"] == [{"entity": "goods", "column": "brand", "limit": "80%"}]
    assert [each["entity"] for each in own["safeguard"]["values"]] == ["shops", "goods"]
    assert settings.planner("k/s") == profile.load("constructor").planner(settings, "k/s")


def test_the_digest_follows_the_meaning_alone() -> None:
    text = 'name = "p"\n[entities.a]\nfields = { id = "text" }\n'
    digest = profile.loads(text).digest
    assert profile.loads(text.replace('"text" }', '{ about = "x", example = "y" } }')).digest == digest
    assert profile.loads(text.replace('"text" }', "{ max_length = 3 } }")).digest != digest
    assert profile.loads(text.replace("[entities.a]", 'version = "2"\n[entities.a]')).digest != digest
