"""Files without a catalog: whether one is still the same, unpacked, compared with another, made up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from feedengine import _engine
from feedengine.engine.answers import ArrowStream, mapped, told
from feedengine.errors import FeedRejected


def must_be(path: Path, fingerprint: str | None) -> None:
    """Raise FeedRejected unless the file at `path` has this fingerprint, which its plan's report told; None is any."""
    if fingerprint is None:
        return
    with mapped():
        found = _engine.fingerprint(path)
    if found != fingerprint:
        raise FeedRejected(
            f"{path.name} is not the file any more that was planned: places of its rows mean nothing in another one.",
            code="FILE_CHANGED",
            state="Nothing was changed.",
            hints=["Send the file again under a name of its own"],
        )


def unpack(path: Path, out: Path, max_expansion: int) -> None:
    """Write what a compressed file holds to `out`; any other file is copied. Raises FeedRejected for a damaged one."""
    with mapped():
        _engine.unpack(path, out, max_expansion)


class FileDiff:
    """What differs between two files. `report` is that of a plan, without a catalog's digest and size."""

    def __init__(self, diff: _engine.FileDiff) -> None:
        self._diff = diff
        self.report: dict[str, Any] = json.loads(diff.report)

    def after(self, entity: str, most: int | None = None) -> ArrowStream | None:
        """Added and changed records as the second file has them; the first `most` of them will do."""
        return self._diff.after(entity, most)

    def before(self, entity: str, most: int | None = None) -> ArrowStream | None:
        """Changed and removed records as the first file has them; those of the first `most` changes will do."""
        with mapped():
            return self._diff.before(entity, most)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """As `Planner.streaming`."""
        with told(self._diff):
            yield


def diff_files(old: Path, new: Path, request: Mapping[str, Any]) -> FileDiff:
    """Compare two feeds. `request` has settings, threads, memory, temp_dir."""
    with mapped():
        return FileDiff(_engine.diff_files(old, new, json.dumps({"operation": "sync", **request})))


def generate(spec: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write a made-up feed to `out`; gives the known answer. See `feedengine-core/src/sample`."""
    with mapped():
        answer: dict[str, Any] = json.loads(_engine.generate(json.dumps(spec), out))
    return answer
