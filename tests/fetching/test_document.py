"""docs/fetching.md: every key, an example that loads."""

from __future__ import annotations

import re
from pathlib import Path

from feedengine.service.fetching.source import sources
from feedengine.settings import Settings
from feedengine.settings.table import NAMED

DOCUMENT = (Path(__file__).parents[2] / "docs" / "fetching.md").read_text(encoding="utf-8")


def test_every_key_is_explained() -> None:
    explained = re.findall(r"^\| `([a-z_]+)` \| [^|]* \| .+ \|$", DOCUMENT, re.MULTILINE)
    assert explained == [key.name for key in NAMED["sources"]]


def test_the_example_loads(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    file = tmp_path / "feedengine.toml"
    file.write_text(example)
    found = sources(Settings.load(file, env={}))
    assert list(found) == ["erp", "prices", "share"]
    (tmp_path / "erp.password").write_text("secret\n")
    (tmp_path / "erp.password").chmod(0o600)
    assert [each.place(env={}).scheme for each in found.values()] == ["ftps", "sftp", "local"]
