"""Every error feedengine raises on purpose, and the exit code each one has.

FeedEngineError
├── UsageError             2   an argument, option or setting makes no sense
│   └── ConfigError        2   the settings file does
│       └── ProfileError   2   a profile does
├── SafeguardRefused       3   the feed would remove too much; nothing was changed
├── FeedRejected           5   name, archive, header or too many bad rows; nothing was changed
├── Conflict               6
│   ├── CatalogBusy        6   another process writes this catalog
│   ├── BaseMoved          6   the plan was made against a snapshot that is no longer current
│   └── FileChanged        6   the file is not the one the plan was made from
├── TransportError         7   connect, TLS, login, transfer; safe to retry
├── NotFound               8
│   ├── StoreNotFound      8
│   ├── CatalogNotFound    8
│   ├── SnapshotNotFound   8
│   ├── TaskNotFound       8
│   └── RecordNotFound     8
├── StoreError             9
│   ├── StoreDamaged       9   what is on disk contradicts itself
│   └── DiskFull           9   no room; nothing was switched
└── InternalError          1   an invariant broke: our bug

A message says what happened, `state` what state we are in now, and each hint is a command to type next.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple


class ExitCode(IntEnum):
    """What the process says when it ends. Only ever added to: treat a code you do not know as a failure."""

    DONE = 0
    BUG = 1
    USAGE = 2
    SAFEGUARD = 3
    PARTIAL = 4
    REJECTED = 5
    CONFLICT = 6
    TRANSPORT = 7
    NOT_FOUND = 8
    STORE = 9
    CHANGES = 10
    INTERRUPTED = 130
    TERMINATED = 143

    @property
    def sentence(self) -> str:
        """One sentence for the documentation and for `doctor`."""
        return _SENTENCES[self]


_SENTENCES: dict[ExitCode, str] = {
    ExitCode.DONE: "Done; also when there was nothing to change.",
    ExitCode.BUG: "A bug of ours: one line on stderr names the log file that holds the traceback.",
    ExitCode.USAGE: "Usage or configuration: an option, argument or setting is wrong; nothing was started.",
    ExitCode.SAFEGUARD: "Stopped by the removal safeguard: nothing was changed.",
    ExitCode.PARTIAL: "Applied, but rows were skipped or removals are held; `--strict` makes this 5.",
    ExitCode.REJECTED: "The feed was rejected (name, archive, header, too many bad rows): nothing was changed.",
    ExitCode.CONFLICT: "The catalog is busy, or the base snapshot or the file changed since the plan was made.",
    ExitCode.TRANSPORT: "Transport: connect, TLS, login or transfer failed; safe to retry.",
    ExitCode.NOT_FOUND: "There is no such store, catalog, snapshot, task or record.",
    ExitCode.STORE: "The store is damaged or the disk is full; the current snapshot was not switched.",
    ExitCode.CHANGES: "With `--detailed-exitcode`: the plan or diff has changes.",
    ExitCode.INTERRUPTED: "Interrupted by Ctrl-C; the current snapshot is untouched or completely switched.",
    ExitCode.TERMINATED: "Terminated by SIGTERM; the current snapshot is untouched or completely switched.",
}


class Hint(NamedTuple):
    """A next step: `text` says what it is for, `argv` is the command, empty where none applies."""

    text: str
    argv: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The form it has in JSON reports."""
        return {"text": self.text, "argv": list(self.argv)}


HintLike = Hint | Mapping[str, Any] | str


def hint(value: HintLike) -> Hint:
    """Take a hint in any of its forms: a Hint, its JSON form, or a bare sentence."""
    if isinstance(value, Hint):
        return value
    if isinstance(value, str):
        return Hint(value)
    argv: Sequence[str] = value.get("argv") or ()
    return Hint(str(value.get("text", "")), tuple(str(part) for part in argv))


