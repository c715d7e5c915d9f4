"""Where all rejected rows of a task's feed stand: kept from the plan until the task's reports are written for good."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from feedengine.store import Store


class Row(NamedTuple):
    """A rejected row: `record` and `line` count from 1, `byte` from 0 within the member as it was unpacked."""

    member: str
    entity: str
    record: int
    line: int
    byte: int


def keep(store: Store, task: int, report: Mapping[str, Any], write: Callable[[Path], int]) -> None:
    """Keep the positions of a plan's rejected rows, where somebody may ask for them; `write` is the planner's.

    The ledger lists the first faults of each kind; these are all rows.
    """
    some = any(entry["rejected"] for entry in report["entities"].values())
    if report["verdict"] == "invalid" or not some or store.ledger.get(task).home is None:
        return
    place = _place(store, task)
    place.parent.mkdir(exist_ok=True)
    part = place.with_suffix(f".{os.urandom(4).hex()}.part")
    try:
        write(part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def rows(store: Store, task: int) -> Iterator[Row] | None:
    """All rejected rows of a task, in the order of its feed; None if they were not kept."""
    place = _place(store, task)
    return _read(place) if place.exists() else None


def forget(store: Store, task: int) -> None:
    """Nobody will ask any more."""
    _place(store, task).unlink(missing_ok=True)


def _place(store: Store, task: int) -> Path:
    return store.root / "rejected" / f"{task}.jsonl"


def _read(place: Path) -> Iterator[Row]:
    with place.open(encoding="utf-8") as lines:
        for line in lines:
            yield Row(*json.loads(line))
