"""docs/operating.md tells the truth: its commands run, its settings load, its metrics and alarms are all there are."""

from __future__ import annotations

import re
import shlex
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from feedengine.cli.dispatch import dispatch
from feedengine.cli.tree import VERBS, module
from feedengine.ledger.figures import Figures
from feedengine.ledger.incidents import KINDS
from feedengine.notify.webhook import sign
from feedengine.service import state
from feedengine.service.letters import FIRST_PROBLEMS
from feedengine.service.metrics import render
from feedengine.settings import Settings
from feedengine.settings.kinds import Secret
from tell import exposition
from tell.office import Office
from tell.servers import certificate

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
UP = {"parts": {"ftps": True}, "servers": {"ftps": {"sessions": 3}}}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


def test_the_commands_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Whether the usual ports are free is not what this is about.
    monkeypatch.setenv("FEEDENGINE_FTPS_PORT", "0")
    monkeypatch.setenv("FEEDENGINE_HEALTH_PORT", "0")
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert len(lines) >= 8 and all(line.startswith("$ feedengine ") for line in lines)
    for line in lines:
        words, _, comment = line.removeprefix("$ feedengine ").partition("    # exit ")
        argv = [word.replace("/var/lib/feedengine", str(tmp_path)) for word in shlex.split(words)]
        assert dispatch([*argv, "--quiet"]) == int(comment or 0), line


def test_the_settings_load(tmp_path: Path) -> None:
    for block in blocks("toml"):
        path = tmp_path / "feedengine.toml"
        path.write_text(block)
        assert Settings.load(path, env={}).file == path


def test_the_receivers_example_accepts_what_we_sign_and_nothing_else() -> None:
    (example,) = blocks("python")
    names: dict[str, Any] = {}
    exec(example, names)
    genuine = names["genuine"]
    body, now = b'{"a":1}', int(time.time())
    header = sign(Secret("s3cret"), body, now)
    assert genuine("s3cret", header, body)
    assert not genuine("s3cret", header, body + b" ") and not genuine("other", header, body)
    assert not genuine("s3cret", sign(Secret("s3cret"), body, now - 301), body)
    assert not genuine("s3cret", "", body) and not genuine("s3cret", "t=x,v1=y", body)


def test_every_metric_is_documented_and_every_documented_one_exists(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.configure(
        '[mail]\nhost = "127.0.0.1"\n[sources.erp]\nurl = "/srv/erp"\n[exports.orders]\ncatalog = "acme/main"\n'
    )
    office.done()
    office.messages.enqueue("mail", "x", {})
    office.messages.sent(1)
    (office.store.root / "tls").mkdir()
    (office.store.root / "tls" / "server.crt").write_bytes(certificate(tmp_path).file.read_bytes())
    found = state.look(office.store, office.settings)
    when = {"good": "2026-11-21T02:00:00Z", "file": "2026-11-21T02:00:00Z"}
    sources = {name: type(each)(**{**vars(each), **when}) for name, each in found.sources.items()}
    found = state.State(**{**vars(found), "sources": sources, "pid": 1, **UP})
    families = exposition.read(render(found, Figures(office.store.ledger).counters()))
    documented = set(re.findall(r"`(feedengine_\w+)(?:\{[\w,]+\})?`", TEXT))
    assert documented == set(families)
    for name, labels in re.findall(r"`(feedengine_\w+)\{([\w,]+)\}`", TEXT):
        for _, given in families[name].samples:
            assert {label for label, _ in given} == set(labels.split(",")), name
    office.store.ledger.close()


def test_every_alarm_has_its_next_command() -> None:
    table = re.findall(r"^\| `(\w+)` \|.*\| (.+) \|$", TEXT.partition("### Alarms")[2], re.MULTILINE)
    assert {kind for kind, _ in table} >= set(KINDS)


def test_commands_and_settings_that_are_named_exist() -> None:
    for verb, word in re.findall(r"feedengine (\w+)(?: ([a-z]+))?(?=[ `)\n;])", TEXT.partition("## Serve")[2]):
        if verb in VERBS:
            group = getattr(import_module(module(verb)), "group", None)
            assert group is None or word in group.commands, f"{verb} {word}"
    for verb in re.findall(r"`feedengine (\w+)", TEXT):
        assert verb in VERBS, verb
    values = Settings.load(env={}).values
    for name in re.findall(r"`((?:ftps|sftp|mail|log|queue|alarms|serve|health)\.\w+)`", TEXT):
        assert name in values, name


@pytest.mark.feature("W14")
def test_a_mail_holds_as_many_faults_as_is_said() -> None:
    assert re.findall(r"the first (\d+) bad rows", TEXT) == [str(FIRST_PROBLEMS)]
