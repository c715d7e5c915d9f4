"""A file that cannot be read to its end keeps its size in the ledger, and so is known and put away as any other."""

from __future__ import annotations

import gzip
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from feedengine.service.housekeeping import Reconciler
from service.place import Place


@pytest.mark.feature("W10", "C29")
def test_a_truncated_archive_is_put_into_failed_and_is_no_new_file(tmp_path: Path) -> None:
    place = Place(tmp_path)
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("items.csv")
        content = b"id,item_name\n" + b"".join(b"A%d,Item\n" % number for number in range(2000))
        member.size = len(content)
        archive.addfile(member, BytesIO(content))
    cut = gzip.compress(packed.getvalue(), mtime=0)[:-200]
    name = place.name("sync", ext="tar.gz")
    number = place.land(name, cut)
    place.work()
    task = place.task(number)
    assert (task.status, task.outcome, task.bytes) == ("FAILED", "rejected_file", len(cut))
    assert f"/failed/{number}__{name}" in place.files()
    reconciler = Reconciler(place.store, place.settings, place.diary)
    assert [reconciler.run(), reconciler.run()] == [[], []]
    assert place.store.ledger.list().total == 1
