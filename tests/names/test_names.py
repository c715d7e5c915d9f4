"""File names: every published form, every odd form that is accepted, and each wrong one with its own text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feedengine.names import OPERATIONS, BadName, FeedName, build, parse, parse_timestamp

FORM = "a feed is called <key>_<section>_[force]<operation>_<timestamp>.<extension>"
WHEN = datetime(2026, 11, 21, 2, 0, 0, tzinfo=UTC)


def good(filename: str, *known: str) -> FeedName:
    name = parse(filename, known)
    assert isinstance(name, FeedName), name
    return name


def bad(filename: str) -> BadName:
    name = parse(filename)
    assert isinstance(name, BadName), name
    return name


@pytest.mark.parametrize("force", ["", "force"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_with_and_without_force(operation: str, force: str) -> None:
    name = good(f"key_7AeGOdJ9BxmKF942_Products_{force}{operation}_2026-11-21-02-00-00.csv")
    assert (name.key, name.section) == ("key_7AeGOdJ9BxmKF942", "Products")
    assert (name.operation, name.force) == (operation, bool(force))
    assert (name.timestamp, name.parsed_time, name.warnings) == ("2026-11-21-02-00-00", WHEN, ())
    assert name.catalog == "key_7AeGOdJ9BxmKF942/Products"


@pytest.mark.parametrize(
    ("filename", "key", "section", "operation"),
    [
        ("key_a1_My_Section_delta_2020-02-10.jsonl", "key_a1", "My_Section", "delta"),
        ("key_a1_sync_sync_2020-02-10.csv", "key_a1", "sync", "sync"),
        ("key_a1_Search Suggestions_delta_2020-02-10.csv", "key_a1", "Search Suggestions", "delta"),
        ("ZqXaOfXuBWD4s3XzCI1q_Products_sync_2022-01-06-04-50-55.tar", "ZqXaOfXuBWD4s3XzCI1q", "Products", "sync"),
        ("key_a1_Größe_sync_2020-02-10.csv", "key_a1", "Größe", "sync"),
    ],
)
def test_keys_and_sections(filename: str, key: str, section: str, operation: str) -> None:
    name = good(filename)
    assert (name.key, name.section, name.operation) == (key, section, operation)


def test_the_longest_registered_key_wins() -> None:
    filename = "shop_eu_west_Products_sync_2020-02-10.csv"
    assert good(filename).key == "shop"
    assert good(filename, "shop", "shop_eu").key == "shop_eu"
    assert good(filename, "shop", "shop_eu", "shop_eu_west").section == "Products"
    assert good(filename, "Shop_eu").key == "shop", "keys are case-sensitive"


@pytest.mark.parametrize("extension", ["csv", "json", "jsonl", "tar.gz", "tar"])
def test_published_extensions(extension: str) -> None:
    name = good(f"key_a1_Products_sync_2020-02-10.{extension}")
    assert (name.extension, name.warnings, name.timestamp) == (extension, (), "2020-02-10")


@pytest.mark.parametrize("extension", ["tgz", "csv.gz", "json.gz", "jsonl.gz", "tar.zst", "csv.zst"])
def test_other_extensions_warn(extension: str) -> None:
    name = good(f"key_a1_Products_sync_2020-02-10.{extension}")
    assert name.extension == extension
    assert [each.code for each in name.warnings] == ["NONSTANDARD_EXTENSION"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21-02-00", WHEN),
        ("2026-11-21-02-00-00", WHEN),
        ("2026-11-21T02:00:00Z", WHEN),
        ("2026-11-21T04:00:00+02:00", WHEN),
        ("20261121T020000", WHEN),
        ("20261121", datetime(2026, 11, 21, tzinfo=UTC)),
        ("20261121020000", WHEN),
        ("1795226400", WHEN),
        ("1795226400000", WHEN),
        ("2026-13-45", None),
        ("tuesday", None),
        ("", None),
    ],
)
def test_timestamps(text: str, expected: datetime | None) -> None:
    assert parse_timestamp(text) == expected


def test_an_unreadable_timestamp_warns_and_never_fails() -> None:
    name = good("key_a1_Products_sync_final.v2.csv")
    assert (name.timestamp, name.parsed_time) == ("final.v2", None)
    assert [each.code for each in name.warnings] == ["TIMESTAMP_UNPARSED"]


def test_force_as_a_field_before_the_operation_reads_as_section_and_warns() -> None:
    name = good("key_a1_Products_force_sync_2020-02-10.csv")
    assert (name.section, name.force) == ("Products_force", False)
    assert [each.code for each in name.warnings] == ["FORCE_IN_SECTION"]


@pytest.mark.parametrize(
    ("filename", "code", "message", "meant"),
    [
        (
            "key_a1_Products_SYNC_2020-02-10.csv",
            "NAME_OPERATION",
            'the operation must be in lower case: "sync", not "SYNC"',
            "key_a1_Products_sync_2020-02-10.csv",
        ),
        (
            "key_a1_Products_forcesink_2020-02-10.csv",
            "NAME_OPERATION",
            '"forcesink" is no operation; it must be one of sync, delta, patchdelta, patchdeltacreate, '
            'patchdeltaignore, delete, whitelist, or one of them after "force"',
            "key_a1_Products_forcesync_2020-02-10.csv",
        ),
        (
            "key_a1_Products_sync.csv",
            "NAME_TIMESTAMP",
            'the timestamp after "sync" is missing, for example 2026-11-21-02-00-00',
            None,
        ),
        (
            "key_a1_Products_sync_.csv",
            "NAME_TIMESTAMP",
            'the timestamp after "sync" is missing, for example 2026-11-21-02-00-00',
            None,
        ),
        (
            "key_a1_Products_sync_force_2020-02-10.csv",
            "NAME_FORCE",
            'force is glued to the operation: write "forcesync", not a field of its own',
            "key_a1_Products_forcesync_2020-02-10.csv",
        ),
        (
            "key_a1_Products_sync_2020_02_10.csv",
            "NAME_TIMESTAMP",
            "the timestamp must not hold underscores; write it with hyphens",
            "key_a1_Products_sync_2020-02-10.csv",
        ),
        (
            "key_a1_Products_sync_2020-02-10.zip",
            "NAME_EXTENSION",
            "zip archives are not accepted; pack the files with tar and gzip",
            "key_a1_Products_sync_2020-02-10.tar.gz",
        ),
        (
            "key_a1_Products_sync_2020-02-10.CSV",
            "NAME_EXTENSION",
            "the extension must be in lower case",
            "key_a1_Products_sync_2020-02-10.csv",
        ),
        (
            "key_a1_Products_sync_2020-02-10.csv.part",
            "NAME_EXTENSION",
            ".part marks an upload that is not finished; wait until it is renamed",
            "key_a1_Products_sync_2020-02-10.csv",
        ),
        (
            "key_a1_Products_sync_2020-02-10.xlsx",
            "NAME_EXTENSION",
            ".xlsx is no feed format; it must be one of .csv, .json, .jsonl, .tar.gz, .tar",
            None,
        ),
        (
            "key_a1_Products_sync_2020-02-10",
            "NAME_EXTENSION",
            "there is no extension; it must be one of .csv, .json, .jsonl, .tar.gz, .tar",
            None,
        ),
        (
            "items.csv",
            "NAME_FORM",
            "1 of 4 fields separated by underscores; a feed is called "
            "<key>_<section>_[force]<operation>_<timestamp>.<extension>",
            None,
        ),
        (
            "Products_sync_2020-02-10.csv",
            "NAME_SECTION",
            "the section between the key and the operation is missing; a feed is called "
            "<key>_<section>_[force]<operation>_<timestamp>.<extension>",
            None,
        ),
        (
            "key_a1_sync_2020-02-10.csv",
            "NAME_SECTION",
            f"the section between the key and the operation is missing; {FORM}",
            None,
        ),
        (
            "shop-eu_Products_sync_2020-02-10.csv",
            "NAME_KEY",
            "the key before the section must be letters and digits, or key_ and those",
            None,
        ),
        (
            f"key_a1_{'s' * 101}_sync_2020-02-10.csv",
            "NAME_SECTION",
            "the section is 101 characters long; at most 100 are allowed",
            None,
        ),
        ("a/key_a1_Products_sync_2020-02-10.csv", "NAME_FORM", "a feed's name holds no / and no \\", None),
        ("key_a1_Pro\nducts_sync_2020-02-10.csv", "NAME_FORM", "the name holds a control character", None),
        (
            "",
            "NAME_FORM",
            "the name is empty; a feed is called <key>_<section>_[force]<operation>_<timestamp>.<extension>",
            None,
        ),
    ],
)
def test_wrong_names(filename: str, code: str, message: str, meant: str | None) -> None:
    name = bad(filename)
    assert (name.code, name.message, name.did_you_mean) == (code, message, meant)


def test_a_name_that_was_built_reads_back() -> None:
    name = good(build("key_a1", "Search Suggestions", "sync", WHEN, force=True))
    assert (name.catalog, name.operation, name.force) == ("key_a1/Search Suggestions", "sync", True)
    assert (name.parsed_time, name.extension) == (WHEN, "tar.gz")
