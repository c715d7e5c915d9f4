"""Settings of telling people: what is wrong is said when they are read, not when somebody should be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.errors import ConfigError
from feedengine.settings import Settings, secrets


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[mail]\nto = ["ops"]\n', 'mail.to must hold mail addresses such as ops@shop.example; not "ops".'),
        ('[mail]\nfrom = "a@b\\nBcc: c@d"\n', "mail.from must hold mail addresses"),
        ('[mail]\non = ["sucess"]\n', 'mail.on may hold success, errors, failure, hold, incident; not "sucess".'),
        ("[webhooks.x]\n", '[webhooks.x] needs "url"'),
        ('[webhooks.x]\nurl = "ftp://h/"\n', 'webhooks.x.url must be like "https://host/path".'),
        ('[webhooks.x]\nurl = "https://u:hunter2@h/"\n', "webhooks.x.url must not hold a login"),
        ('[log]\nmode = "0666"\n', 'log.mode must be one of 0600, 0640; not "0666".'),
    ],
)
def test_a_wrong_setting_is_told_when_it_is_read(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "feedengine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Settings.load(path, {})
    assert message in caught.value.message and "hunter2" not in caught.value.message


def test_a_secret_comes_from_a_file_or_the_environment_never_from_one_that_all_can_read(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    file.chmod(0o640)
    found = secrets.resolve("mail.password", file="secret", variable=None, beside=tmp_path)
    assert found.reveal() == "hunter2" and "hunter2" not in repr(found)
    assert secrets.resolve("x", file=None, variable="V", beside=None, env={"V": "s"}).reveal() == "s"
    assert not secrets.resolve("x", file=None, variable=None, beside=None)
    for problem, more in (
        ("twice", {"file": "secret", "variable": "V"}),
        ("has no V", {"file": None, "variable": "V"}),
        ("could not read", {"file": "none", "variable": None}),
    ):
        with pytest.raises(ConfigError, match=problem):
            secrets.resolve("mail.password", beside=tmp_path, env={}, **more)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="every user of this machine"):
        secrets.resolve("mail.password", file="secret", variable=None, beside=tmp_path)
