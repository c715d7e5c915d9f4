"""What `[targets.NAME]` may say, and what is told of a wrong value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import command
from feedengine.errors import ConfigError
from feedengine.service.targets import is_ours, target_of
from feedengine.settings import Settings
from feedengine.settings.tables.send import KEYS


def load(folder: Path, lines: str) -> Settings:
    path = folder / "feedengine.toml"
    path.write_text(f"[targets.shop]\n{lines}\n")
    return Settings.load(path, env={})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('blackout = "22-06"', "must be hours of a day such as 22:00-06:00"),
        ('blackout = "24:00-06:00"', "must be hours of a day"),
        ('blackout = "06:00-06:00"', "must be hours of a day"),
        ("blackout = 22", "must be hours of a day"),
        ('time_zone = "Mars/Olympus"', "must be a time zone such as"),
        ('time_zone = "../../etc/passwd"', "must be a time zone such as"),
        ('temporary = "part"', "must hold {name} once"),
        ('temporary = "{name}"', "must hold {name} once"),
        ('temporary = "tmp/{name}"', "no /"),
        ("attempts = 0", "at least 1"),
        ('check = "md5"', "must be one of hash, size, none"),
        ('existing = "append"', "must be one of replace, fail"),
        ('removal_limit = "much"', "must be a share"),
        ("bandwidth = 5", "there is no key"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_right(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f'url = "x"\n{line}')
    assert said in str(caught.value)


def test_places_keys_and_secrets(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("pass phrase\n")
    settings = load(
        tmp_path,
        'url = "ftps://me@host:2121/in"\npassword_file = "secret"\ntemporary = "{name}.filepart"\n'
        'blackout = "22:00-06:00"\ntime_zone = "Europe/Berlin"\nremoval_limit = 20',
    )
    target = target_of(settings, "shop")
    assert (str(target.place), target.place.password.reveal()) == ("ftps://me@host:2121/in", "pass phrase")
    assert "pass phrase" not in repr(target)
    assert target.temporary("a/feed.csv") == "a/feed.csv.filepart"
    assert (target.keys["removal_limit"], target.keys["attempts"]) == ("20", 100)


def test_the_courier_sends_where_it_can_log_in(tmp_path: Path) -> None:
    settings = load(tmp_path, 'url = "x"')
    names = ("shop", "/mnt/share", "ftps://me@host/in", "sftp://me@host/in", "file:///mnt/share", "unknown")
    assert [name for name in names if is_ours(settings, name)] == ["shop", "/mnt/share", "file:///mnt/share"]


def test_every_key_of_a_target_is_explained_by_config_schema() -> None:
    told = json.loads(command("--json", "config", "schema").stdout)["named"]["targets"]
    assert {each["name"] for each in told} == {key.name for key in KEYS}
    text = command("config", "schema").stdout
    assert "targets.NAME.temporary" in text and "webhooks.NAME.url = (required)" in text
