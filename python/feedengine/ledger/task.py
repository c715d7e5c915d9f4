"""A task as the ledger keeps it, and a task's problems."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

STATUSES = ("QUEUED", "IN_PROGRESS", "DONE", "FAILED", "CANCELED")

#: Outcomes that wait for a person's approval or rejection.
WAITING = ("refused", "held")

#: The columns of an errors.csv, in its order.
PROBLEM_COLUMNS = (
    "file",
    "member",
    "record_number",
    "line",
    "byte_offset",
    "entity",
    "key",
    "column",
    "value",
    "code",
    "family",
    "severity",
    "message",
    "hint",
    "related",
    "owner",
)

#: Names that faults have in reports, where they differ.
FAULT_NAMES = {"record_number": "record", "byte_offset": "byte"}


@dataclass(frozen=True)
class Task:
    """One file's way through the engine. Times are UTC in ISO 8601; `report` and `error` are JSON objects.

    `status` is one of `STATUSES`; `outcome` says it finer: ok, ok_with_errors, no_change, held, rejected_file, refused,
    duplicate, interrupted, canceled, failed, rejected_name, quarantined. `decision` (approved, rejected) is a person's
    answer to a refused or held task.

    A task of the service's queue is `queued`; `place` is its turn among those of its key, `not_before` when it may be
    tried again, `retries` how often it was put back and `crashes` how often its worker died. `path` is the engine's own
    copy, `visible` the file where its sender sees it (as `virtual`, below `home`), `device` and `inode` which file that
    is. `eof` is unclean where the sender's connection ended without saying so. `sent` is the time in the file's name.
    `registered`: the sender's account names the key, so that the key's first feed may make its catalog.
    `reported` is when the sender's reports were written, `followed` when nothing is left to do for the task.
    `entity` is the one that a file of a profile's folder holds, `due` the next time by its schedule (until then it
    waits), `rank` the entity's turn among those that are due together: what others refer to comes first.
    `parent` is the earlier task whose bad rows this one brings again.
    """

    id: int
    type: str
    status: str
    outcome: str | None
    key: str | None
    section: str | None
    operation: str | None
    force: bool
    filename: str | None
    path: str | None
    fingerprint: str | None
    bytes: int | None
    protocol: str | None
    actor: str | None
    reason: str | None
    submission_time: str
    start_time: str | None
    last_update: str | None
    base_snapshot: int | None
    new_snapshot: int | None
    report: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    decision: str | None
    decided_by: str | None
    decided_time: str | None
    decided_reason: str | None
    worker: str | None
    attempts: int
    lease_until: str | None
    queued: bool = False
    place: int | None = None
    not_before: str | None = None
    retries: int = 0
    crashes: int = 0
    account: str | None = None
    home: str | None = None
    virtual: str | None = None
    visible: str | None = None
    device: int | None = None
    inode: int | None = None
    sha256: str | None = None
    eof: str | None = None
    peer: str | None = None
    sent: str | None = None
    upload_started: str | None = None
    upload_ended: str | None = None
    registered: bool = False
    reported: str | None = None
    followed: str | None = None
    entity: str | None = None
    due: str | None = None
    rank: int = 0
    parent: int | None = None

    @property
    def waiting(self) -> bool:
        """Whether somebody has to approve or reject it."""
        return self.outcome in WAITING and self.decision is None

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"waiting": self.waiting}


COLUMNS = tuple(field.name for field in fields(Task))


def from_row(row: Sequence[Any]) -> Task:
    """A task from the columns of the table, in the order of `COLUMNS`."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name in ("force", "queued", "registered"):
        values[name] = bool(values[name])
    for name in ("report", "error"):
        values[name] = json.loads(values[name]) if values[name] else None
    return Task(**values)


@dataclass(frozen=True)
class TaskPage:
    """A page of tasks, newest first; `total` and `counts` (by status) are of all that the filters let through."""

    tasks: list[Task]
    total: int
    counts: Mapping[str, int]
