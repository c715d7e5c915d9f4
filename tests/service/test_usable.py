"""`config check` says of everything that the settings name whether it can be used, before anybody is connected to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feedengine.cli.dispatch import dispatch
from feedengine.cli.render.error import error
from feedengine.errors import ConfigError

RIGHT = """
[ftps]
certificate = "{here}/server.pem"
[sources.erp]
url = "sftp://shop@files.example.com/out"
password_file = "secret"
known_host = "SHA256:AAAA"
schedule = "15m"
[targets.shop]
url = "ftps://feeds@ftp.example.com/in"
password_file = "secret"
[webhooks.shop]
url = "https://shop.example/hook"
secret_file = "secret"
"""
# What is wrong, and words of what is said of it.
WRONG = {
    "[targets.x]": "targets.x",
    '[targets.x]\nurl = "gopher://host/x"': "gopher",
    '[targets.x]\nurl = "ftps://u@h/x"\npassword_file = "none"': "none",
    '[sources.x]\nurl = "ftps://u@h/x"\npassword_env = "NOT_SET_ANYWHERE"\nschedule = "5m"': "NOT_SET_ANYWHERE",
    '[sources.x]\nurl = "/tmp"\nschedule = "5m"\ncatalog = "key_a1/Products"': "catalog needs operation",
    '[webhooks.x]\nurl = "https://h/x"\nsecret_file = "none"': "none",
    '[ftps]\ncertificate = "/none/server.pem"': "ftps.certificate: there is no file /none/server.pem",
    '[catalogs."key_a1/Shop"]\nprofile = "none.toml"': "none.toml",
    '[safeguard]\nmust_exist = { file = "none.csv", limit = "2%" }': "must_exist: could not read",
    '[catalogs."key_a1/Shop".safeguard]\nmust_exist = { file = "s", limit = "2%", entity = "x" }': 'a list for "x"',
}


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Check these settings; gives the exit code and what is said."""
    for name in ("server.pem", "secret"):
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(0o600)

    def run(text: str, *words: str) -> tuple[int, str]:
        (tmp_path / "feedengine.toml").write_text(text.replace("{here}", str(tmp_path)))
        code = dispatch(["--config", str(tmp_path / "feedengine.toml"), *words, "config", "check"])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def test_what_is_right_is_counted(check) -> None:
    code, said = check(RIGHT)
    assert code == 0 and "1 sources, 1 targets, 1 webhooks" in said
    document = json.loads(check(RIGHT, "--json")[1])
    assert document["ok"] is True and document["named"]["sources"] == ["erp"]


@pytest.mark.parametrize("wrong", WRONG, ids=[said.split("/")[0] for said in WRONG.values()])
def test_what_could_not_be_used_is_said(check, wrong: str) -> None:
    code, said = check(wrong)
    assert code == 2 and WRONG[wrong] in " ".join(said.split()) and "Nothing was started" in said


def test_everything_that_is_wrong_is_said_at_once(check) -> None:
    code, said = check('[targets.x]\n[targets.y]\nurl = "gopher://host/x"\n')
    assert code == 2 and "targets.x" in said and "gopher" in said


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("bad.toml: there is no table [x]", "ERROR     bad.toml: there is no table [x]. [CONFIG]"),
        ("ftps.port must be a whole number", "ERROR     ftps.port must be a whole number. [CONFIG]"),
        ("there is no catalog", "ERROR     There is no catalog. [CONFIG]"),
        ("x: y", "ERROR     X: y. [CONFIG]"),
        ("", "ERROR     . [CONFIG]"),
    ],
)
def test_a_name_at_the_beginning_of_an_error_stays_as_it_is(message: str, shown: str) -> None:
    assert error(ConfigError(message)) == [shown]
