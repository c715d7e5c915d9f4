"""`status`, `where`, `incident`, `service unit`, `doctor`: what people see of the service."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from command import command
from feedengine.cli.dispatch import dispatch
from feedengine.ledger import Queue, process
from feedengine.service import whereabouts
from feedengine.service.running import Running
from tell.office import NAME, Office
from tell.servers import certificate


@pytest.fixture
def office(tmp_path: Path):
    made = Office(tmp_path)
    yield made
    made.store.ledger.close()


@pytest.fixture
def say(office: Office, capsys: pytest.CaptureFixture[str]):
    """Run a command on the office's store; gives its code and what it says."""

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        config = str(office.root / "feedengine.toml")
        code = dispatch(["--store", str(office.store.root), "--config", config, *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def said(office: Office, name: str = NAME) -> str:
    return whereabouts.find(office.store, name)[0].line


# Where


@pytest.mark.feature("W36")
def test_a_file_is_followed_from_its_landing_to_its_folder(office: Office) -> None:
    home = office.store.root / "homes" / "ann"
    (home / "in").mkdir(parents=True)
    (home / "in" / NAME).write_text("x")
    assert said(office) == f"{NAME}: landed, no task yet; now /in/{NAME} of ann"
    first = office.queued(filename="another.csv")
    task = office.queued(home=str(home), visible=str(home / "in" / NAME))
    assert said(office) == f"{NAME}: queued at position 2 of key_7AeG (task {task}); now /in/{NAME} of ann"
    office.store.ledger.cancel(first)
    assert "queued at position 1 of key_7AeG" in said(office)
    office.store.ledger.start(task)
    assert said(office).startswith(f"{NAME}: running since 20")
    office.store.ledger.finish(task, "ok_with_errors", new_snapshot=61)
    moved = home / "processed" / "2026" / f"{task}__{NAME}"
    moved.parent.mkdir(parents=True)
    os.rename(home / "in" / NAME, moved)
    Queue(office.store.ledger).mark(task, visible=str(moved))
    line = said(office)
    assert line.startswith(f"{NAME}: applied as snapshot 61 at 20") and "some rows rejected" in line
    assert line.endswith(f"(task {task}); now /processed/2026/{task}__{NAME} of ann")
    assert said(office, moved.name) == line, "found under its new name as well"
    assert said(office, f"/anywhere/{NAME}") == line
    moved.unlink()
    assert said(office).endswith(f"(task {task})"), "gone from its folder, not from memory"


@pytest.mark.feature("W36", "C36")
def test_what_came_of_a_file_is_said_in_one_line(office: Office) -> None:
    office.failed("EMPTY")
    assert "rejected at 20" in said(office) and "the file is wrong: EMPTY" in said(office)
    refused = office.failed("SAFEGUARD", "refused")
    assert "stopped by the removal safeguard, waits for approval" in said(office)
    office.store.ledger.reject(refused, actor="eve", reason=None)
    assert "rejected by eve: the file is wrong" in said(office)
    office.done("no_change", snapshot=None)
    assert "nothing to change (no change)" in said(office)
    task = office.queued()
    office.store.ledger.cancel(task)
    assert "canceled at 20" in said(office)
    assert len(whereabouts.find(office.store, NAME)) == 4
    assert whereabouts.find(office.store, "never.csv") == []
    assert whereabouts.find(office.store, f"{refused + 90}__{NAME}") == []


def test_where_is_a_command(office: Office, say: Any) -> None:
    office.failed("EMPTY")
    office.done()
    code, text = say("where", NAME)
    assert code == 0 and text.count("\n") == 1 and "applied as snapshot 61" in text
    assert say("where", NAME, "--all")[1].count("\n") == 2
    document = json.loads(say("--json", "where", NAME)[1])
    assert document["schema"] == "feedengine.where/1" and document["total"] == 2
    assert document["files"][0]["state"] == "applied"
    assert say("where", "never.csv")[0] == 8


def test_a_name_cannot_paint_the_terminal(office: Office, say: Any) -> None:
    office.done(filename="a\x1b[2Jb.csv")
    assert "\x1b" not in say("where", "a\x1b[2Jb.csv")[1]


# Status


@pytest.mark.feature("C36")
def test_status_of_a_service_that_does_not_run(office: Office, say: Any) -> None:
    code, text = say("status")
    assert code == 0 and text.startswith("Stopped   the service does not run; feedengine serve starts it\n")
    document = json.loads(say("--json", "status")[1])
    assert document["schema"] == "feedengine.status/1" and not document["ok"] and document["pid"] is None


@pytest.mark.feature("C36")
def test_status_shows_what_runs_waits_and_is_wrong(office: Office, say: Any) -> None:
    office.configure(
        '[mail]\nhost = "127.0.0.1"\nto = ["ops@shop.example"]\n[sources.erp]\nurl = "/srv/erp"\nschedule = "15m"\n'
    )
    done = office.done()
    held = office.failed("SAFEGUARD", "refused", key="k2")
    office.failed("EMPTY", key="k3")
    running = office.landed(filename="now.csv")
    office.queued()
    lock = Running(office.store)
    lock.children({"keeper": process.myself(), "worker.1": ""})
    code, text = say("status")
    lock.close()
    lines = text.splitlines()
    assert code == 0
    assert f"Serving   process {os.getpid()}: keeper" in lines and "TROUBLE   worker.1 is down" in lines
    assert any(line.startswith("Queue     1 wait, the oldest since ") and line.endswith("; 1 run") for line in lines)
    assert any(
        line.startswith(f"Running   task {running}: sync key_7AeG/Products now.csv, reading, for ") for line in lines
    )
    assert f"Approvals task {held} is refused: {NAME}; feedengine task show {held}" in lines
    assert any("#2 task_failed k3/Products since 20" in line and "EMPTY" in line for line in lines)
    assert any(f"key_7AeG/Products: snapshot 61, task {done} at 20" in line for line in lines)
    assert any(line.startswith("Sources   erp: next never, last good never") for line in lines)
    assert any("messages: 2 mail waiting" in line for line in lines)
    assert max(map(len, lines)) <= 160


def test_status_cuts_long_lists_and_says_so(office: Office, say: Any) -> None:
    for number in range(14):
        office.incidents.open("source_failing", f"s{number}", {})
    text = say("status")[1]
    assert text.count("source_failing") == 10 and "and 4 more" in text


# Incidents


def test_incidents_are_listed_and_known(office: Office, say: Any) -> None:
    assert say("incident", "list")[1] == "no incidents\n"
    office.configure('[mail]\nhost = "127.0.0.1"\nto = ["ops@shop.example"]\n')
    office.failed()
    assert "task_failed  key_7AeG/Products" in say("incident", "list")[1]
    assert "is known to" in say("incident", "ack", "1")[1]
    assert json.loads(say("--json", "incident", "list")[1])["incidents"][0]["acknowledged_by"]
    office.done()
    assert say("incident", "list")[1] == "no incidents\n" and "closed 20" in say("incident", "list", "--all")[1]
    assert say("incident", "ack", "99")[0] == 8
    assert "ops@shop.example" in say("incident", "messages")[1]
    assert "1 are tried again" in say("incident", "resend")[1]


# The unit


def unit(text: str) -> dict[str, dict[str, list[str]]]:
    """Sections of a unit file; a key may come several times."""

    class Many(dict[str, Any]):
        def __setitem__(self, key: str, value: Any) -> None:
            super().__setitem__(key, self[key] + value if isinstance(value, list) and key in self else value)

    parser = configparser.RawConfigParser(dict_type=Many, strict=False, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return {name: {key: str(value).split("\n") for key, value in parser[name].items()} for name in parser.sections()}


def test_the_unit_is_for_this_store_and_lets_it_do_little_else(office: Office, say: Any) -> None:
    code, text = say("service", "unit", "--user", "feeds")
    service = unit(text)["Service"]
    assert code == 0 and service["User"] == ["feeds"] and service["Type"] == ["notify"]
    store, config = str(office.store.root), str(office.root / "feedengine.toml")
    assert service["ExecStart"][0].endswith(f" --store {store} --config {config} serve")
    assert service["ReadWritePaths"] == [store] and service["CapabilityBoundingSet"] == [""]
    for hard in ("NoNewPrivileges", "ProtectKernelModules", "RestrictNamespaces", "LockPersonality"):
        assert service[hard] == ["yes"]
    assert service["PrivateTmp"] == ["no"], "its own files lie below /tmp"


def test_the_unit_of_port_21_and_of_a_path_with_odd_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office(tmp_path / 'a $b%c "d')
    office.configure('[ftps]\nport = 21\n[sources.x]\nurl = "/srv/other"\n[serve]\ndrain = 100\n')
    config = str(office.root / "feedengine.toml")
    assert dispatch(["--store", str(office.store.root), "--config", config, "service", "unit"]) == 0
    service = unit(capsys.readouterr().out)["Service"]
    assert service["AmbientCapabilities"] == ["CAP_NET_BIND_SERVICE"] and service["TimeoutStopSec"] == ["115"]
    assert 'a $$b%%c \\"d/store" --config' in service["ExecStart"][0]
    assert service["ReadWritePaths"][0].endswith('a $b%%c \\"d/store"') and service["ReadWritePaths"][1] == "/srv/other"
    office.store.ledger.close()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_takes_the_unit_and_finds_it_tight(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office(tmp_path / "a b%c")
    given = ["--store", str(office.store.root), "--config", str(office.root / "feedengine.toml")]
    assert dispatch([*given, "service", "unit", "--user", "root"]) == 0
    file = tmp_path / "feedengine.service"
    file.write_text(capsys.readouterr().out)
    checked = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=30", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-300:]
    office.store.ledger.close()


def test_a_user_that_would_be_another_line_is_refused(office: Office, say: Any) -> None:
    assert say("service", "unit", "--user", "x\nExecStartPre=/bin/evil")[0] == 2


# Doctor and init


def findings(text: str) -> dict[str, tuple[str, str]]:
    return {each["name"]: (each["state"], each["said"]) for each in json.loads(text)["findings"]}


def test_doctor_tells_a_port_that_is_taken(office: Office, say: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        office.configure(f'[ftps]\nhost = "127.0.0.1"\nport = {port}\n')
        code, text = say("--json", "doctor")
    state, what = findings(text)["ftps.port"]
    assert code == 9 and state == "bad" and what.startswith(f"port {port} can't be used: address already in use")
    assert findings(text)["service"] == ("ok", "does not run")


def test_doctor_looks_at_certificate_clock_and_parts(office: Office, say: Any, tmp_path: Path) -> None:
    ended = certificate(tmp_path, days=-2)
    office.configure(f'[ftps]\ncertificate = "{ended.file}"\nkey = "{ended.key}"\n')
    task = office.done()
    with office.store.ledger.write() as con:
        con.execute("UPDATE tasks SET submission_time = '2999-01-01T00:00:00Z' WHERE id = ?", [task])
    lock = Running(office.store)
    lock.children({"keeper": process.myself(), "ftps": ""})
    code, text = say("doctor")
    lock.close()
    assert code == 9
    assert "WARN  service" in text and "down: ftps" in text
    assert any(line.startswith("BAD   clock") and "behind the newest task" in line for line in text.splitlines())
    assert any(line.startswith("WARN  certificate") and "expired on" in line for line in text.splitlines())


def test_init_explains_every_setting_and_every_named_table(tmp_path: Path) -> None:
    from feedengine.settings.table import NAMED, SETTINGS

    assert command("init", tmp_path).returncode == 0
    text = (tmp_path / "feedengine.toml").read_text()
    for setting in SETTINGS:
        assert f"# {setting.about}\n#{setting.name} = " in text, setting.dotted
    for table, keys in NAMED.items():
        assert f"\n#[{table}." in text
        for key in keys:
            assert f"# {key.about}\n#{key.name} = " in text, f"{table}.{key.name}"
    assert '#max_bytes = "64MiB"' in text and '#disk_free = "2GB"' in text
