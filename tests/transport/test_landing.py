"""Landing: parts, names, resume, renaming, quota, tricks with paths and links, death at every point."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from feedengine.transport.landing import BadPath, Landing, NothingToResume, Rules, clean
from feedengine.transport.landing import home as homes
from feedengine.transport.landing.names import unfinished
from feedengine.transport.landing.upload import lock
from feedengine.transport.reception import Refused
from transport.desk import ANNA, Desk, refusing

FEED = "/in/key_main_sync_2026-11-21-02-00-00.csv"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def landing(tmp_path: Path, desk: Desk) -> Landing:
    return Landing(desk, tmp_path, Rules(least_free=0))


def sent(landing: Landing, path: str, data: bytes, account=ANNA) -> str:
    upload = landing.begin(account, path, protocol="ftps")
    upload.write(data)
    return upload.commit().sha256


def files(tmp_path: Path) -> list[str]:
    home = tmp_path / "homes" / "anna"
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir())


@pytest.mark.feature("C23", "P14")
def test_a_whole_file_has_its_name_and_its_hash_before_the_engine_is_told(landing, desk, tmp_path) -> None:
    digest = sent(landing, FEED, b"id\n1\n")
    assert digest == hashlib.sha256(b"id\n1\n").hexdigest()
    [file] = desk.files
    assert (file.virtual, file.bytes, file.sha256, file.eof) == (FEED, 5, digest, "clean")
    assert file.path.read_bytes() == b"id\n1\n"
    assert files(tmp_path) == [FEED[1:]]


def test_a_new_home_has_every_folder(landing, tmp_path) -> None:
    landing.home(ANNA)
    made = {path.name for path in (tmp_path / "homes" / "anna").iterdir()}
    assert made == {"in", "processed", "processed_with_errors", "failed", "reports", "export"}


@pytest.mark.feature("C23")
def test_an_existing_name_is_never_replaced(landing, desk, tmp_path) -> None:
    sent(landing, FEED, b"first")
    with pytest.raises(Refused, match="new name"):
        landing.begin(ANNA, FEED, protocol="ftps")
    with pytest.raises(Refused, match="new name"):
        landing.begin(ANNA, FEED, protocol="ftps", offset=None)
    assert desk.files[0].path.read_bytes() == b"first"


@pytest.mark.feature("C23")
def test_of_two_at_once_the_first_that_is_whole_wins(landing, desk, tmp_path) -> None:
    one = landing.begin(ANNA, FEED, protocol="ftps")
    two = landing.begin(ANNA, FEED, protocol="ftps")
    one.write(b"one")
    two.write(b"two!")
    two.commit()
    with pytest.raises(Refused, match="new name"):
        one.commit()
    assert [file.bytes for file in desk.files] == [4]
    assert files(tmp_path) == [FEED[1:]]


def test_what_the_engine_refuses_is_taken_away(landing, desk, tmp_path) -> None:
    desk.refuse_landed = refusing("the queue is full", later=True)
    upload = landing.begin(ANNA, FEED, protocol="ftps")
    upload.write(b"x")
    with pytest.raises(Refused, match="queue") as caught:
        upload.commit()
    assert caught.value.later
    assert files(tmp_path) == []
    desk.refuse = refusing("unknown key")
    with pytest.raises(Refused, match="unknown key"):
        landing.begin(ANNA, FEED, protocol="ftps")


def test_an_incomplete_upload_is_kept_and_continued(landing, desk, tmp_path) -> None:
    data = random.Random(1).randbytes(3_000_000)
    first = landing.begin(ANNA, FEED, protocol="ftps")
    first.write(data[:2_000_000])
    first.abandon()
    assert desk.files == []
    assert landing.size(ANNA, FEED) == 2_000_000
    assert landing.size(replace(ANNA, name="other"), FEED) is None
    second = landing.begin(ANNA, FEED, protocol="ftps", offset=1_500_000)
    second.write(data[1_500_000:2_500_000])
    second.abandon()
    again = Landing(desk, tmp_path, Rules(least_free=0))  # after a restart the prefix is read again
    third = again.begin(ANNA, FEED, protocol="ftps", offset=2_500_000)
    third.write(data[2_500_000:])
    assert third.commit().sha256 == hashlib.sha256(data).hexdigest()
    assert desk.files[0].path.read_bytes() == data
    assert files(tmp_path) == [FEED[1:]]


def test_append_continues_what_is_kept(landing, desk) -> None:
    first = landing.begin(ANNA, FEED, protocol="ftps")
    first.write(b"half")
    first.abandon()
    second = landing.begin(ANNA, FEED, protocol="ftps", offset=None)
    assert second.bytes == 4
    second.write(b"way")
    assert second.commit().sha256 == hashlib.sha256(b"halfway").hexdigest()


def test_there_is_nothing_to_resume(landing) -> None:
    with pytest.raises(NothingToResume):
        landing.begin(ANNA, FEED, protocol="ftps", offset=10)
    running = landing.begin(ANNA, FEED, protocol="ftps")
    running.write(b"x" * 100)
    with pytest.raises(Refused, match="another connection"):
        landing.begin(ANNA, FEED, protocol="ftps", offset=10)
    running.abandon()


def test_blocks_in_any_order_have_the_same_hash(landing) -> None:
    upload = landing.begin(ANNA, FEED, protocol="sftp")
    upload.write_at(0, b"aa")
    upload.write_at(4, b"cc")
    upload.write_at(2, b"bb")
    assert upload.commit().sha256 == hashlib.sha256(b"aabbcc").hexdigest()


@pytest.mark.parametrize(
    "name",
    "a.csv.part a.partial a.FILEPART a.tmp a.temp a.writing a.uploading a.crdownload .in.a.csv .pureftpd-upload.1 "
    ".sftpgo-upload.1.a a.camelLock a.PROCESSING ~a .a order_1.tmp/a.csv".split(),
)
def test_names_of_unfinished_files(name: str) -> None:
    assert unfinished("/in/" + name)
    assert not unfinished("/in/partial.csv")


def test_a_temporary_name_lands_when_it_is_renamed(landing, desk, tmp_path) -> None:
    digest = sent(landing, FEED + ".filepart", b"data")
    assert desk.files == []
    assert desk.admitted == []
    sent(landing, FEED + ".filepart", b"data2")  # a second attempt replaces it
    digest = hashlib.sha256(b"data2").hexdigest()
    landed = landing.rename(ANNA, FEED + ".filepart", FEED, protocol="ftps")
    assert landed is not None
    assert desk.files == [landed]
    assert (landed.virtual, landed.sha256, landed.bytes) == (FEED, digest, 5)
    assert files(tmp_path) == [FEED[1:]]
    again = Landing(desk, tmp_path, Rules(least_free=0))
    sent(again, "/in/b.tmp", b"other")
    with pytest.raises(Refused, match="new name"):
        again.rename(ANNA, "/in/b.tmp", FEED, protocol="ftps")
    desk.refuse_landed = refusing("no")
    with pytest.raises(Refused):
        again.rename(ANNA, "/in/b.tmp", "/in/c.csv", protocol="ftps")
    assert files(tmp_path) == ["in/b.tmp", FEED[1:]]
    assert again.sha256(ANNA, FEED) == digest


@pytest.mark.parametrize("folder", ["processed", "processed_with_errors", "failed", "reports", "export"])
def test_the_engines_folders_are_not_written(landing, tmp_path, folder: str) -> None:
    sent(landing, "/in/a.tmp", b"x")
    for path in (f"/{folder}/a.csv", f"/{folder}"):
        with pytest.raises(Refused, match="belongs to the engine"):
            landing.begin(ANNA, path, protocol="ftps")
        with pytest.raises(Refused, match="belongs to the engine"):
            landing.rename(ANNA, "/in/a.tmp", path, protocol="ftps")
    with pytest.raises(Refused, match="belongs to the engine"):
        landing.rename(ANNA, f"/{folder}", "/in/x", protocol="ftps")


def test_quota_size_and_room(tmp_path, desk) -> None:
    landing = Landing(desk, tmp_path, Rules(least_free=0, most_bytes=100))
    upload = landing.begin(ANNA, FEED, protocol="ftps")
    with pytest.raises(Refused, match="larger"):
        upload.write(b"x" * 101)
    upload.abandon()
    small = replace(ANNA, quota=50)
    sent(landing, FEED, b"x" * 40, small)
    upload = landing.begin(small, "/in/b.csv", protocol="ftps")
    with pytest.raises(Refused, match="larger"):
        upload.write(b"x" * 11)
    upload.write(b"x" * 10)
    upload.commit()
    with pytest.raises(Refused, match="quota") as caught:
        landing.begin(small, "/in/c.csv", protocol="ftps")
    assert caught.value.later
    full = Landing(desk, tmp_path, Rules(least_free=1 << 60))
    with pytest.raises(Refused, match="room") as caught:
        full.begin(ANNA, "/in/d.csv", protocol="ftps")
    assert caught.value.later


def test_old_parts_are_cleared_and_running_ones_not(landing, tmp_path) -> None:
    running = landing.begin(ANNA, FEED, protocol="ftps")
    running.write(b"x")
    for name in ("/in/a.csv", "/in/b.csv"):
        upload = landing.begin(ANNA, name, protocol="ftps")
        upload.write(b"x")
        upload.abandon()
    for path in (tmp_path / "homes/anna/in").glob(".a.csv.*"):
        os.utime(path, (1, 1))
    os.utime(next((tmp_path / "homes/anna/in").glob(f".{FEED[4:]}.*")), (1, 1))
    assert landing.clear() == 1
    assert landing.size(ANNA, "/in/a.csv") is None
    assert landing.size(ANNA, "/in/b.csv") == 1
    running.commit()


def test_a_part_that_was_looked_at_while_it_was_made_is_held_all_the_same(
    landing, desk, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server that starts looks for old parts; what is being received is none."""
    looking: list[int] = []
    make = homes.new_file

    def looked_at(folder: int, name: str) -> int:
        made = make(folder, name)
        if not looking:
            looking.append(os.open(name, os.O_RDWR, dir_fd=folder))
            assert lock(looking[0])
        return made

    monkeypatch.setattr(homes, "new_file", looked_at)
    upload = landing.begin(ANNA, FEED, protocol="sftp")
    upload.write(b"id\n1\n")
    os.close(looking[0])
    # The part that was taken from us goes, ours stays.
    assert Landing(desk, tmp_path, Rules(least_free=0, part_hours=-1.0)).clear() == 1
    upload.commit()
    assert desk.names() == [FEED] and files(tmp_path) == [FEED[1:]]


