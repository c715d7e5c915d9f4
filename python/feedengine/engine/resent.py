"""Rows of a feed in the words of its sender: read once more, by a planner that plans nothing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from feedengine import _engine
from feedengine.engine.answers import mapped
from feedengine.errors import FeedRejected


@dataclass(frozen=True)
class Sent:
    """A row in its sender's words. `record` counts from 1 within member and entity, `values` are by field.

    `identity` is what it goes by: its identifiers, or `row` and a digest of what it says. `names` are those that were
    asked for and that it has. `element` is a row of a JSON feed as a line of JSON, as it was sent, where its place was
    asked for.
    """

    member: str
    entity: str
    record: int
    values: Mapping[str, str]
    identity: tuple[tuple[str, str], ...]
    names: tuple[tuple[str, str], ...]
    element: str | None


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
            member, entity, record, values, identity, met, element = json.loads(line)
            yield Sent(member, entity, record, values, _pairs(identity), _pairs(met), element)


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


def document(
    path: Path, request: Mapping[str, Any], secret: bytes, out: Path, member: str, places: Mapping[str, Sequence[int]]
) -> int:
    """Write records of a member that is a JSON document to `out`, as a document in which each is as it was sent.

    `places` are records from 1 by entity, rising. Gives how many were written. Raises FeedRejected where the feed
    cannot be read.
    """
    asked = json.dumps({entity: list(records) for entity, records in places.items()})
    with mapped():
        return _engine.Planner(json.dumps(request), secret).document(path, out, member, asked)


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
            with mapped():
                getattr(_engine.Planner(json.dumps(request), secret), verb)(path, out, json.dumps(wanted))
        except FeedRejected as error:
            ended = error
        with out.open(encoding="utf-8") as lines:
            yield lines
        if ended is not None:
            raise ended


def _pairs(given: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((field, value) for field, value in given)
