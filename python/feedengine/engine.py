"""The only importer of the Rust extension: JSON to dicts, the engine's errors to ours, Arrow streams as they are."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

from feedengine import _engine
from feedengine.errors import DiskFull, FeedRejected, InternalError, from_os_error

if _engine.DEBUG_BUILD:
    warnings.warn(
        "feedengine's extension is a debug build: 10 to 50 times slower; build it with maturin develop --release",
        RuntimeWarning,
        stacklevel=2,
    )

Damaged = _engine.Damaged


class ArrowStream(Protocol):
    """Anything that hands out an Arrow C stream: pyarrow, polars, DuckDB, or the engine itself."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@contextmanager
def _mapped() -> Iterator[None]:
    """Turn the engine's exceptions into ours; `Damaged` passes, since the index can be rebuilt."""
    try:
        yield
    except _engine.FeedFault as error:
        fault = json.loads(error.args[0])
        raise FeedRejected(
            fault["message"], code=fault["code"], state="Nothing was changed.", hints=[fault["hint"]]
        ) from None
    except _engine.EngineError as error:
        raise InternalError(str(error), state="Nothing was changed.") from None
    except OSError as error:
        ours = from_os_error(error, "work on the feed")
        if isinstance(ours, DiskFull):
            raise ours from None
        raise


@contextmanager
def _told(streams: _engine.Planner | _engine.FileDiff) -> Iterator[None]:
    try:
        yield
    except Exception:
        with _mapped():
            streams.check_streams()
        raise


@cache
def constructor_entities() -> tuple[dict[str, Any], ...]:
    """The entities of Constructor's catalog, as the engine declares them."""
    return tuple(json.loads(_engine.constructor_entities()))


def check_entities(entities: Sequence[Mapping[str, Any]]) -> list[dict[str, str | None]]:
    """What is amiss with the entities of a profile: entity, field (None for the entity itself), message."""
    found: list[dict[str, str | None]] = json.loads(_engine.check_entities(json.dumps(entities)))
    return found


@cache
def codes() -> tuple[dict[str, str], ...]:
    """Every fault code: code, severity, hint."""
    return tuple(json.loads(_engine.codes()))


@cache
def operations() -> tuple[dict[str, Any], ...]:
    """Every operation and what it may do."""
    return tuple(json.loads(_engine.operations()))


class Planner:
    """Plans one task; `feedengine.ingest` shows the order of calls. After `decide` it only hands out rows."""

    def __init__(self, request: Mapping[str, Any], secret: bytes) -> None:
        with _mapped():
            self._planner = _engine.Planner(json.dumps(request), secret)

    def directories(self) -> list[dict[str, Any]]:
        """What `know` must be told before `scan`: entity, columns (the key first). Empty for Constructor's entities."""
        needed: list[dict[str, Any]] = json.loads(self._planner.directories())
        return needed

    def know(self, entity: str, rows: ArrowStream) -> None:
        """Tell of all current records of `entity`: `_row` and the columns that `directories` names for it."""
        with _mapped():
            self._planner.know(entity, rows)

    def scan(self, path: Path) -> None:
        """Read the feed. Raises FeedRejected where it cannot be read on."""
        with _mapped():
            self._planner.scan(path)

    def progress(self) -> tuple[int, int, int]:
        """Bytes done, bytes in all, records so far; from any thread."""
        return self._planner.progress()

    def next_want(self) -> dict[str, Any] | None:
        """What to supply next: entity, rows (`some` or `all`), columns (None = all)."""
        with _mapped():
            want = self._planner.next_want()
        return None if want is None else json.loads(want)

    def wanted(self) -> ArrowStream:
        """The stored rows of the last want, as `_row`."""
        return self._planner.wanted()

    def supply(self, rows: ArrowStream) -> None:
        """Answer the last want."""
        with _mapped():
            self._planner.supply(rows)

    def decide(self) -> dict[str, Any]:
        """The plan's report."""
        with _mapped():
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
        """Rows that wait for a record: entity, record, line, identity, values by field as sent, waits_for.

        `identity` is what the row goes by, as pairs of field and value; `waits_for` has entity, field and value. Reads
        the feed again, which must still be the same file.
        """
        with _mapped():
            lines = self._planner.parked(entity)
        return (json.loads(line) for line in lines.splitlines())

    def rejected(self) -> ArrowStream:
        """Positions of all rejected rows in the order of the file: `member`, `entity`, `record`, `line`, `byte`.

        Reads the feed once more. `record` and `line` count from 1, `byte` from 0 within the member as it was unpacked.
        """
        with _mapped():
            return self._planner.rejected()

    def keep_rejected(self, path: Path) -> int:
        """Write the same positions to `path`, as lines of JSON `[member, entity, record, line, byte]`; how many."""
        with _mapped():
            return self._planner.keep_rejected(path)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """While streams of this planner are read: what ends one early is raised as itself.

        Whoever reads an Arrow stream learns of an error in words only, and tells it in its own.
        """
        with _told(self._planner):
            yield

    def write_index(self, folder: Path, token: str) -> dict[str, dict[str, Any]]:
        """Write the next index into `folder`; gives the next state of each entity."""
        with _mapped():
            states: dict[str, dict[str, Any]] = json.loads(self._planner.write_index(folder, token))
        return states


