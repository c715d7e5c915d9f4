"""From what a person wrote to a place: URLs, named tables, passwords and where they may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feedengine.errors import ConfigError, UsageError
from feedengine.settings.tables.connection import CONNECTION
from feedengine.transport.connecting import dangers, parse_url, place_of
from feedengine.transport.remote import Place


def table(**given: Any) -> dict[str, Any]:
    return {key.name: given.get(key.name, key.default) for key in CONNECTION}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("ftps://shop@feeds.example.com/in", Place("ftps", "/in", "feeds.example.com", 21, "shop")),
        ("ftps-implicit://a%40b@h:9900/", Place("ftps-implicit", "/", "h", 9900, "a@b")),
        ("ftps-implicit://h", Place("ftps-implicit", "", "h", 990)),
        ("sftp://u@[::1]:2222/a%20b", Place("sftp", "/a b", "::1", 2222, "u")),
        ("ftp://h/x", Place("ftp", "/x", "h", 21)),
        ("file:///srv/in%20box", Place("local", "/srv/in box")),
        ("in/box", Place("local", "in/box")),
    ],
)
def test_a_url_is_read(url: str, place: Place) -> None:
    found = parse_url(url, env={})
    assert str(found) == str(place)
    assert (found.scheme, found.path, found.host, found.port, found.user) == (
        place.scheme, place.path, place.host, place.port, place.user,
    )  # fmt: skip


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_url("ftps://u:hunter2@h/in", env={})
    assert "hunter2" not in str(caught.value.as_dict())
    assert "FEEDENGINE_REMOTE_PASSWORD" in str(caught.value.as_dict())
    with pytest.raises(ConfigError) as again:
        place_of(table(url="ftps://u:hunter2@h/in"), name="sources.erp")
    assert "hunter2" not in str(again.value.as_dict())
    assert again.value.message.startswith("sources.erp.url: ")


def test_the_password_of_a_url_comes_from_the_environment() -> None:
    place = parse_url("ftps://u@h/in", env={"FEEDENGINE_REMOTE_PASSWORD": "hunter2"})
    assert place.password.reveal() == "hunter2"
    assert "hunter2" not in repr(place) + str(place)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://h/x", "begins with ftps://"),
        ("ftps:///x", "names no server"),
        ("ftps://h:99999/x", "port"),
        ("ftps://h/a#b", "%23"),
        ("", "needs a URL"),
    ],
)
def test_a_wrong_url_says_what_is_wrong(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_url(url, env={})


def test_a_table_by_parts_and_by_url_is_the_same_place(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pass word\n")
    (tmp_path / "secret").chmod(0o600)
    by_parts = place_of(
        table(scheme="ftps", host="h", user="u", path="/in", password_file="secret"), beside=tmp_path, env={}
    )
    by_url = place_of(table(url="ftps://u@h/in", password_env="P"), env={"P": "pass word"})
    assert str(by_parts) == str(by_url) == "ftps://u@h:21/in"
    assert by_parts.password.reveal() == by_url.password.reveal() == "pass word"
    assert place_of(table(url="drop"), beside=tmp_path).path == str(tmp_path / "drop")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "no url"),
        ({"scheme": "ftps"}, "needs a host"),
        ({"scheme": "local"}, "needs a path"),
        ({"url": "ftps://h/", "host": "h"}, "twice"),
        ({"url": "ftps://h/", "password_env": "A", "password_file": "b"}, "twice"),
        ({"url": "ftps://h/", "password_env": "A"}, "environment has no A"),
        ({"url": "ftps://h/", "password_file": "missing"}, "could not read missing"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        place_of(table(**given), name="sources.erp", env={})
    assert caught.value.message.startswith("sources.erp")


def test_a_password_file_that_everybody_reads_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(ConfigError, match="every user") as caught:
        place_of(table(url="ftps://h/", password_file="secret"), beside=tmp_path, env={})
    assert caught.value.hints[0].argv[:2] == ("chmod", "600")


def test_what_is_not_protected_is_said() -> None:
    assert dangers(place_of(table(url="ftp://h/"), env={}))
    assert dangers(place_of(table(url="ftps://h/", verify="off"), env={}))
    assert dangers(place_of(table(url="sftp://h/", known_host="off"), env={}))
    assert not dangers(place_of(table(url="ftps://h/"), env={}))
    assert not dangers(place_of(table(url="sftp://h/"), env={}))
