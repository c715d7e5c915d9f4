"""A folder of this machine through the verbs of a remote one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from feedengine.errors import NotFound, TransportError
from feedengine.transport.connecting import connect
from feedengine.transport.remote import Place, Remote


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    (tmp_path / "there").mkdir()
    return connect(Place("local", str(tmp_path / "there")))


def test_put_list_get_rename_delete(remote: Remote, tmp_path: Path) -> None:
    data = b"a" * 3_000_000 + b"z"
    source = tmp_path / "a.csv"
    source.write_bytes(data)
    told: list[int] = []
    remote.put(source, "x.part", progress=told.append)
    assert told[-1] == len(data)
    remote.make_folder("done/deep")
    remote.make_folder("done/deep")
    remote.rename("x.part", "done/deep/x.csv")
    assert [entry.name for entry in remote.list()] == []
    [entry] = remote.list("done/deep")
    assert (entry.name, entry.bytes) == ("x.csv", len(data))
    assert entry.modified is not None and entry.modified.tzinfo is not None
    assert remote.size("done/deep/x.csv") == len(data)
    assert remote.sha256("done/deep/x.csv") == hashlib.sha256(data).hexdigest()
    assert remote.get("done/deep/x.csv", tmp_path / "back") == len(data)
    assert (tmp_path / "back").read_bytes() == data
    remote.delete("done/deep/x.csv")
    assert remote.size("done/deep/x.csv") is None


def test_both_ways_go_on_where_they_were_cut(remote: Remote, tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    source = tmp_path / "a.csv"
    source.write_bytes(data)
    (tmp_path / "there" / "x.part").write_bytes(data[:100_000])
    remote.put(source, "x.part", offset=100_000)
    assert (tmp_path / "there" / "x.part").read_bytes() == data
    (tmp_path / "back").write_bytes(data[:200_001])
    assert remote.get("x.part", tmp_path / "back", offset=200_001) == len(data)
    assert (tmp_path / "back").read_bytes() == data


def test_a_download_of_another_file_does_not_go_on(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "there" / "x").write_bytes(b"b" * 1000)
    (tmp_path / "back").write_bytes(b"a" * 500)
    with pytest.raises(TransportError) as caught:
        remote.get("x", tmp_path / "back", offset=500)
    assert caught.value.code == "TRANSPORT_CHANGED"
    (tmp_path / "back").write_bytes(b"b" * 2000)
    with pytest.raises(TransportError) as shorter:
        remote.get("x", tmp_path / "back", offset=2000)
    assert shorter.value.code == "TRANSPORT_CHANGED"


def test_what_is_not_there_is_not_found(remote: Remote, tmp_path: Path) -> None:
    for act in (
        lambda: remote.get("x", tmp_path / "back"),
        lambda: remote.delete("x"),
        lambda: remote.rename("x", "y"),
        lambda: remote.list("x"),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_put_that_fails_leaves_what_was_there(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "there" / "x").write_bytes(b"old")
    source = tmp_path / "a.csv"
    source.write_bytes(b"n" * 100)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remote.put(source, "x", progress=stop)
    assert [each.name for each in (tmp_path / "there").iterdir()] == ["x"]
    assert (tmp_path / "there" / "x").read_bytes() == b"old"
