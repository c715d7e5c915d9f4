"""Damage outside of our control: a lost or wrong index, a damaged database, two writers, an interrupted run."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from command import command, environment
from model.spec import ENTITIES
from model.state import State, from_plain
from shop import Shop

ROWS = [{"id": f"A{n}", "item_name": f"Item {n}", "metadata:m": str(n)} for n in range(1, 2001)]
NAME = "key_a1_Products_{op}_2026-11-21-00-00-0{n}.csv"


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two thousand items."""
    shop = Shop(tmp_path_factory.mktemp("damage"))
    shop.load(State().with_tables("Products", {"items": from_plain(ENTITIES["items"], ROWS)}))
    return shop.store.root


@pytest.fixture
def store(stocked: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(stocked, tmp_path / "store")
    return tmp_path / "store"


def patch(folder: Path, n: int, value: str) -> Path:
    """A patch of one field of three items."""
    path = folder / NAME.format(op="patchdelta", n=n)
    path.write_text(f"id,metadata:m\nA1,{value}\nA1000,{value}\nA2000,{value}\n")
    return path


def patched(value: str) -> list[dict[str, str]]:
    """What the items are after it."""
    rows = [{**row, "metadata:m": value} if row["id"] in ("A1", "A1000", "A2000") else row for row in ROWS]
    return sorted(rows, key=lambda row: row["id"].encode())


ROWS_SORTED = sorted(ROWS, key=lambda row: row["id"].encode())


def lose(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_in_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(bytes(content))


def flip_at_the_end(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x01
    path.write_bytes(bytes(content))


DAMAGES = [lose, cut, empty, flip_in_the_middle, flip_at_the_end]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_index_is_rebuilt(damage: Callable[[Path], None], store: Path, tmp_path: Path) -> None:
    runs = sorted((store / "keys" / "key_a1" / "index").glob("*.run"))
    assert runs
    for run in runs:
        damage(run)
    done = command("--store", store, "--json", "apply", patch(tmp_path, 1, "new"))
    assert done.returncode == 0, done.stderr
    assert Shop.tables_of(store)["items"] == patched("new")
    done = command("--store", store, "snapshot", "check", "--catalog", "key_a1/Products")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_index_of_another_store_is_refused(store: Path, tmp_path: Path) -> None:
    other = Shop(tmp_path / "other")
    rows = [{**row, "metadata:m": "other"} for row in ROWS]
    other.load(State().with_tables("Products", {"items": from_plain(ENTITIES["items"], rows)}))
    mine = sorted((store / "keys" / "key_a1" / "index").glob("*.run"))
    theirs = sorted((other.store.root / "keys" / "key_a1" / "index").glob("*.run"))
    for one, two in zip(mine, theirs, strict=False):
        shutil.copy(two, one)
    done = command("--store", store, "--json", "apply", patch(tmp_path, 1, "new"))
    assert done.returncode == 0, done.stderr
    assert Shop.tables_of(store)["items"] == patched("new")


@pytest.mark.parametrize("damage", [lose, cut, empty], ids=lambda damage: damage.__name__)
def test_a_damaged_database_is_named_and_never_guessed(
    damage: Callable[[Path], None], store: Path, tmp_path: Path
) -> None:
    damage(store / "keys" / "key_a1" / "catalog.duckdb")
    sync = tmp_path / NAME.format(op="sync", n=2)
    sync.write_text("id,item_name\nA1,Item\n")
    check = ["snapshot", "check", "--catalog", "key_a1/Products"]
    for argv in (check, ["apply", patch(tmp_path, 1, "new")], ["sync", sync, "--create"]):
        done = command("--store", store, *argv)
        assert done.returncode == 9, (argv, done.returncode, done.stderr)
        assert "Traceback" not in done.stderr
        assert done.stderr.strip()


def test_a_database_that_may_not_be_read_is_no_bug(store: Path, tmp_path: Path) -> None:
    file = store / "keys" / "key_a1" / "catalog.duckdb"
    file.unlink()
    file.mkdir()  # nobody can open it, not even root
    done = command("--store", store, "--json", "apply", patch(tmp_path, 1, "new"))
    assert done.returncode == 9, (done.returncode, done.stderr)
    assert json.loads(done.stdout)["error"]["code"] in ("STORE_IO", "STORE_DAMAGED"), done.stdout


def test_a_lost_ledger_does_not_stop_the_work(store: Path, tmp_path: Path) -> None:
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (store / name).unlink(missing_ok=True)
    done = command("--store", store, "--json", "apply", patch(tmp_path, 1, "new"))
    assert done.returncode == 0, done.stderr
    # The first task's number is that of a snapshot, and stays it.
    assert json.loads(done.stdout)["task"] == 2
    assert Shop.tables_of(store)["items"] == patched("new")


def test_an_older_ledger_does_not_take_one_task_for_another(store: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.sqlite"
    command("--store", store, "task", "list")
    shutil.copy(store / "ledger.sqlite", saved)
    for value in ("one", "two"):
        assert command("--store", store, "apply", patch(tmp_path, 1, value)).returncode == 0
    shutil.copy(saved, store / "ledger.sqlite")
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (store / name).unlink(missing_ok=True)
    # It gets the number of the task that wrote "one".
    done = command("--store", store, "--json", "apply", patch(tmp_path, 1, "three"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["task"] == 2
    assert Shop.tables_of(store)["items"] == patched("three")


@pytest.mark.feature("C34")
def test_two_writers_take_turns(store: Path, tmp_path: Path) -> None:
    feeds = [patch(tmp_path, 1, "one"), patch(tmp_path, 2, "two")]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "feedengine", "--store", str(store), "apply", str(feed)],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for feed in feeds
    ]
    errors = [process.communicate(timeout=120)[1].decode() for process in running]
    codes = [process.returncode for process in running]
    assert set(codes) <= {0, 6}, (codes, errors)
    assert 0 in codes
    winners = [value for value, code in zip(("one", "two"), codes, strict=True) if code == 0]
    assert Shop.tables_of(store)["items"] in [patched(value) for value in winners]
    assert Shop.look(store) == 1 + len(winners)


def started(store: Path, feed: Path, point: str, kind: str) -> subprocess.Popen[bytes]:
    """`apply` in a process of its own, that has come to a fault point."""
    process = subprocess.Popen(
        [sys.executable, "-m", "feedengine", "--store", str(store), "apply", str(feed)],
        env=environment(FEEDENGINE_FAULT=point, FEEDENGINE_FAULT_KIND=kind),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"at the fault point\n"
    return process


def interrupted(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    """Send the signal; the command ends with its exit code and a word about it."""
    process.send_signal(sign)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 128 + sign, (process.returncode, stderr.decode())
    assert b"Traceback" not in stderr
    assert b"nterrupted" in stderr or b"erminated" in stderr


SIGNS = pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])


@SIGNS
@pytest.mark.parametrize(
    ("point", "snapshot"),
    [
        *(("task.started", 1), ("task.planned", 1), ("commit.begun", 1), ("commit.before_commit", 1)),
        *(("commit.after_commit", 2), ("ledger.before_finish", 2)),
    ],
)
def test_an_interrupted_run_leaves_a_whole_snapshot(
    point: str, snapshot: int, sign: signal.Signals, store: Path, tmp_path: Path
) -> None:
    interrupted(started(store, patch(tmp_path, 1, "one"), point, "wait"), sign)
    assert Shop.look(store) == snapshot
    assert Shop.tables_of(store)["items"] == (ROWS_SORTED if snapshot == 1 else patched("one"))
    done = command("--store", store, "--json", "apply", patch(tmp_path, 2, "two"))
    assert done.returncode == 0, done.stderr
    assert Shop.tables_of(store)["items"] == patched("two")


@SIGNS
def test_reading_can_be_interrupted(sign: signal.Signals, store: Path, tmp_path: Path) -> None:
    """The signal comes while a long feed is read: it must not wait for the end of it."""
    feed = tmp_path / (NAME.format(op="delta", n=3) + ".gz")
    rows = "".join(f"B{n},Item {n},{n * 7919 % 10**9}\n" for n in range(50_000)).encode()
    member = gzip.compress(rows, 1)
    with feed.open("wb") as out:
        out.write(gzip.compress(b"id,item_name,metadata:m\n"))
        for _ in range(200):  # ten million rows: seconds to read, a moment to write
            out.write(member)
    begun = time.monotonic()
    interrupted(started(store, feed, "task.started", "tell"), sign)
    assert time.monotonic() - begun < 30
    assert Shop.look(store) == 1
    done = command("--store", store, "--json", "apply", patch(tmp_path, 1, "new"))
    assert done.returncode == 0, done.stderr