@pytest.mark.feature("P14")
@pytest.mark.parametrize(
    ("path", "folder", "found"),
    [
        ("a", "/", "/a"),
        ("../../a", "/in", "/a"),
        ("/in/../../../etc/passwd", "/", "/etc/passwd"),
        ("//x//./y/", "/", "/x/y"),
        ("cafe\u0301", "/", "/caf\u00e9"),
        ("", "/in", "/in"),
    ],
)
def test_paths_stay_inside(path: str, folder: str, found: str) -> None:
    assert clean(path, folder) == found


@pytest.mark.parametrize("path", ["a\0b", "a\nb", "a\x7fb", "x" * 256, "é" * 128, "a/" * 2000, "\udc80"])
def test_paths_that_no_file_can_have(path: str) -> None:
    with pytest.raises(BadPath):
        clean(path)


@pytest.mark.feature("P14")
def test_planted_links_lead_nowhere(landing, tmp_path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("secret")
    home = landing.home(ANNA)
    (home.root / "in" / "away").symlink_to(tmp_path / "secret")
    (home.root / "in" / "file").symlink_to(tmp_path / "secret" / "file")
    for act in (
        lambda: home.open("/in/away/file"),
        lambda: home.open("/in/file"),
        lambda: [*home.entries("/in/away")],
        lambda: home.stat("/in/file"),
        lambda: home.remove("/in/file"),
        lambda: home.touch("/in/file", 1),
        lambda: home.make_folder("/in/away/new"),
        lambda: landing.begin(ANNA, "/in/away/new.csv", protocol="ftps"),
        lambda: landing.sha256(ANNA, "/in/file"),
        lambda: landing.rename(ANNA, "/in/file", "/in/b.csv", protocol="ftps"),
    ):
        with pytest.raises(OSError):
            act()
    with pytest.raises(Refused, match="exists"):
        landing.begin(ANNA, "/in/file", protocol="ftps")
    assert [*home.entries("/in")] == []
    assert sorted(path.name for path in (tmp_path / "secret").iterdir()) == ["file"]


@pytest.mark.parametrize("home", ["", "/etc", "../x", "a/../../b", ".ssh"])
def test_homes_stay_below_the_store(landing, home: str) -> None:
    with pytest.raises(ValueError):
        landing.home(replace(ANNA, home=home))


def _die(store: Path, point: str) -> None:
    os.environ["FEEDENGINE_FAULT"] = point
    sent(Landing(Desk(), store, Rules(least_free=0)), FEED, b"whole")


@pytest.mark.parametrize("point", ["serve.landing.synced", "serve.landing.named", "serve.landing.told"])
def test_killed_while_landing_the_sender_may_send_again(tmp_path: Path, desk: Desk, point: str) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die, args=(tmp_path, point))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    landing = Landing(desk, tmp_path, Rules(least_free=0))
    sent(landing, FEED, b"whole")
    assert desk.names() == [FEED]
    assert desk.files[0].path.read_bytes() == b"whole"
    assert landing.clear() in (0, 1)


@pytest.mark.parametrize("point", ["serve.landing.named", "serve.landing.told"])
def test_killed_while_landing_no_name_stays_that_nobody_was_told_of(tmp_path: Path, desk: Desk, point: str) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die, args=(tmp_path, point))
    process.start()
    process.join(120)
    assert files(tmp_path) != []
    Landing(desk, tmp_path, Rules(least_free=0)).clear()
    assert files(tmp_path) == []


def test_killed_after_telling_the_name_stays_and_is_not_taken_twice(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die, args=(tmp_path, "serve.landing.told"))
    process.start()
    process.join(120)
    told = Desk()
    told.knows = lambda path: True  # type: ignore[method-assign]
    landing = Landing(told, tmp_path, Rules(least_free=0))
    with pytest.raises(Refused, match="exists already"):
        landing.begin(ANNA, FEED, protocol="ftps")
    assert landing.clear() == 0  # the part went with the first look
    assert told.files == []
    (left,) = files(tmp_path)
    assert left.endswith(FEED.rpartition("/")[2])
