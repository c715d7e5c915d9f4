"""The DuckDB file itself: format, locks, logs, damage, full disks, kills; what other programs see."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import IO

import duckdb
import pytest

from feedengine.errors import CatalogBusy, DiskFull, StoreDamaged
from feedengine.store import Options, Store
from feedengine.store.database import ROW_GROUP_SIZE, STORAGE_VERSION
from store.helpers import Writer, new_catalog, stream, table

PACKAGE = Path(__file__).parents[2] / "python" / "feedengine"
WORK = """
import sys
from pathlib import Path
from feedengine.store import Store
from store.helpers import Writer
writer = Writer(Store.open(Path(sys.argv[1])).catalog("key_a1"))
writer.rows, writer.next, writer.task = {"items": {"a": 1, "b": 2}}, {"items": 3}, 1
writer.write(put=[{"id": "a", "item_name": "changed", "metadata:new": "1"}, {"id": "c"}], remove={"b": 1})
"""


def run(code: str, *args: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | env,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_file_opens_in_duckdb_directly_with_views_and_the_promised_format(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    Writer(catalog).write(put=[{"id": "a", "item_name": "x"}])
    catalog.close()
    with duckdb.connect(str(catalog.path()), read_only=True) as con:
        assert con.execute('FROM "Products"."items"').fetchall() == [("a", "x")]
        tags = con.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'catalog'").fetchall()[0][0]
        assert STORAGE_VERSION in str(tags)


def test_nothing_is_printed(tmp_path: Path) -> None:
    Writer(new_catalog(tmp_path)).write(put=[{"id": "a"}, {"id": "b"}])
    done = run(WORK, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_log_left_behind_is_read_without_writing(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    writer.write(put=[{"id": "a", "item_name": "one"}])
    writer.write(put=[{"id": "a", "item_name": "two"}])
    catalog.close()
    log = catalog.path().with_name("catalog.duckdb.wal")
    assert log.exists(), "a small commit is not worth a checkpoint"
    before = log.read_bytes()
    assert table(catalog.rows("Products", "items", ["item_name"], None)) == [{"_row": 2, "item_name": "two"}]
    assert log.read_bytes() == before


def test_a_checkpoint_after_a_small_change_rewrites_little(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    count = 4 * ROW_GROUP_SIZE
    with catalog.commit("Products", catalog.base("Products")) as commit:
        commit.con.execute("SELECT 1").fetchall()
        rows = [
            {"_row": n + 1, "_record": n, "id": f"{n:08d}", "item_name": f"{n * 7919 % 1000003}"} for n in range(count)
        ]
        commit.add_columns("items", commit.add_columns("items", ()).columns)
        from store.helpers import columns, state

        commit.add_columns("items", columns("id", "item_name"))
        commit.insert("items", stream(rows))
        from feedengine.store import SnapshotMeta

        commit.finish(SnapshotMeta("sync", {"items": state(count, count + 1)}))
    size = catalog.path().stat().st_size
    writer.rows["items"] = {f"{n:08d}": n + 1 for n in range(count)}
    writer.next["items"] = count + 1
    writer.write(put=[{"id": f"{n:08d}", "item_name": "x"} for n in range(0, count, 100)])
    with catalog.writing() as con:
        con.execute("CHECKPOINT feedstore").fetchall()
    assert catalog.path().stat().st_size < size * 1.5
    groups = table(
        catalog.sql(
            "SELECT max(n)::INTEGER AS most FROM (SELECT sum(count) AS n FROM pragma_storage_info('items_history') "
            "WHERE column_name = '_row' AND segment_type = 'BIGINT' GROUP BY row_group_id)",
            "Products",
        )
    )
    assert groups == [{"most": ROW_GROUP_SIZE}]


HOLD = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_reader_makes_the_writer_wait_with_a_word(tmp_path: Path) -> None:
    Writer(new_catalog(tmp_path)).write(put=[{"id": "a"}, {"id": "b"}])
    words: list[str] = []
    path = tmp_path / "keys/key_a1/catalog.duckdb"
    for patience in (3, 120):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdin is not None and holder.stdout is not None and holder.stdout.readline() == "held\n"

            def waiting(word: str, patience: int = patience, line: IO[str] = holder.stdin) -> None:
                words.append(word)
                if patience > 3:
                    line.close()

            catalog = Store.open(tmp_path, Options(wait_seconds=patience, notify=waiting)).catalog("key_a1")
            writer = Writer(catalog)
            writer.rows, writer.next, writer.task = {"items": {"a": 1, "b": 2}}, {"items": 3}, 1
            if patience == 3:
                with pytest.raises(CatalogBusy, match="in use by another program"):
                    writer.write(put=[{"id": "c"}])
                holder.kill()
            else:
                assert writer.write(put=[{"id": "c"}]).number == 2
    assert len(words) == 2 and all("waiting up to" in word for word in words)


POINTS = sorted(
    {
        name
        for room in ("store",)
        for source in (PACKAGE / room).rglob("*.py")
        for name in re.findall(r'\bpoint\("(commit\.[^"]+)"\)', source.read_text())
    }
)


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_the_store_is_old_or_new(point: str, tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    Writer(catalog).write(put=[{"id": "a", "item_name": "one"}, {"id": "b"}])
    old = table(catalog.export_rows("Products", "items"))
    catalog.close()
    if point == "commit.after_patched":
        # Whole records only in this work: a patch passes elsewhere.
        assert run(WORK, tmp_path, FEEDENGINE_FAULT=point).returncode == 0
        return
    assert run(WORK, tmp_path, FEEDENGINE_FAULT=point).returncode == -signal.SIGKILL
    new = point in ("commit.after_commit", "commit.after_checkpoint")
    assert (catalog.applied(2, None) is not None) is new
    assert (table(catalog.export_rows("Products", "items")) != old) is new
    assert catalog.check("Products", engine=False)["ok"]
    catalog.close()
    assert (run(WORK, tmp_path).returncode == 0) is not new, "a task is applied once"
    assert [row["id"] for row in table(catalog.sql("SELECT id FROM items ORDER BY id", "Products"))] == ["a", "c"]


def test_no_room_says_so_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = new_catalog(tmp_path)
    writer = Writer(catalog)
    writer.write(put=[{"id": "a"}])
    monkeypatch.setenv("FEEDENGINE_FAULT_KIND", "enospc")
    monkeypatch.setenv("FEEDENGINE_FAULT", "commit.after_insert")
    with pytest.raises(DiskFull) as caught:
        writer.write(put=[{"id": "b"}])
    assert caught.value.state == "Nothing was changed."
    assert [info.number for info in catalog.snapshots()] == [1]
    monkeypatch.setenv("FEEDENGINE_FAULT", "commit.after_commit")
    with pytest.raises(DiskFull) as caught:
        writer.write(put=[{"id": "c"}])
    assert caught.value.state == "Snapshot 2 is current."
    assert [info.number for info in catalog.snapshots()] == [1, 2]


def test_no_room_by_the_system_itself(tmp_path: Path) -> None:
    Writer(new_catalog(tmp_path)).write(put=[{"id": "a"}, {"id": "b"}])
    code = """
    import resource, signal, sys
    from pathlib import Path
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    from feedengine.errors import DiskFull
    from feedengine.store import Store
    from store.helpers import Writer
    import os
    writer = Writer(Store.open(Path(sys.argv[1])).catalog("key_a1"))
    writer.task = 5
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    try:
        writer.write(put=[{"id": f"n{n}", "item_name": os.urandom(400).hex()} for n in range(10000)])
    except DiskFull as error:
        print(error.state)
    """
    done = run(code, tmp_path)
    assert done.stdout == "Nothing was changed.\n", done.stderr
    assert Store.open(tmp_path).catalog("key_a1").check("Products", engine=False)["ok"]


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "header"])
def test_a_damaged_file_is_named(damage: str, tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    Writer(catalog).write(put=[{"id": f"n{n}", "item_name": str(n)} for n in range(5000)])
    catalog.close()
    content = catalog.path().read_bytes()
    broken = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "text": b"not a database at all\n" * 1000,
        "header": content[:4096] + b"\xff" * 4096 + content[8192:],
    }
    catalog.path().write_bytes(broken[damage])
    with pytest.raises(StoreDamaged):
        table(catalog.rows("Products", "items", None, None))


def test_any_stream_is_taken_once_and_its_error_comes_through(tmp_path: Path) -> None:
    import pyarrow as pa

    catalog = new_catalog(tmp_path)

    def batches() -> object:
        yield pa.record_batch({"_row": [1], "_record": [1], "id": ["a"]})
        raise RuntimeError("the feed broke off")

    schema = pa.schema([("_row", pa.int64()), ("_record", pa.int64()), ("id", pa.string())])
    with (
        pytest.raises(duckdb.InvalidInputException, match="the feed broke off"),
        catalog.commit("Products", catalog.base("Products")) as commit,
    ):
        commit.insert("items", pa.RecordBatchReader.from_batches(schema, batches()))
    assert catalog.snapshots() == []
