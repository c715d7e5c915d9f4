"""The way of a file: landed, queued, applied, reported to its sender, moved; wrong names and refusals too."""

from __future__ import annotations

import csv
import gzip
import json
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from feedengine import ingest
from feedengine.errors import FeedRejected
from feedengine.service import homes
from feedengine.transport.reception import Refused
from service.place import Place

SYNC = "id,item_name\nA,a\nB,b\nC,c\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def report(place: Place, number: int | None, name: str = "summary.json") -> str:
    return place.seen(f"{homes.reports(place.task(number))}/{name}")


@pytest.mark.feature("W10", "C35", "P29", "L1", "W13")
def test_a_feed_is_applied_reported_and_moved(place: Place) -> None:
    name = place.name("sync")
    number = place.land(name, SYNC, peer="192.0.2.1", started="2026-11-21T00:00:00Z", ended="2026-11-21T00:00:01Z")
    queued = place.task(number)
    assert (queued.status, queued.key, queued.section, queued.operation) == ("QUEUED", "key_a1", "Products", "sync")
    assert (queued.account, queued.peer, queued.upload_ended) == (
        "shop@example.com",
        "192.0.2.1",
        "2026-11-21T00:00:01Z",
    )
    place.work()
    done = place.task(number)
    assert (done.status, done.outcome, done.new_snapshot, done.attempts) == ("DONE", "ok", 1, 1)
    assert done.reported and done.followed
    assert place.items() == {"A": "a", "B": "b", "C": "c"}
    day = (done.last_update or "")[:10].replace("-", "/")
    assert place.files() == [f"/processed/{day}/{number}__{name}"]
    told = json.loads(report(place, number))
    assert (told["status"], told["entities"]["items"]["added"], told["sha256"]) == ("DONE", 3, done.sha256)
    assert str(place.root) not in report(place, number)
    # Reading, comparing, writing: what each took is told.
    took = told["seconds"]
    assert set(took) == {"read", "compare", "write"} and all(seconds > 0 for seconds in took.values())


def test_a_file_stays_visible_for_a_while_and_the_report_is_there_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path, "[rules]\n")
    place.file.write_text(place.file.read_text().replace("visible_min = 0", "visible_min = 3600"))
    from feedengine.settings import Settings

    place.settings = place.part.settings = Settings.load(place.file, env={})
    name = place.name("sync")
    number = place.land(name, SYNC, folder="/in")
    place.work()
    assert place.files() == [f"/in/{name}"]
    assert json.loads(report(place, number))["status"] == "DONE"
    assert not place.follow(number)
    assert place.queue.to_follow(3600) == [] and [task.id for task in place.queue.to_follow(-1)] == [number]


def test_a_sender_that_takes_its_file_away_harms_nothing(place: Place) -> None:
    name = place.name("sync")
    number = place.land(name, SYNC)
    (place.home / name).unlink()
    place.work()
    assert place.task(number).outcome == "ok" and place.items()["A"] == "a"
    assert place.files() == []


@pytest.mark.feature("C11")
def test_a_wrong_name_is_reported_with_the_right_one(place: Place) -> None:
    number = place.land("key_a1_Products_SYNC_2026-11-21-00-00-00.csv", SYNC)
    task = place.task(number)
    assert (task.status, task.outcome) == ("FAILED", "rejected_name")
    assert place.follow(number)
    moved = f"/failed/{number}__key_a1_Products_SYNC_2026-11-21-00-00-00.csv"
    assert place.files() == [moved, moved + ".error.txt"]
    word = place.seen(moved + ".error.txt")
    assert "Did you mean: key_a1_Products_sync_2026-11-21-00-00-00.csv" in word
    assert "KEY_SECTION_[force]OPERATION_TIME.EXTENSION" in word
    assert place.queue.claim(30) is None


@pytest.mark.feature("C12")
def test_a_key_of_somebody_else_is_refused(place: Place) -> None:
    with pytest.raises(Refused, match="may not send feeds for the key key_c3"):
        place.desk.admit(place.account, "/key_c3_Products_sync_2026-11-21-00-00-00.csv")
    number = place.land("key_c3_Products_sync_2026-11-21-00-00-00.csv", SYNC)
    assert (place.task(number).error or {})["code"] == "KEY_NOT_OWNED"
    assert "key_c3" not in set(place.store.keys())


def test_names_are_checked_at_the_door_where_the_settings_say_so(tmp_path: Path) -> None:
    place = Place(tmp_path, 'name_check = "reply"')
    with pytest.raises(Refused, match=r"did you mean key_a1_Products_sync_1\.csv") as refused:
        place.desk.admit(place.account, "/in/key_a1_Products_Sync_1.csv")
    assert not refused.value.later
    place.desk.admit(place.account, "/in/key_a1_Products_Sync_1.csv.part")
    place.desk.admit(place.account, "/in/readme.sha256")


