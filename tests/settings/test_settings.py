"""Settings: where each value comes from, what overrides what, and what strictness says about a wrong name or value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feedengine.errors import ConfigError, UsageError
from feedengine.settings import Settings
from feedengine.settings.kinds import Secret, limit, must_exist, secret, size, value_guards
from feedengine.settings.table import BY_NAME, NAMED, SETTINGS, TABLES


@pytest.fixture
def write(tmp_path: Path):
    def writer(text: str) -> Path:
        path = tmp_path / "feedengine.toml"
        path.write_text(text, "utf-8")
        return path

    return writer


def test_defaults_are_valid_values_of_their_own_kind() -> None:
    for setting in SETTINGS:
        if setting.default is not None:
            assert setting.kind(setting.default) == setting.default, setting.dotted


def test_names_and_variables_are_unique() -> None:
    assert len(BY_NAME) == len(SETTINGS)
    assert len({each.variable for each in SETTINGS}) == len(SETTINGS)


def test_default_then_file_then_environment_then_flag(write) -> None:
    path = write('[safeguard]\nlimit = "40%"\nwarn = 5\n[rules]\nrows = "reject"\n')
    env = {"FEEDENGINE_SAFEGUARD_WARN": "7%", "FEEDENGINE_MEMORY_LIMIT": "512MiB"}
    settings = Settings.load(path, env, {"rules.rows": ("--strict", "fail")})
    found = {
        name: settings.values[name] for name in ("safeguard.limit", "safeguard.warn", "rules.rows", "rules.cascade")
    }
    assert {name: (value.value, value.origin) for name, value in found.items()} == {
        "safeguard.limit": ("40%", f"file {path}"),
        "safeguard.warn": ("7%", "env FEEDENGINE_SAFEGUARD_WARN"),
        "rules.rows": ("fail", "flag --strict"),
        "rules.cascade": (True, "default"),
    }
    assert settings.memory_limit == 512 * 2**20
    assert settings.store_memory == 100 * 2**20


def test_the_store_gets_what_the_process_leaves_of_little_memory() -> None:
    def share(limit: str) -> int:
        return Settings.load(None, {"FEEDENGINE_MEMORY_LIMIT": limit}, {}).store_memory >> 20

    assert [share(limit) for limit in ("256MiB", "300MiB", "392MiB", "1GiB", "4GiB")] == [32, 54, 100, 102, 409]


def test_a_catalog_overrides_the_file_but_not_a_flag(write) -> None:
    path = write(
        '[rules]\nduplicates = "fail"\n[catalogs."key_a/Products".rules]\nduplicates = "last"\n'
        '[catalogs."key_a/Products".safeguard]\nlimit = 20000\n'
    )
    settings = Settings.load(path, {})
    assert settings.get("rules.duplicates") == "fail"
    assert settings.get("rules.duplicates", "key_a/Products") == "last"
    assert settings.planner("key_a/Products")["safeguard"]["limit"] == "20000"
    assert settings.planner("key_b/Products")["safeguard"]["limit"] == "50%"
    assert settings.keys == ["key_a"]
    flagged = Settings.load(path, {}, {"safeguard.limit": ("--removal-limit", "30%")})
    assert flagged.planner("key_a/Products")["safeguard"]["limit"] == "30%"


def test_a_typed_limit_is_for_every_entity(write) -> None:
    path = write('[safeguard]\nvariations = "off"\n')
    assert Settings.load(path, {}).planner()["safeguard"]["variations"] == "off"
    flagged = Settings.load(path, {}, {"safeguard.limit": ("--removal-limit", "30%")})
    assert flagged.planner()["safeguard"]["variations"] is None


def test_the_planner_gets_rules_and_limits_by_their_bare_names() -> None:
    flat = Settings.load(None, {}).planner()
    assert flat["patch_null"] == "ignore" and flat["max_columns"] == 4096
    assert flat["safeguard"] == {
        "limit": "50%",
        "warn": "10%",
        "items": None,
        "variations": None,
        "item_groups": None,
        "on_block": "refuse",
        "segments": [],
        "values": [],
    }


def test_store_path_is_relative_to_the_file_that_names_it(write) -> None:
    path = write('[store]\npath = "data/store"\n')
    assert Settings.load(path, {}).store == path.parent / "data/store"
    assert Settings.load(path, {"FEEDENGINE_STORE": "elsewhere"}).store == Path("elsewhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[safegard]\n", '{}: there is no table [safegard]; did you mean "safeguard"?'),
        (
            "[nonsense]\n",
            "{}: there is no table [nonsense]; known are " + ", ".join((*TABLES, *NAMED, "catalogs")) + ".",
        ),
        (
            '[rules]\nduplicate = "last"\n',
            '{}: there is no setting "duplicate" in [rules]; did you mean "duplicates"?',
        ),
        ('[rules]\nlimit = "50%"\n', '{}: "limit" in [rules] belongs in [safeguard].'),
        (
            '[catalogs."k/S".rules]\nwarn = "5%"\n',
            '{}: "warn" in [catalogs."k/S".rules] belongs in [catalogs."k/S".safeguard].',
        ),
        (
            '[catalogs."k/S".store]\npath = "x"\n',
            '{}: a catalog has no table [catalogs."k/S".store]; known are rules, limits, safeguard.',
        ),
        ("[catalogs.key_a.rules]\n", '{}: [catalogs."key_a"] must be named key/section.'),
        ('[rules]\nduplicates = "first"\n', '{}: rules.duplicates must be one of last, fail; not "first".'),
        ("[rules]\ncascade = 3\n", "{}: rules.cascade must be true or false; not 3."),
        (
            '[safeguard]\nlimit = "half"\n',
            '{}: safeguard.limit must be a share (50%), a number of rows (20000) or off; not "half".',
        ),
        ('[safeguard]\nlimit = "120%"\n', '{}: safeguard.limit must be a share such as 10%; not "120%".'),
        (
            '[engine]\nmemory_limit = "64MiB"\n',
            '{}: engine.memory_limit must be at least 256MiB; not "64MiB".',
        ),
        ("rules = 3\n", "{}: rules must be a table."),
        (
            '[safeguard]\nvalues = [{column = "metadata:price"}]\n',
            '{}: safeguard.values guards nothing for "metadata:price": add zero_share, null_rise or vanished.',
        ),
        (
            '[safeguard]\nsegments = [{column = "facet:Brand", limits = "5%"}]\n',
            '{}: safeguard.segments has an entry with "limits"; allowed are column, limit.',
        ),
    ],
)
def test_a_wrong_file_is_named_exactly(write, text: str, message: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        Settings.load(path, {})
    assert caught.value.message == message.format(path)
    assert caught.value.exit == 2


def test_broken_toml_says_where(write) -> None:
    with pytest.raises(ConfigError, match=r"is not valid TOML: .*line 1"):
        Settings.load(write("[rules\n"), {})


def test_a_missing_file_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no settings file"):
        Settings.load(tmp_path / "none.toml", {})


def test_wrong_environment_and_flags() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.load(None, {"FEEDENGINE_RULES_DUPLICATE": "last"})
    assert caught.value.message == (
        "the environment sets FEEDENGINE_RULES_DUPLICATE, which is no setting; "
        'did you mean "FEEDENGINE_RULES_DUPLICATES"?'
    )
    with pytest.raises(ConfigError, match=r"^FEEDENGINE_THREADS must be a whole number"):
        Settings.load(None, {"FEEDENGINE_THREADS": "many"})
    with pytest.raises(UsageError, match=r"^--removal-limit must be a share") as refused:
        Settings.load(None, {}, {"safeguard.limit": ("--removal-limit", "lots")})
    assert not isinstance(refused.value, ConfigError)


def test_sizes_limits_and_guards() -> None:
    parse = size()
    assert [parse(raw) for raw in ("512MiB", "1.5 GB", "2kib", "7", 9)] == [512 * 2**20, 1_500_000_000, 2048, 7, 9]
    assert [limit(raw) for raw in ("50%", "12.5 %", "20000", 0, "off")] == ["50%", "12.5%", "20000", "0", "off"]
    assert value_guards([{"column": "*", "null_rise": "20%"}, {"column": "*", "vanished": True}]) == [
        {"column": "*", "null_rise": "20%"},
        {"column": "*", "vanished": True},
    ]


@pytest.mark.feature("U20")
def test_lists_of_what_must_exist(write) -> None:
    path = write('[safeguard]\nmust_exist = { file = "sellers.csv", limit = "2%" }\n')
    (found,) = Settings.load(path, {}).must_exist("key_a/Products")
    assert found == {"file": str(path.parent / "sellers.csv"), "limit": "2%", "missing": "told"}
    whole = {"file": "/s.txt", "limit": 20, "entity": "things", "column": "sku", "missing": "counted"}
    assert must_exist([whole]) == [{**whole, "limit": "20"}]
    for wrong, says in (
        ({"limit": "2%"}, "without a file"),
        ({"file": "", "limit": "2%"}, "without a file"),
        ({"file": "s"}, "must be a share"),
        ({"file": 1, "limit": "2%"}, "must be a text"),
        ({"file": "s", "limit": "2%", "missing": "no"}, "told, counted"),
        ({"file": "s", "limit": "2%", "percent": 2}, "allowed are file"),
        ("sellers.csv", "a table with file and limit"),
    ):
        with pytest.raises(ValueError, match=says):
            must_exist(wrong)


def test_secrets_are_masked_by_their_type() -> None:
    value = secret("hunter2")
    assert isinstance(value, Secret)
    assert (repr(value), str(value), f"{value}") == ("********", "********", "********")
    assert value.reveal() == "hunter2"


@pytest.mark.parametrize("size", [0, 4096])
def test_the_size_of_blocks_reaches_the_engine(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from feedengine import engine, ingest
    from feedengine.store import Store

    asked: list[dict[str, Any]] = []
    plain = engine.Planner.__init__

    def listen(planner: engine.Planner, request: dict[str, Any], secret: bytes) -> None:
        asked.append(request)
        plain(planner, request, secret)

    monkeypatch.setattr(engine.Planner, "__init__", listen)
    feed = tmp_path / "key_a1_Products_delta_2026-11-21.csv"
    feed.write_text("id,item_name\n" + "".join(f"A{n},Item {n}\n" for n in range(2000)))
    settings = Settings.load(None, env={"FEEDENGINE_ENGINE_BLOCK_BYTES": str(size)})
    made = ingest.plan(Store.create(tmp_path / "store"), settings, ingest.FeedRequest(path=feed))
    assert made.report["entities"]["items"]["added"] == 2000
    assert [request.get("block") for request in asked] == [size or None]
