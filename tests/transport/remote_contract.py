"""What every `Remote` does, whatever its protocol and server: a class of tests to inherit from.

A subclass gives the fixture `remote` (an open one, its place an empty folder), and says where its server differs.
"""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedengine.errors import FeedEngineError, NotFound, TransportError
from feedengine.transport.remote import Remote

NAMES = ["with space.tmp", "Grüße – 漢字.tmp", "semi;colon&'quote.tmp", "-dash.tmp", "%41.tmp"]
DATA = random.Random(1).randbytes(3_000_001)


class RemoteContract:
    #: A file gets the name of another one, which is gone then. Servers for feeds refuse.
    replaces = True
    #: An upload goes on behind what is there.
    resumes = True
    #: Folders may be made, and files in the place's own folder be renamed and deleted.
    manages = True
    #: A folder with files in it may get another name. Where files are feeds it may not.
    renames_folders = True

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        path = tmp_path / "source.csv"
        path.write_bytes(DATA)
        return path

    def test_a_file_comes_back_as_it_was_sent(self, remote: Remote, source: Path, tmp_path: Path) -> None:
        told: list[int] = []
        remote.put(source, "a.tmp", progress=told.append)
        assert told[-1] == len(DATA) and told == sorted(told)
        assert remote.size("a.tmp") == len(DATA)
        told.clear()
        assert remote.get("a.tmp", tmp_path / "back", progress=told.append) == len(DATA)
        assert (tmp_path / "back").read_bytes() == DATA
        assert told[-1] == len(DATA) and told == sorted(told)

    def test_an_empty_file_is_a_file(self, remote: Remote, tmp_path: Path) -> None:
        (tmp_path / "empty").write_bytes(b"")
        remote.put(tmp_path / "empty", "empty.tmp")
        assert remote.size("empty.tmp") == 0
        assert remote.get("empty.tmp", tmp_path / "back") == 0
        assert (tmp_path / "back").read_bytes() == b""

    def test_a_listing_has_files_by_name_with_size_and_time(self, remote: Remote, source: Path, tmp_path: Path) -> None:
        (tmp_path / "small").write_bytes(b"x")
        assert remote.list() == []
        remote.put(tmp_path / "small", "b.tmp")
        remote.put(source, "a.tmp")
        if self.manages:
            remote.make_folder("folder")
        first, second = remote.list()
        assert (first.name, first.bytes) == ("a.tmp", len(DATA))
        assert (second.name, second.bytes) == ("b.tmp", 1)
        if first.modified is not None:
            assert abs(datetime.now(UTC) - first.modified) < timedelta(hours=1)

    @pytest.mark.parametrize(
        "name", ["with space.tmp", "Grüße – 漢字.tmp", "semi;colon&'quote.tmp", "-dash.tmp", "%41.tmp"]
    )
    def test_names_are_kept(self, remote: Remote, tmp_path: Path, name: str) -> None:
        (tmp_path / "x").write_bytes(b"data")
        remote.put(tmp_path / "x", name)
        assert [entry.name for entry in remote.list()] == [name]
        assert remote.get(name, tmp_path / "back") == 4
        remote.rename(name, "plain.tmp")
        assert remote.size(name) is None and remote.size("plain.tmp") == 4

    def test_what_is_not_there_is_not_found(self, remote: Remote, tmp_path: Path) -> None:
        assert remote.size("none.tmp") is None
        assert remote.size("none/none.tmp") is None
        with pytest.raises(NotFound):
            remote.get("none.tmp", tmp_path / "back")
        with pytest.raises(NotFound):
            remote.list("none")
        with pytest.raises(NotFound):
            remote.delete("none.tmp")
        with pytest.raises(NotFound):
            remote.rename("none.tmp", "other.tmp")
        # And it is still of use.
        assert remote.list() == []

    def test_a_download_goes_on(self, remote: Remote, source: Path, tmp_path: Path) -> None:
        remote.put(source, "a.tmp")
        for there in (1, 100_000, len(DATA) - 1, len(DATA)):
            (tmp_path / "back").write_bytes(DATA[:there])
            assert remote.get("a.tmp", tmp_path / "back", offset=there) == len(DATA)
            assert (tmp_path / "back").read_bytes() == DATA

    def test_a_download_does_not_go_on_in_another_file(self, remote: Remote, source: Path, tmp_path: Path) -> None:
        remote.put(source, "a.tmp")
        (tmp_path / "back").write_bytes(b"other" * 1000)
        with pytest.raises(TransportError) as caught:
            remote.get("a.tmp", tmp_path / "back", offset=5000)
        assert caught.value.code == "TRANSPORT_CHANGED"

    def test_a_stopped_download_can_be_continued(self, remote: Remote, source: Path, tmp_path: Path) -> None:
        remote.put(source, "a.tmp")

        class Stop(Exception):
            pass

        def stop(done: int) -> None:
            raise Stop

        with pytest.raises(Stop):
            remote.get("a.tmp", tmp_path / "back", progress=stop)
        there = (tmp_path / "back").stat().st_size
        assert remote.get("a.tmp", tmp_path / "back", offset=there) == len(DATA)
        assert (tmp_path / "back").read_bytes() == DATA

    def test_an_upload_goes_on(self, remote: Remote, source: Path, tmp_path: Path) -> None:
        if not self.resumes:
            pytest.skip("this server lets no complete file be continued")
        (tmp_path / "part").write_bytes(DATA[:1_000_000])
        remote.put(tmp_path / "part", "a.tmp")
        remote.put(source, "a.tmp", offset=1_000_000)
        assert remote.get("a.tmp", tmp_path / "back") == len(DATA)
        assert (tmp_path / "back").read_bytes() == DATA

    def test_a_file_that_is_put_again_is_the_new_one(self, remote: Remote, source: Path, tmp_path: Path) -> None:
        remote.put(source, "a.tmp")
        (tmp_path / "small").write_bytes(b"new")
        remote.put(tmp_path / "small", "a.tmp")
        assert remote.size("a.tmp") == 3

    def test_renaming_over_a_file(self, remote: Remote, tmp_path: Path) -> None:
        for name in ("old", "new"):
            (tmp_path / name).write_bytes(name.encode() * 2)
            remote.put(tmp_path / name, f"{name}.tmp")
        if self.replaces:
            remote.rename("new.tmp", "old.tmp")
            assert remote.size("new.tmp") is None
            remote.get("old.tmp", tmp_path / "back")
            assert (tmp_path / "back").read_bytes() == b"newnew"
        else:
            with pytest.raises(TransportError):
                remote.rename("new.tmp", "old.tmp")
            remote.get("old.tmp", tmp_path / "back")
            assert (tmp_path / "back").read_bytes() == b"oldold"

    def test_folders(self, remote: Remote, source: Path) -> None:
        if not self.manages:
            pytest.skip("no folders here")
        remote.make_folder("one/two/three")
        remote.make_folder("one/two/three")
        remote.make_folder("one/two/four")
        remote.put(source, "one/two/three/a.tmp")
        assert [entry.name for entry in remote.list("one/two/three")] == ["a.tmp"]
        assert remote.list("one") == [] and remote.size("one/two") is None
        remote.rename("one/two/three/a.tmp", "one/two/four/b.tmp")
        assert remote.list("one/two/three") == [] and remote.size("one/two/four/b.tmp") == len(DATA)

    def test_a_whole_folder_gets_its_name_at_once(self, remote: Remote, tmp_path: Path) -> None:
        if not self.manages:
            pytest.skip("no folders here")
        if not self.renames_folders:
            whole_folder(remote, tmp_path, "/elsewhere/")
            with pytest.raises(TransportError):
                whole_folder(remote, tmp_path, "")
            return
        whole_folder(remote, tmp_path, "")

    def test_many_folders_beside_each_other_and_one_above_that_went(self, remote: Remote, tmp_path: Path) -> None:
        if not self.manages:
            pytest.skip("no folders here")
        (tmp_path / "x").write_bytes(b"data")
        for name in ("a", "b", "a"):
            remote.make_folder(f"far/near/{name}")
        remote.put(tmp_path / "x", "far/near/b/file.tmp")
        assert [entry.name for entry in remote.list("far/near/b")] == ["file.tmp"]
        remote.delete("far/near/b/file.tmp")
        for name in ("far/near/a", "far/near/b", "far/near", "far"):
            remote.remove_folder(name)
        remote.make_folder("far/near/c")
        assert remote.list("far/near/c") == []

    def test_delete(self, remote: Remote, source: Path) -> None:
        remote.put(source, "a.tmp")
        remote.delete("a.tmp")
        assert remote.list() == [] and remote.size("a.tmp") is None

    def test_a_hash_is_right_or_none(self, remote: Remote, source: Path) -> None:
        remote.put(source, "a.tmp")
        assert remote.sha256("a.tmp") in (None, hashlib.sha256(DATA).hexdigest())

    def test_putting_into_no_folder_fails_and_harms_nothing(self, remote: Remote, source: Path) -> None:
        with pytest.raises(FeedEngineError) as caught:
            remote.put(source, "none/a.tmp")
        assert caught.value.code in ("NOT_FOUND", "TRANSPORT_REFUSED")
        assert remote.list() == []

    def test_closing_twice_is_no_error(self, remote: Remote) -> None:
        remote.close()
        remote.close()


def whole_folder(remote: Remote, tmp_path: Path, above: str) -> None:
    """A folder is built aside and renamed; no other takes its place."""
    (tmp_path / "x").write_bytes(b"data")
    remote.make_folder(above + "out/.order.part")
    for name in ("a.csv", "b.csv"):
        remote.put(tmp_path / "x", f"{above}out/.order.part/{name}")
    remote.rename(above + "out/.order.part", above + "out/order")
    assert [entry.name for entry in remote.list(above + "out/order")] == ["a.csv", "b.csv"]
    assert remote.size(above + "out/.order.part/a.csv") is None
    remote.make_folder(above + "out/.order.part")
    remote.put(tmp_path / "x", above + "out/.order.part/a.csv")
    with pytest.raises(FeedEngineError):
        remote.rename(above + "out/.order.part", above + "out/order")
    with pytest.raises(FeedEngineError):
        remote.remove_folder(above + "out/.order.part")
    remote.delete(above + "out/.order.part/a.csv")
    remote.remove_folder(above + "out/.order.part")
    with pytest.raises(FeedEngineError):
        remote.list(above + "out/.order.part")
    assert len(remote.list(above + "out/order")) == 2