@pytest.mark.feature("C38")
def test_the_door_knows_the_engines_folders_the_disk_and_the_queue(tmp_path: Path) -> None:
    place = Place(tmp_path, "limit = 1")
    with pytest.raises(Refused, match="written by the server"):
        place.desk.admit(place.account, "/processed/x.csv")
    feed = place.name("delta")
    place.desk.admit(place.account, f"/{feed}")
    place.land(feed, SYNC)
    with pytest.raises(Refused, match="limit") as full:
        place.desk.admit(place.account, "/" + place.name("delta"))
    assert full.value.later
    place.desk.admit(place.account, "/" + place.name("delta", "key_b2"))
    greedy = Place(tmp_path / "greedy", 'min_free = "1000000GiB"')
    with pytest.raises(Refused, match="room") as disk:
        greedy.desk.admit(greedy.account, "/" + place.name("delta"))
    assert disk.value.later


@pytest.mark.parametrize("name", ["a.csv.part", ".hidden.csv", "~x.csv", "feed.csv.sha256", "feed.tmp"])
def test_what_is_no_feed_makes_no_task(place: Place, name: str) -> None:
    assert place.land(name, "x") is None
    assert place.store.ledger.list().total == 0


@pytest.mark.feature("P29", "P31", "W17")
def test_rejected_rows_come_back_as_they_were_sent(tmp_path: Path) -> None:
    place = Place(tmp_path, '[rules]\nrows = "reject"\nmax_rejected = "100%"')
    head, bad = "id;item_name;active\r\n", 'B;=two;maybe\r\nC;"three;\n""3""";perhaps\r\n'
    rows = f'{head}A;"one ""1""\nand more";true\r\n{bad}D;d;\r\n'
    number = place.land(place.name("sync"), rows)
    place.work()
    done = place.task(number)
    assert (done.status, done.outcome) == ("DONE", "ok_with_errors"), done.error
    assert place.files()[0].startswith("/processed_with_errors/")
    kept = place.home / f"{homes.reports(done)}/rejected.csv".lstrip("/")
    assert kept.read_bytes().decode() == head + bad
    faults = list(csv.DictReader(report(place, number, "errors.csv").splitlines()))
    assert [(fault["task_id"], fault["record_number"], fault["severity"], fault["key"]) for fault in faults] == [
        (str(number), "2", "error", "B"),
        (str(number), "3", "error", "C"),
    ]
    assert json.loads(report(place, number))["rejected_rows"] == {"written": 2, "of": 2}
    # The very same bytes again have the very same faults.
    again = place.land(place.name("delta"), kept.read_bytes())
    place.work()
    assert place.task(again).outcome == "ok_with_errors"
    resent = place.home / f"{homes.reports(place.task(again))}/rejected.csv".lstrip("/")
    assert resent.read_bytes() == kept.read_bytes()


def archive(**members: str) -> bytes:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size = len(text.encode())
            tar.addfile(info, BytesIO(text.encode()))
    return out.getvalue()


def test_rejected_rows_of_archives_and_json(tmp_path: Path) -> None:
    place = Place(tmp_path, '[rules]\nrows = "reject"\nmax_rejected = "100%"\norphan_variations = "skip"')
    items = '{"items": [{"id": "A", "name": "a", "data": {}}, {"id": "B",\n "data": {"x": 1}}]}'
    content = archive(items__json=items, item_groups__csv="id,name\nall,All\n")
    number = place.land(place.name("sync", ext="tar.gz"), content)
    place.work()
    done = place.task(number)
    assert done.outcome == "ok_with_errors", (done.error, done.report)
    told = json.loads(report(place, number, "rejected_items.json"))
    assert told == {"items": [{"id": "B", "data": {"x": 1}}]}
    lines = '{"id":"A","item_name":"a"}\n{"id":"X","item_name":"x","active":"maybe"}\n'
    number = place.land(place.name("delta", ext="jsonl.gz"), gzip.compress(lines.encode()))
    place.work()
    assert place.task(number).outcome == "ok_with_errors", place.task(number).error
    assert report(place, number, "rejected.jsonl") == lines.splitlines(keepends=True)[1]


