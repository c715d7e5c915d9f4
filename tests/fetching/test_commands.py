"""`feedengine source` and `feedengine schedule` as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command import command
from fetching.rig import Rig, feed


def run(rig: Rig, *words: str, code: int = 0, more: str = "") -> str:
    file = rig.there.parent / "feedengine.toml"
    file.write_text(
        f'[store]\npath = "{rig.store.root}"\n[sources.erp]\nurl = "{rig.there}"\nsettle = "0s"\n'
        f'schedule = "30 2 * * *"\ntime_zone = "Europe/Vienna"\n{more}'
    )
    done = command("--config", Path(file), *words)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def document(rig: Rig, *words: str) -> Any:
    return json.loads(run(rig, "--json", *words))


@pytest.mark.feature("W36")
def test_check_run_and_show(rig: Rig) -> None:
    rig.put(feed(1))
    rig.put("notes.txt.part")
    checked = document(rig, "source", "check", "erp")
    assert [(each["name"], each["state"]) for each in checked["files"]] == [
        (feed(1), "new"),
        ("notes.txt.part", "not wanted"),
    ]
    assert rig.tasks() == []
    assert "1 of them wanted and new; nothing was changed" in run(rig, "source", "check", "erp")
    ran = document(rig, "source", "run", "erp")
    assert ran["tasks"] == [{"file": feed(1), "task": 1}]
    assert run(rig, "source", "run", "erp") == "nothing new\n"
    assert document(rig, "source", "check", "erp")["files"][0]["state"] == "known"
    shown = document(rig, "source", "show", "erp")
    assert [(each["name"], each["state"], each["task"]) for each in shown["files"]] == [(feed(1), "handed", 1)]
    assert shown["state"] == "ok"
    assert "no source crm; known: erp" in run(rig, "source", "run", "crm", code=8)


def test_pause_and_resume(rig: Rig) -> None:
    assert document(rig, "source", "list")["sources"][0]["state"] == "new"
    run(rig, "source", "pause", "erp", "--reason", "they move house")
    [listed] = document(rig, "source", "list")["sources"]
    assert (listed["state"], listed["paused_why"]) == ("paused", "they move house")
    assert "paused" in run(rig, "schedule", "list")
    run(rig, "source", "resume", "erp")
    assert "not paused" in run(rig, "source", "resume", "erp", code=2)


@pytest.mark.feature("P4", "L2")
def test_the_next_times(rig: Rig) -> None:
    [found] = document(rig, "schedule", "next", "erp", "--count", "3")["schedules"]
    assert len(found["next"]) == 3
    assert all("T02:30:00+0" in each["local"] for each in found["next"])
    assert found["next"][0]["utc"] < found["next"][1]["utc"]


def test_what_fails_says_what_to_do(rig: Rig) -> None:
    failed = run(rig, "source", "check", "gone", code=8, more="[sources.gone]\nurl = '/nowhere/at/all'\n")
    assert "/nowhere/at/all is not there" in failed
    assert "Traceback" not in failed


def test_no_secret_is_shown(rig: Rig) -> None:
    secret = rig.there.parent / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    more = "[sources.far]\nurl = 'ftps://u@127.0.0.1:1/x'\npassword_file = 'secret'\nretries = 0\n"
    for words in (("list",), ("show", "far")):
        assert "hunter2" not in run(rig, "--json", "source", *words, more=more)
    failed = run(rig, "source", "run", "far", code=7, more=more)
    assert "nothing listens at 127.0.0.1:1" in failed and "hunter2" not in failed
