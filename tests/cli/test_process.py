"""The command in a process of its own: what it loads, where it writes, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import command, environment

HEAVY = (
    "typer",
    "pydantic",
    "duckdb",
    "_duckdb",
    "pyarrow",
    "rich",
    "numpy",
    "feedengine._engine",
    "feedengine.ingest",
    "sqlite3",
)


def loaded(*argv: str) -> set[str]:
    """Modules that a run of the command line has loaded at its end."""
    program = (
        "import atexit, sys\nfrom feedengine.cli.main import run\n"
        "atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr))\n"
        "run(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *argv], capture_output=True, text=True, env=environment(), check=True
    )
    modules = set(done.stderr.split())
    assert "feedengine.cli.main" in modules, "who asked to be called at the end is called"
    return modules


@pytest.mark.parametrize("argv", [("--help",), ("sync", "--help"), ("--version",), ("config", "show"), ()])
def test_nothing_heavy_is_loaded_without_need(argv: tuple[str, ...]) -> None:
    assert loaded(*argv) & set(HEAVY) == set()


def test_only_the_typed_command_is_loaded() -> None:
    commands = {name for name in loaded("plan", "--help") if name.startswith("feedengine.cli.commands.")}
    assert commands == {"feedengine.cli.commands.plan"}


def test_the_version_needs_no_parser() -> None:
    assert "argparse" not in loaded("--version")
    done = command("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("feedengine ")


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["synk"], 2, 'There is no command "synk"; did you mean sync?'),
        (["sync"], 2, "The following arguments are required: FILE"),
        (["sync", "--nonsense", "x"], 2, "There is no option --nonsense"),
        (["--progress", "loud", "config", "show"], 2, '--progress must be one of auto, bar, log, none; not "loud"'),
        (["--store"], 2, "--store needs a value"),
        (["--json", "--events", "config", "show"], 2, "exclude each other"),
        (["--config", "none.toml", "config", "check"], 2, "There is no settings file none.toml"),
        (["sync", "none.csv"], 2, "There is no file none.csv"),
        (["diff", "none.csv", "7"], 2, '"none.csv" is no file and no snapshot'),
        (["diff", "1", "2", "--format", "xml"], 2, "--format must be one of table, csv, jsonl, daff, html"),
        (["task", "approve", "1"], 2, "Say either --remove N"),
        (["task", "show", "1"], 8, "o store in"),
        (["snapshot", "list"], 8, "o store in"),
        (["trace", "A1"], 8, "o store in"),
    ],
)
def test_mistakes_have_their_exit_code_and_one_message(argv: list[str], code: int, said: str, tmp_path: Path) -> None:
    done = command("--store", tmp_path / "none", *argv)
    assert done.returncode == code, done.stderr
    assert " ".join(said.split()) in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "argv", "code", "said"),
    [
        ("feed.csv", [], 5, "cannot be read (form)"),
        ("key_a_Products_delta_2026-01-01.csv", [], 2, "By its name this feed is a delta, not a sync"),
        ("key_a_Products_sync_2026-01-01.csv", ["--operation", "upsert"], 2, '"upsert" is no operation'),
        ("key_a_Products_sync_2026-01-01.csv", ["--force"], 2, "--force wants --reason"),
        ("key_a_Products_sync_2026-01-01.csv", ["--catalog", "key_a"], 2, "--catalog wants key/section"),
        ("key_a_Products_sync_2026-01-01.csv", ["--removal-limit", "lots"], 2, "--removal-limit must be a share"),
        ("key_a_Products_sync_2026-01-01.csv", ["--memory-limit", "1MiB"], 2, "--memory-limit must be at least 256MiB"),
    ],
)
def test_a_feed_that_cannot_be_begun(name: str, argv: list[str], code: int, said: str, tmp_path: Path) -> None:
    feed = tmp_path / name
    feed.write_text("id,item_name\nA,Boot\n")
    done = command("--store", tmp_path / "none", "sync", feed, *argv)
    assert done.returncode == code, done.stderr
    assert said in " ".join(done.stderr.split())


def test_json_is_exactly_one_object_even_for_an_error(tmp_path: Path) -> None:
    done = command("snapshot", "list", "--json", "--store", tmp_path / "none")
    document = json.loads(done.stdout)
    assert document["schema"] == "feedengine.error/1"
    assert (document["error"]["code"], document["error"]["exit"]) == ("STORE_NOT_FOUND", 8)
    assert done.returncode == 8


@pytest.mark.parametrize("verb", ["sync", "validate"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("folder", "is a folder"),
        ("pipe", "is a pipe or a device"),
        ("-", "cannot come from standard input"),
        ("none", "There is no file"),
    ],
)
def test_what_is_named_is_no_file(kind: str, said: str, verb: str, tmp_path: Path) -> None:
    feed = tmp_path / "key_a_Products_sync_2026-01-01-00-00-00.csv"
    if kind == "folder":
        feed.mkdir()
    elif kind == "pipe":
        os.mkfifo(feed)
    done = command("--store", tmp_path / "none", verb, "-" if kind == "-" else feed)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert said in " ".join(done.stderr.split()) and "[NO_FILE]" in done.stderr


def test_a_store_one_folder_further_down_is_found(tmp_path: Path) -> None:
    assert command("init", tmp_path / "new").returncode == 0
    done = command("--json", "--store", tmp_path / "new", "snapshot", "list")
    [hint] = json.loads(done.stdout)["error"]["hints"]
    assert done.returncode == 8 and command(*hint["argv"][1:]).returncode == 0


def test_events_begin_with_their_version(tmp_path: Path) -> None:
    done = command("--events", "config", "check", "--store", tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0] == {"type": "version", "events": "1.0"}
    assert lines[-1]["type"] == "result"


def test_init_makes_a_settings_file_that_is_valid_and_a_store(tmp_path: Path) -> None:
    done = command("init", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / "feedengine-store" / "store.json").is_file()
    assert len([line for line in done.stderr.splitlines() if " feedengine " in line]) == 3
    config = tmp_path / "new" / "feedengine.toml"
    checked = command("--config", config, "config", "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    # With every default written out the file still says the same.
    config.write_text(
        "\n".join(line[1:] if re.match(r"#(\w+ = |\[)", line) else line for line in config.read_text().splitlines())
    )
    again = command("--config", config, "--json", "config", "check")
    assert again.returncode == 0, again.stderr
    kept = command("init", tmp_path / "new")
    assert "kept" in kept.stderr and kept.returncode == 0


def test_init_makes_the_store_where_every_later_command_looks_for_it(tmp_path: Path) -> None:
    said = {"FEEDENGINE_STORE": str(tmp_path / "there")}
    assert command("init", tmp_path / "new", **said).returncode == 0
    assert not (tmp_path / "new" / "feedengine-store").exists()
    assert command("task", "list", **said).returncode == 0


def test_init_makes_the_store_that_a_settings_file_names(tmp_path: Path) -> None:
    """It is what a command says to type that does not find its store."""
    config = tmp_path / "there.toml"
    config.write_text('[store]\npath = "shop"\n')
    lost = command("--config", config, "task", "list")
    assert lost.returncode == 8 and f"--config {config} init" in lost.stderr
    assert command("--config", config, "init").returncode == 0
    assert (tmp_path / "shop" / "store.json").is_file()
    assert command("--config", config, "task", "list").returncode == 0
    written = tmp_path / "new" / "other.toml"
    assert command("--config", written, "init", tmp_path / "new").returncode == 0
    assert written.is_file() and (tmp_path / "new" / "feedengine-store" / "store.json").is_file()


def test_settings_show_their_origin(tmp_path: Path) -> None:
    config = tmp_path / "feedengine.toml"
    config.write_text('[safeguard]\nlimit = "40%"\n')
    done = command("config", "show", "--config", config, "--json", FEEDENGINE_RULES_ROWS="reject")
    found = {each["name"]: each for each in json.loads(done.stdout)["settings"]}
    assert found["safeguard.limit"]["origin"] == f"file {config}"
    assert found["rules.rows"] == {"name": "rules.rows", "value": "reject", "origin": "env FEEDENGINE_RULES_ROWS"}
    assert found["rules.cascade"]["origin"] == "default"


def test_a_bug_is_one_line_with_the_place_of_its_traceback(tmp_path: Path) -> None:
    program = (
        "from feedengine.cli import app\n"
        "def broken(words, session):\n    raise KeyError('boom')\n"
        "app.run = broken\n"
        "from feedengine.cli.main import run\nrun(['config', 'show'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(TMPDIR=str(tmp_path)),
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    log = tmp_path / f"feedengine-{os.getuid()}.log"
    assert done.stderr == f"BUG       KeyError: 'boom'; a bug of ours, the traceback is in {log}\n"
    assert "Traceback" in log.read_text()


def test_a_closed_pipe_ends_quietly() -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "feedengine", "config", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert running.stdout is not None and running.stderr is not None
    running.stdout.close()
    with running:
        assert running.stderr.read() == b""
    assert running.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("argv", [["config", "schema"], ["--json", "config", "show"], ["--json", "task", "show", "1"]])
def test_a_full_disk_under_stdout_is_one_line(argv: list[str], tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "feedengine", "--store", str(tmp_path), *argv],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            check=False,
        )
    assert done.returncode == 9, done.stderr
    assert done.stderr.count("could not be written") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(sign: signal.Signals, code: int) -> None:
    program = (
        "import time\nfrom feedengine.settings import Settings\n"
        "def slow(*given, **named):\n    print('ready', flush=True)\n    time.sleep(30)\n"
        "Settings.load = slow\n"
        "from feedengine.cli.main import run\nrun(['config', 'show'])\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert running.stdout is not None and running.stdout.readline() == "ready\n"
    time.sleep(0.05)
    running.send_signal(sign)
    _, said = running.communicate(timeout=120)
    assert running.returncode == code
    assert len(said.splitlines()) == 1


def test_colour_follows_the_options_and_the_environment() -> None:
    argv = ["sync", "none.csv"]
    plain = command(*argv).stderr
    assert "\x1b[" not in plain
    assert "\x1b[" in command("--color", "always", *argv).stderr
    assert "\x1b[" in command(*argv, CLICOLOR_FORCE="1", NO_COLOR="").stderr
    assert command("--color", "never", *argv, CLICOLOR_FORCE="1", NO_COLOR="").stderr == plain