@pytest.mark.feature("C24")
def test_a_refused_feed_waits_where_it_is_until_somebody_decides(place: Place) -> None:
    place.land(place.name("sync"), SYNC)
    place.work()
    first = place.files()
    name = place.name("sync")
    number = place.land(name, "id,item_name\nA,a\n")
    place.work()
    waiting = place.task(number)
    assert (waiting.status, waiting.outcome, waiting.waiting) == ("FAILED", "refused", True)
    assert set(place.files()) - set(first) == {f"/{name}"}
    assert place.queue.to_follow(-1) == []
    ingest.approve(place.store, place.settings, waiting.id, remove=2, reason="sale is over", actor="ann")
    assert place.items() == {"A": "a"}
    assert [task.id for task in place.queue.to_follow(-1)] == [number]
    assert place.follow(number)
    assert [path.split("/")[1] for path in set(place.files()) - set(first)] == ["processed"]
    assert json.loads(report(place, number))["decision"]["decision"] == "approved"


def test_a_rejected_feed_goes_to_failed_with_a_word(place: Place) -> None:
    place.land(place.name("sync"), SYNC)
    place.work()
    number = place.land(place.name("sync"), "id,item_name\nA,a\n")
    place.work()
    place.store.ledger.reject(place.task(number).id, actor="ann", reason="wrong file")
    assert place.follow(number)
    assert "decided that it is not to be applied" in place.seen(
        f"/failed/{number}__{place.task(number).filename}.error.txt"
    )


@pytest.mark.feature("L1")
def test_the_same_bytes_again_are_applied_with_a_warning(place: Place) -> None:
    place.land(place.name("sync"), SYNC)
    place.work()
    number = place.land(place.name("sync"), SYNC)
    place.work()
    done = place.task(number)
    assert (done.status, done.outcome) == ("DONE", "duplicate")
    assert [fault["code"] for fault in place.store.ledger.problems(done.id)] == ["DUPLICATE_UPLOAD"]


CUT = {"sync": "id,item_name\nA,a\nB,b\n", "delete": "id\nA\n", "whitelist": "id\nA\nB\n"}


@pytest.mark.parametrize("operation", sorted(CUT))
def test_what_may_be_cut_removes_nothing_by_itself(place: Place, operation: str) -> None:
    place.land(place.name("sync"), SYNC)
    place.work()
    number = place.land(place.name(operation), CUT[operation], eof="unclean")
    place.work()
    stopped = place.task(number)
    assert (stopped.status, stopped.outcome, (stopped.error or {})["code"]) == ("FAILED", "refused", "UNCLEAN_EOF")
    assert len(place.items()) == 3
    ingest.approve(place.store, place.settings, stopped.id, remove=1, reason="counted", actor="ann")
    assert len(place.items()) == 2


def test_what_proves_to_be_whole_is_applied(place: Place) -> None:
    place.land(place.name("sync"), SYNC)
    place.work()
    for ext, content in (
        ("csv.gz", gzip.compress(CUT["sync"].encode())),
        ("json", b'{"items": [{"id": "A", "name": "a", "data": {}}, {"id": "C", "name": "c", "data": {}}]}'),
        ("tar.gz", archive(items__csv="id,item_name\nA,a\nB,b\n")),
    ):
        number = place.land(place.name("sync", ext=ext), content, eof="unclean")
        place.work()
        assert place.task(number).status == "DONE", (ext, place.task(number).error)
    number = place.land(place.name("patchdelta"), "id,item_name\nA,new\n", eof="unclean")
    place.work()
    assert place.items()["A"] == "new"


def test_a_cut_archive_is_no_proof(place: Place) -> None:
    place.land(place.name("sync"), SYNC)
    place.work()
    whole = archive(items__csv="id,item_name\nA,a\nB,b\n")
    for content, ext in ((gzip.decompress(whole)[:1024], "tar"), (whole[:-20], "tar.gz")):
        number = place.land(place.name("sync", ext=ext), content, eof="unclean")
        place.work()
        assert place.task(number).status == "FAILED", ext
    assert len(place.items()) == 3


def test_submit_copies(place: Place, tmp_path: Path) -> None:
    feed = tmp_path / place.name("sync")
    feed.write_text(SYNC)
    place.desk.submit(feed, actor="ann")
    feed.write_text("id,item_name\nZ,z\n")
    place.work()
    assert place.items() == {"A": "a", "B": "b", "C": "c"}
    with pytest.raises(FeedRejected):
        place.desk.submit(tmp_path / "nonsense.csv", actor="ann")


def test_the_desk_of_a_part_goes_by_its_newest_settings(tmp_path: Path) -> None:
    from feedengine.service import parts

    place = Place(tmp_path)
    desk = parts.desk(place.part)
    name = "/key_a1_Products_Sync_1.csv"
    desk.admit(place.account, name)
    place.file.write_text(place.file.read_text() + 'name_check = "reply"\n')
    place.part.reload()
    with pytest.raises(Refused):
        desk.admit(place.account, name)
