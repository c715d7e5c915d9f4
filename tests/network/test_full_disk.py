"""The disk is full: the sender is told to try later, nothing half lands, and afterwards all goes on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from network.lab import GOOD, KEY, LOGIN, OTHER, OTHER_PASSWORD, PASSWORD, Lab
from network.ports import free_block
from network.service import Service

_ROOM = "48m"


def service(folder: Path) -> Service:
    """A service with the two partners, not started."""
    block = free_block(11)
    made = Service(folder, block[0], block[1:])
    made.add_account(LOGIN, PASSWORD, home="partner", keys=(KEY,))
    made.add_account(OTHER, OTHER_PASSWORD, home="other", keys=("key_Other",))
    return made


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system with little room."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount")
    if done.returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


@pytest.mark.parametrize("point", ["serve.landing.synced", "serve.kept"])
def test_no_room_at_the_last_moment(tmp_path: Path, point: str) -> None:
    made = service(tmp_path)
    lab = Lab(made)
    made.start(FEEDENGINE_FAULT=f"{point}:2", FEEDENGINE_FAULT_KIND="enospc")
    try:
        lab.serves()
        name = lab.name()
        with lab.session() as talk:
            said = talk.store(name, GOOD.encode())
            assert said.code in (451, 452), said
            assert name not in lab.names_in_ledger()
            assert not [path for path in lab.home.iterdir() if name in path.name]
            assert talk.store(name, GOOD.encode()).code == 226
        assert lab.names_in_ledger().count(name) == 1
        lab.told_nothing()
    finally:
        made.stop()


def test_a_file_system_without_room(small: Path) -> None:
    made = service(small)
    lab = Lab(made)
    made.start()
    try:
        lab.serves()
        large = b"id,item_name\n" + b"A1,One\n" * 10_000_000
        name = lab.name()
        with lab.session() as talk:
            said = talk.store(name, large)
            assert said.code == 452, said
            assert name not in lab.names_in_ledger()
            assert not (lab.home / name).exists()
        # What came of it was let go of: a part that cannot be finished must not keep others out.
        lab.serves()
        filler = small / "filler"
        with filler.open("wb", buffering=0) as full:
            block = b"\0" * 65536
            try:
                while True:
                    full.write(block)
            except OSError:
                pass
        name = lab.name()
        with lab.session() as talk:
            said = talk.store(name, GOOD.encode())
            assert 400 <= said.code < 500, said
        filler.unlink()
        until = time.monotonic() + 120
        while True:
            with lab.session() as talk:
                if talk.store(name, GOOD.encode()).code == 226:
                    break
            assert time.monotonic() < until
            time.sleep(0.5)
        assert made.drain(120)
        assert {task.status for task in made.tasks()} == {"DONE"}
        assert lab.names_in_ledger().count(name) == 1
        lab.told_nothing()
    finally:
        made.stop()
