"""One task's plan: what the engine is told, what it wants to know, what it decides."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from feedengine import _engine
from feedengine.engine.answers import ArrowStream, mapped, told


class Planner:
    """Plans one task; `feedengine.ingest` shows the order of calls. After `decide` it only hands out rows."""

    def __init__(self, request: Mapping[str, Any], secret: bytes) -> None:
        with mapped():
            self._planner = _engine.Planner(json.dumps(request), secret)

    def directories(self) -> list[dict[str, Any]]:
        """What `know` must be told before `scan`: entity, columns (the key first). Empty for Constructor's entities."""
        needed: list[dict[str, Any]] = json.loads(self._planner.directories())
        return needed

    def know(self, entity: str, rows: ArrowStream) -> None:
        """Tell of all current records of `entity`: `_row` and the columns that `directories` names for it."""
        with mapped():
            self._planner.know(entity, rows)

    def must_exist(self, number: int, ids: Sequence[str]) -> None:
        """Tell ids of a list of the request's safeguard, by its number there; all of them before `scan`."""
        with mapped():
            self._planner.list(number, ids)

    def scan(self, path: Path) -> None:
        """Read the feed. Raises FeedRejected where it cannot be read on."""
        with mapped():
            self._planner.scan(path)

    def progress(self) -> tuple[int, int, int]:
        """Bytes done, bytes in all, records so far; from any thread."""
        return self._planner.progress()

    def next_want(self) -> dict[str, Any] | None:
        """What to supply next: entity, rows (`some` or `all`), columns (None = all)."""
        with mapped():
            want = self._planner.next_want()
        return None if want is None else json.loads(want)

    def wanted(self) -> ArrowStream:
        """The stored rows of the last want, as `_row`."""
        return self._planner.wanted()

    def supply(self, rows: ArrowStream) -> None:
        """Answer the last want."""
        with mapped():
            self._planner.supply(rows)

    def decide(self) -> dict[str, Any]:
        """The plan's report."""
        with mapped():
            report: dict[str, Any] = json.loads(self._planner.decide())
        return report

    def added_columns(self, entity: str) -> list[dict[str, str]]:
        """Columns the store must add: name, kind."""
        columns: list[dict[str, str]] = json.loads(self._planner.added_columns(entity))
        return columns

    def closed(self, entity: str) -> ArrowStream | None:
        """Stored rows to close: `_row`, `_reason`."""
        return self._planner.closed(entity)

    def removed_rows(self, entity: str, limit: int) -> ArrowStream:
        """Stored rows of records that go, at most `limit`: `_row`."""
        return self._planner.removed_rows(entity, limit)

    def rows(self, entity: str) -> ArrowStream | None:
        """Whole records to insert."""
        return self._planner.rows(entity)

    def patched(self, entity: str) -> ArrowStream | None:
        """Changed cells of patched records, with the stored row to copy the rest from."""
        return self._planner.patched(entity)

    def parked(self, entity: str) -> Iterator[dict[str, Any]]:
        """Rows that wait for a record: entity, record, line, identity, values by field as sent, sent, waits_for.

        `identity` is what the row goes by, as pairs of field and value; `sent` the row of a JSON feed as a line of
        JSON, else None; `waits_for` has entity, field and value. Reads the feed again, which must still be the same.
        """
        with mapped():
            lines = self._planner.parked(entity)
        return (json.loads(line) for line in lines.splitlines())

    def rejected(self) -> ArrowStream:
        """Positions of all rejected rows in the order of the file: `member`, `entity`, `record`, `line`, `byte`.

        Reads the feed once more. `record` and `line` count from 1, `byte` from 0 within the member as it was unpacked.
        """
        with mapped():
            return self._planner.rejected()

    def keep_rejected(self, path: Path) -> int:
        """Write the same positions to `path`, as lines of JSON `[member, entity, record, line, byte]`; how many."""
        with mapped():
            return self._planner.keep_rejected(path)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """While streams of this planner are read: what ends one early is raised as itself.

        Whoever reads an Arrow stream learns of an error in words only, and tells it in its own.
        """
        with told(self._planner):
            yield

    def write_index(self, folder: Path, token: str) -> dict[str, dict[str, Any]]:
        """Write the next index into `folder`; gives the next state of each entity."""
        with mapped():
            states: dict[str, dict[str, Any]] = json.loads(self._planner.write_index(folder, token))
        return states