class FeedEngineError(Exception):
    """The root: what happened, what state we are in, what to type next.

    `code` is a stable UPPER_CASE word; `exit` the process exit code; `report` the plan or task report where one exists.
    """

    code: str = "FEEDENGINE"
    exit: ExitCode = ExitCode.BUG

    def __init__(
        self,
        message: str,
        *,
        state: str | None = None,
        hints: Iterable[HintLike] = (),
        code: str | None = None,
        report: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.state = state
        self.hints: list[Hint] = [hint(value) for value in hints]
        self.report = report
        if code is not None:
            self.code = code

    def as_dict(self) -> dict[str, Any]:
        """The form it has in JSON: code, exit, message, state, hints."""
        return {
            "code": self.code,
            "exit": int(self.exit),
            "message": self.message,
            "state": self.state,
            "hints": [each.as_dict() for each in self.hints],
        }


class InternalError(FeedEngineError):
    """An invariant broke, for example counts that do not balance."""

    code = "INTERNAL"


class UsageError(FeedEngineError):
    """An argument, option or combination of them makes no sense."""

    code = "USAGE"
    exit = ExitCode.USAGE


class ConfigError(UsageError):
    """The settings file cannot be read, or names something that does not exist."""

    code = "CONFIG"


class ProfileError(ConfigError):
    """A profile cannot be read, or declares something that makes no sense."""

    code = "PROFILE"


class IncompatibleProfile(ProfileError):
    """The profile that a feed is to be read by does not fit what is stored."""

    code = "INCOMPATIBLE_PROFILE"


class SafeguardRefused(FeedEngineError):
    """The feed would remove more than the limit allows. `report` is the full plan report."""

    code = "SAFEGUARD"
    exit = ExitCode.SAFEGUARD


class FeedRejected(FeedEngineError):
    """The feed cannot be applied as it is. `report` holds the problems where the file could be read."""

    code = "FEED_REJECTED"
    exit = ExitCode.REJECTED


class Conflict(FeedEngineError):
    """Somebody else changed, or is changing, what this work stands on."""

    code = "CONFLICT"
    exit = ExitCode.CONFLICT


class CatalogBusy(Conflict):
    """Another process holds the catalog for writing and did not finish within the wait."""

    code = "CATALOG_BUSY"


class BaseMoved(Conflict):
    """The snapshot a plan was made against is no longer the current one."""

    code = "BASE_MOVED"


class FileChanged(Conflict):
    """The file is not the one the plan was made from."""

    code = "FILE_CHANGED"


class TransportError(FeedEngineError):
    """Connect, TLS, login or transfer failed; trying again is safe.

    Codes: TRANSPORT_CONNECT, TRANSPORT_TLS, TRANSPORT_CUT (the transfer ended early), TRANSPORT_BUSY (the server says:
    not now), TRANSPORT_CHANGED (the file did while it was loaded), TRANSPORT_LOGIN, TRANSPORT_REFUSED.
    """

    code = "TRANSPORT"
    exit = ExitCode.TRANSPORT

    @property
    def passing(self) -> bool:
        """Whether the same thing may succeed a little later; a wrong password tried again locks the account."""
        return self.code not in ("TRANSPORT_LOGIN", "TRANSPORT_REFUSED")


class NotFound(FeedEngineError):
    """Something named does not exist."""

    code = "NOT_FOUND"
    exit = ExitCode.NOT_FOUND


class StoreNotFound(NotFound):
    """The directory holds no feedengine store."""

    code = "STORE_NOT_FOUND"


class CatalogNotFound(NotFound):
    """The store has no such key or section."""

    code = "CATALOG_NOT_FOUND"


class SnapshotNotFound(NotFound):
    """The catalog has no such snapshot, or it was pruned."""

    code = "SNAPSHOT_NOT_FOUND"


class TaskNotFound(NotFound):
    """The ledger has no such task."""

    code = "TASK_NOT_FOUND"


class RecordNotFound(NotFound):
    """No snapshot ever held a record of this id."""

    code = "RECORD_NOT_FOUND"


class StoreError(FeedEngineError):
    """The store could not be read or written as promised."""

    code = "STORE"
    exit = ExitCode.STORE


class StoreDamaged(StoreError):
    """What is on disk contradicts itself."""

    code = "STORE_DAMAGED"


class DiskFull(StoreError):
    """No room left, or a quota reached; nothing was switched."""

    code = "DISK_FULL"


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def from_os_error(error: OSError, doing: str) -> FeedEngineError:
    """Give an operating system error its class: no room is DiskFull, anything else about the file is a UsageError.

    `doing` is what was attempted, e.g. "write errors.csv".
    """
    reason = error.strerror or str(error)
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in _NO_ROOM:
        return DiskFull(f"Could not {doing}: {reason}{where}.", state="Nothing was switched.")
    return UsageError(f"Could not {doing}: {reason}{where}.", code="FILE")