@dataclass(frozen=True)
class Sent:
    """A row in its sender's words. `record` counts from 1 within member and entity, `values` are by field.

    `identity` is what it goes by: its identifiers, or `row` and a digest of what it says. `names` are those that were
    asked for and that it has.
    """

    member: str
    entity: str
    record: int
    values: Mapping[str, str]
    identity: tuple[tuple[str, str], ...]
    names: tuple[tuple[str, str], ...]


def sent(
    path: Path,
    request: Mapping[str, Any],
    secret: bytes,
    folder: Path,
    *,
    places: Iterable[tuple[str, str, int]] = (),
    names: Iterable[tuple[str, str, str]] = (),
) -> Iterator[Sent]:
    """Rows of a feed in its sender's words, in any order and whatever its format.

    Those at `places` (member, entity, record), and those with one of the `names` (entity, field, value). `request` is a
    planner's; `folder` takes a file meanwhile. Raises FeedRejected where the feed cannot be read on, behind the rows
    that were found till then.
    """
    wanted = {"places": list(places), "names": list(names)}
    with _lines(path, request, secret, folder, "sent", wanted) as lines:
        for line in lines:
            member, entity, record, values, identity, met = json.loads(line)
            yield Sent(member, entity, record, values, _pairs(identity), _pairs(met))


def cells(
    path: Path, request: Mapping[str, Any], secret: bytes, folder: Path, places: Mapping[str, Sequence[int]]
) -> Iterator[tuple[str, int, list[str | None]]]:
    """Rows of a feed that has columns, cell by cell as they were sent: member, record and cells.

    `places` are records from 1 by member. The names of a member's columns come before its rows, as record 0.
    Raises FeedRejected where the feed cannot be read.
    """
    with _lines(path, request, secret, folder, "cells", places) as lines:
        for line in lines:
            member, record, row = json.loads(line)
            yield member, record, row


def unpack(path: Path, out: Path, max_expansion: int) -> None:
    """Write what a compressed file holds to `out`; any other file is copied. Raises FeedRejected for a damaged one."""
    with _mapped():
        _engine.unpack(path, out, max_expansion)


@contextmanager
def _lines(
    path: Path, request: Mapping[str, Any], secret: bytes, folder: Path, verb: str, wanted: Any
) -> Iterator[IO[str]]:
    """What a planner that plans nothing writes of a feed."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        out = Path(place) / "rows"
        out.touch()
        ended: FeedRejected | None = None
        try:
            with _mapped():
                getattr(_engine.Planner(json.dumps(request), secret), verb)(path, out, json.dumps(wanted))
        except FeedRejected as error:
            ended = error
        with out.open(encoding="utf-8") as lines:
            yield lines
        if ended is not None:
            raise ended


def _pairs(given: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((field, value) for field, value in given)


def build_index(spec: Mapping[str, Any], secret: bytes, rows: ArrowStream, path: Path, temp: Path) -> dict[str, Any]:
    """Write an index run of all current `rows` (whole, with `_row`); gives records, active, data_bytes, digest.

    `spec` is the entity's declaration.
    """
    with _mapped():
        totals: dict[str, Any] = json.loads(_engine.build_index(json.dumps(spec), secret, rows, path, temp))
    return totals


def overlay(
    spec: Mapping[str, Any],
    secret: bytes,
    base: Mapping[str, Any],
    gone: Sequence[str],
    rows: ArrowStream,
    path: Path,
    temp: Path,
) -> dict[str, Any]:
    """Write an overlay on `base` to `path`: `rows` are whole records as they are now, `gone` the ids that left.

    `base` has runs (absolute paths), records, active, data_bytes, next_row, digest, columns. Gives the sums after it.
    """
    with _mapped():
        totals: dict[str, Any] = json.loads(
            _engine.overlay(json.dumps(spec), secret, json.dumps(base), list(gone), rows, path, temp)
        )
    return totals


class FileDiff:
    """What differs between two files."""

    def __init__(self, diff: _engine.FileDiff) -> None:
        self._diff = diff
        self.report: dict[str, Any] = json.loads(diff.report)

    def after(self, entity: str) -> ArrowStream | None:
        """Added and changed records as the second file has them."""
        return self._diff.after(entity)

    def before(self, entity: str) -> ArrowStream | None:
        """Changed and removed records as the first file has them."""
        return self._diff.before(entity)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """As `Planner.streaming`."""
        with _told(self._diff):
            yield


def diff_files(old: Path, new: Path, request: Mapping[str, Any]) -> FileDiff:
    """Compare two feeds. `request` has settings, threads, memory, temp_dir."""
    with _mapped():
        return FileDiff(_engine.diff_files(old, new, json.dumps({"operation": "sync", **request})))


def generate(spec: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write a made-up feed to `out`; gives the known answer. See `feedengine-core/src/sample`."""
    with _mapped():
        answer: dict[str, Any] = json.loads(_engine.generate(json.dumps(spec), out))
    return answer
