"""Sources in the settings file: every mistake names its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine import names
from feedengine.errors import ConfigError, NotFound
from feedengine.service.fetching.source import source, sources
from feedengine.settings import Settings
from feedengine.settings.table import NAMED


def load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "feedengine.toml"
    file.write_text(f"[sources.erp]\nurl = 'drop'\n{text}\n")
    return Settings.load(file, env={})


@pytest.mark.feature("P4")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("schedule = '0 25 * * *'", r"sources\.erp\.schedule .* the hour of"),
        ("schedule = '0 2 * *'", r"sources\.erp\.schedule .* five fields"),
        ("schedule = '0 0 30 2 *'", r"sources\.erp\.schedule .* the day-of-month"),
        ("schedule = ''", r"sources\.erp\.schedule must be"),
        ("schedule = '0s'", r"sources\.erp\.schedule must be an interval of 1s or more"),
        ("time_zone = 'Europe/Nowhere'", r"sources\.erp\.time_zone must be a time zone such as"),
        ("time_zone = '../etc/passwd'", r"sources\.erp\.time_zone must be a time zone such as"),
        ("pattern = 'regex:('", r"sources\.erp\.pattern is no regular expression"),
        ("pattern = ''", r"sources\.erp\.pattern must be"),
        ("after = 'move'", r"sources\.erp\.after must be leave, delete or"),
        ("expected_by = '24:00'", r"sources\.erp\.expected_by must be a time of day"),
        ("stale_after = 'soon'", r"sources\.erp\.stale_after must be a length of time"),
        ("stability = 'hope'", r"sources\.erp\.stability must be one of"),
        ("order = 'random'", r"sources\.erp\.order must be one of"),
        ("catalog = 'key_a1'", r"sources\.erp\.catalog must be key/section"),
        ("shedule = '15m'", r'"shedule" in \[sources\.erp\]; did you mean "schedule"'),
        ("timeout = 0", r"sources\.erp\.timeout must be at least"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, line)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("catalog = 'key_a1/Products'", "catalog needs operation"),
        ("operation = 'sync'", "operation needs catalog"),
        ("stability = 'done'\nmarker = ''", "marker"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(tmp_path: Path, lines: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sources(load(tmp_path, lines))


def test_a_source_has_what_was_written_and_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, "schedule = ' 30  2 * * mon-fri '\nafter = 'move done/here'\nmin_age = '2m'")
    found = source(settings, "erp")
    assert (found.schedule, found.after, found.move_to, found.min_age) == ("30 2 * * mon-fri", "move", "done/here", 120)
    assert found.place(env={}).path == str(tmp_path / "drop")
    with pytest.raises(NotFound, match="known: erp"):
        source(settings, "crm")


def test_operations_are_those_of_names() -> None:
    key = next(key for key in NAMED["sources"] if key.name == "operation")
    for operation in names.OPERATIONS:
        assert key.kind(operation) == operation
    with pytest.raises(ValueError) as allowed:
        key.kind("x")
    assert str(allowed.value).count(",") == len(names.OPERATIONS)
