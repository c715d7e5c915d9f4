"""Killed at every point of a run, the next run goes on: the file is in the queue once, whole, and tidied up."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from command import command
from fetching.rig import Rig, feed

PACKAGE = Path(__file__).parents[2] / "python" / "feedengine"
POINTS = [
    *sorted(
        {
            name
            for source in (PACKAGE / "service").rglob("*.py")
            for name in re.findall(r"\bpoint\(\s*\"(serve\.fetch\.[^\"]+)\"", source.read_text())
        }
    ),
    "serve.kept",
    "serve.queued",
]  # the last two are the queue's own, on the way
DATA = b"id,item_name\n" + b"".join(b"A%d,Item %d\n" % (n, n) for n in range(200_000))


def test_there_are_points() -> None:
    assert len(POINTS) == 9, POINTS


def settings(rig: Rig, **given: str) -> Path:
    lines = {"url": str(rig.there), "settle": "0s", "backoff": "0s", **given}
    file = rig.there.parent / "feedengine.toml"
    text = "".join(f'{key} = "{value}"\n' for key, value in lines.items())
    file.write_text(f'[store]\npath = "{rig.store.root}"\n[sources.erp]\n{text}')
    return file


@pytest.mark.feature("U2", "W10", "W12", "L1")
@pytest.mark.parametrize(
    ("point", "after"),
    [
        *((point, "move done") for point in POINTS),
        # What is done there comes after these.
        *((f"serve.fetch.{end}", after) for end in ("submitted", "handed", "tidied") for after in ("leave", "delete")),
    ],
)
def test_killed_at_a_point(rig: Rig, point: str, after: str) -> None:
    rig.put(feed(1), DATA, age=100)
    rig.put(feed(2), "id\nA1\n", age=50)
    config = settings(rig, after=after)
    killed = command("--config", config, "source", "run", "erp", FEEDENGINE_FAULT=point)
    assert killed.returncode == -signal.SIGKILL, (killed.returncode, killed.stderr)
    for _ in range(2):
        done = command("--config", config, "--json", "source", "run", "erp")
        assert done.returncode == 0, done.stderr
    assert rig.tasks() == [feed(1), feed(2)]
    for task in rig.store.ledger.list().tasks:
        kept = Path(str(task.path)).read_bytes()
        assert kept == (DATA if task.filename == feed(1) else b"id\nA1\n")
    left = {path.name for path in rig.there.iterdir() if path.is_file()}
    assert left == ({feed(1), feed(2)} if after == "leave" else set())
    if after == "move done":
        assert {path.name for path in (rig.there / "done").iterdir()} == {feed(1), feed(2)}
    assert not list((rig.store.tmp / "fetch" / "erp").glob("*/*"))
    assert all(each.state == "handed" and each.tidied for each in rig.ledger.newest("erp", 10))


def test_a_cut_download_goes_on_where_it_was(rig: Rig) -> None:
    rig.put(feed(1), DATA, age=100)
    config = settings(rig)
    command("--config", config, "source", "run", "erp", FEEDENGINE_FAULT="serve.fetch.part:2")
    [part] = (rig.store.tmp / "fetch" / "erp").rglob("part")
    assert 0 < part.stat().st_size < len(DATA)
    # What is there already is not loaded again: here it shows, as it was changed within the part that is not compared.
    content = bytearray(part.read_bytes())
    content[13] = ord("B")
    part.write_bytes(content)
    assert command("--config", config, "source", "run", "erp").returncode == 0
    [task] = rig.store.ledger.list().tasks
    assert Path(str(task.path)).read_bytes() == DATA[:13] + b"B" + DATA[14:]


def test_a_part_of_another_file_is_thrown_away(rig: Rig) -> None:
    path = rig.put(feed(1), DATA, age=100)
    config = settings(rig)
    command("--config", config, "source", "run", "erp", FEEDENGINE_FAULT="serve.fetch.part:2")
    path.write_bytes(DATA.replace(b"Item", b"Name"))
    assert command("--config", config, "source", "run", "erp").returncode == 0
    [task] = rig.store.ledger.list().tasks
    assert Path(str(task.path)).read_bytes() == DATA.replace(b"Item", b"Name")
    assert not list((rig.store.tmp / "fetch" / "erp").glob("*/*"))
