"""The service's log: one JSON object a line, safe for several processes, without secrets, never raising."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from feedengine.service.log import EventLog, Files, open_log
from feedengine.settings import Settings
from feedengine.settings.kinds import Secret
from feedengine.store import Store
from tell.clock import Clock


class Kept:
    """A sink that keeps lines, or refuses them."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.full = False

    def write(self, line: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.lines.append(line)


def log(kept: Kept, **options: Any) -> EventLog:
    return EventLog("ftps", kept, clock=Clock().now, **options)  # type: ignore[arg-type]


def test_a_line_has_time_level_part_process_event_and_facts() -> None:
    kept = Kept()
    log(kept)("ftps.login", user="ann", bytes=3, peer=None)
    assert json.loads(kept.lines[0]) == {
        "time": "2026-11-21T02:00:00.000Z",
        "level": "info",
        "part": "ftps",
        "pid": os.getpid(),
        "event": "ftps.login",
        "user": "ann",
        "bytes": 3,
        "peer": None,
    }


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_reaches_a_line(form: str) -> None:
    kept = Kept()
    write = log(kept, form=form)
    write(
        "x",
        password="hunter2",
        Secret_Key="hunter2",
        place={"token": "hunter2", "user": "ann"},
        given=Secret("hunter2"),
    )
    write("x", settings=[{"deep": {"password": "hunter2"}}], password_set=None)
    assert b"hunter2" not in b"".join(kept.lines)
    assert b"ann" in kept.lines[0] and kept.lines[0].count(b"********") == 4


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_fact_breaks_a_line_or_obeys_as_a_control_character(form: str) -> None:
    kept = Kept()
    log(kept, form=form)("x\ny", name="a\nb\r\x1b[2J\x7f\x00\u2028\u202eé\udc80")
    (line,) = kept.lines
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in line[:-1])


def test_json_gives_back_what_was_written() -> None:
    kept = Kept()
    log(kept)("x", name="é\x7f\n", event_time=1, time="mine")
    assert json.loads(kept.lines[0])["name"] == "é\x7f\n"
    assert json.loads(kept.lines[0])["fact_time"] == "mine"


def test_levels_below_the_least_are_left_out_and_unknown_ones_are_errors() -> None:
    kept = Kept()
    write = log(kept, level="warning")
    for level in ("debug", "info", "warning", "error", "odd"):
        write("x", level=level)
    assert [json.loads(line)["level"] for line in kept.lines] == ["warning", "error", "odd"]


def test_a_line_is_never_longer_than_a_pipe_takes_at_once() -> None:
    kept = Kept()
    log(kept)("x", text="a" * 10_000)
    log(kept)("x", texts=["b" * 900] * 50)
    assert all(len(line) < 4096 for line in kept.lines)
    assert json.loads(kept.lines[0])["text"].endswith("(10000 characters)")
    assert json.loads(kept.lines[1])["cut"] > 40_000


def test_lines_that_could_not_be_written_are_counted_and_told() -> None:
    kept = Kept()
    write = log(kept)
    kept.full = True
    write("a")
    write("b")
    kept.full = False
    write("c")
    write("d")
    first, second = map(json.loads, kept.lines)
    assert first["lost_lines"] == 2 and "lost_lines" not in second


@pytest.mark.parametrize(("mode", "of_folder"), [(0o600, 0o700), (0o640, 0o750)])
def test_files_and_their_folder_have_the_mode_of_the_setting(tmp_path: Path, mode: int, of_folder: int) -> None:
    before = os.umask(0o077)
    try:
        Files(tmp_path / "log", 2**20, 3, mode).write(b"x\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "log" / "feedengine.log").stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) & ~0o700 & ~of_folder == 0


def test_a_link_in_the_logs_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "victim").write_bytes(b"")
    (tmp_path / "log" / "feedengine.log").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError):
        Files(tmp_path / "log", 2**20, 3).write(b"x\n")
    assert (tmp_path / "victim").read_bytes() == b""


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_old_files_are_put_aside_and_the_oldest_goes(tmp_path: Path, keep: int) -> None:
    files = Files(tmp_path, 100, keep)
    for number in range(20):
        files.write(b"%039d\n" % number)
    found = sorted(path.name for path in tmp_path.glob("feedengine.log*"))
    assert found == ["feedengine.log", *(f"feedengine.log.{number}" for number in range(1, keep + 1))]
    assert all(path.stat().st_size <= 100 for path in tmp_path.glob("feedengine.log*"))
    kept = b"".join((tmp_path / name).read_bytes() for name in [*reversed(found[1:]), found[0]]).split()
    assert [int(each) for each in kept] == list(range(20 - len(kept), 20))


def _write(folder: Path, writer: int, lines: int) -> None:
    write = EventLog(f"part{writer}", Files(folder, 20_000, 1000))
    for number in range(lines):
        write("x", number=number, pad="y" * 50)


def test_several_processes_lose_no_line_while_files_rotate(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(tmp_path, writer, 300)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    seen: dict[str, list[int]] = {}
    for path in tmp_path.glob("feedengine.log*"):
        for line in path.read_text().splitlines():
            document = json.loads(line)
            seen.setdefault(document["part"], []).append(document["number"])
    assert {part: sorted(numbers) for part, numbers in seen.items()} == {
        f"part{writer}": list(range(300)) for writer in range(4)
    }
    assert len(list(tmp_path.glob("feedengine.log.*"))) > 3


def test_settings_choose_place_level_and_form(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = Store.create(tmp_path / "store")
    flags = {"log.place": ("--log-place", "file"), "log.level": ("--log-level", "error")}
    write = open_log(store, Settings.load(env={}, flags=flags), "keeper")
    write("quiet")
    write("loud", level="error")
    assert [json.loads(line)["event"] for line in (store.root / "log/feedengine.log").read_text().splitlines()] == [
        "loud"
    ]
    text = open_log(store, Settings.load(env={}, flags={"log.format": ("--log-format", "text")}), "keeper")
    text("keeper.swept", files=3, name="a b")
    assert capfd.readouterr().err.endswith('info    keeper   keeper.swept files=3 name="a b"\n')
