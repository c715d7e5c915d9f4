"""How far a worker is with its task: noted beside the ledger once a second, for status and task watch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feedengine.ledger import Task, process
from feedengine.store import Store

_FOLDER = "run"
_NAME = "progress-{}.json"
_COUNTS = ("done_bytes", "total_bytes", "rows", "changes")


@dataclass(frozen=True)
class Standing:
    """Where a running task is. `phase` is reading, rebuilding, comparing or writing; of a feed that is read, bytes of
    its file, and the records of those of its members that were read to their end; of a plan that is written, how many
    `changes` it has. None is not known."""

    phase: str
    done_bytes: int | None = None
    total_bytes: int | None = None
    rows: int | None = None
    changes: int | None = None

    @property
    def percent(self) -> int | None:
        """The share of the file that has been read, 0 to 100; None in other phases."""
        if self.phase != "reading" or not self.total_bytes or self.done_bytes is None:
            return None
        return min(100, self.done_bytes * 100 // self.total_bytes)

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {**asdict(self), "percent": self.percent}


class Progress:
    """A `Watch` of the flow that keeps what it is told; `note` writes that down, and is called once a second.

    A task that is over before leaves no trace. The flow tells from two threads, and `note` has a third.
    """

    def __init__(self, store: Store, part: str) -> None:
        self._path = store.root / _FOLDER / _NAME.format(part)
        self._lock = threading.Lock()
        self._task: int | None = None
        self._facts: dict[str, Any] = {}
        self._written: dict[str, Any] | None = None
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        # A worker that was killed left its own behind.
        self._path.unlink(missing_ok=True)

    def begin(self, task: int) -> None:
        """The task that is told of from now on."""
        with self._lock:
            self._task, self._facts = task, {}

    def end(self) -> None:
        """Nothing is worked on."""
        with self._lock:
            self._task = None
            if self._written is not None:
                self._written = None
                self._path.unlink(missing_ok=True)

    def phase(self, name: str, **facts: Any) -> None:
        """A phase begins."""
        self._facts = {"phase": name, **{each: facts[each] for each in _COUNTS if each in facts}}

    def progress(self, **facts: Any) -> None:
        """Something moved on."""
        self._facts = {**self._facts, **facts}

    def note(self) -> None:
        """Write what there is to tell, where it has changed. Without room for that nobody is told, and work goes on."""
        with self._lock, suppress(OSError):
            if self._task is None or not self._facts:
                return
            found = {"task": self._task, "worker": process.myself(), **self._facts}
            if found != self._written:
                part = self._path.with_suffix(".part")
                part.write_text(json.dumps(found))
                part.replace(self._path)
                self._written = found


def read(store: Store, running: Iterable[Task]) -> dict[int, Standing]:
    """Where tasks are that workers have now, by number; those that were just begun, or are commands', are left out."""
    workers = {task.id: task.worker for task in running}
    found = {}
    for path in (store.root / _FOLDER).glob(_NAME.format("*")):
        noted = _noted(path)
        # What a worker noted that died is of no use to who has its task now.
        if noted is not None and workers.get(noted[0]) == noted[1]:
            found[noted[0]] = noted[2]
    return found


def told(task: Task, standing: Standing | None) -> dict[str, Any]:
    """The phase of a running task with what is known of it; of one that nobody noted, by its plan in the ledger."""
    if standing is not None:
        return standing.as_dict()
    # The plan is kept before it is carried out.
    return Standing("writing" if task.report else "reading").as_dict()


def _noted(path: Path) -> tuple[int, str, Standing] | None:
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        said = json.loads(path.read_bytes())
        counts = {name: int(said[name]) for name in _COUNTS if said.get(name) is not None}
        counts = {name: count for name, count in counts.items() if count or name != "rows"}
        return int(said["task"]), str(said["worker"]), Standing(str(said["phase"]), **counts)
    return None
