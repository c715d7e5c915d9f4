"""The service's log: one JSON object a line, from all parts, to stderr or to files under `store/log`."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedengine.settings import Settings
from feedengine.settings.kinds import Secret
from feedengine.store import Store

LEVELS = ("debug", "info", "warning", "error")
FILE = "feedengine.log"

# One write of less than this is never mixed with another process's, on a pipe either.
_LONGEST_LINE = 4000
_LONGEST_TEXT = 1000
_DEEPEST = 4
_SECRET_NAME = re.compile(r"passw|secret|token|credential|authorization|private_key", re.IGNORECASE)

Clock = Callable[[], datetime]


def _clock() -> datetime:
    return datetime.now(UTC)


def open_log(store: Store, settings: Settings, part: str) -> EventLog:
    """The log of a part, as the settings `log.*` want it."""
    sink: Stderr | Files = Stderr()
    if settings.get("log.place") == "file":
        mode = int(settings.get("log.mode"), 8)
        sink = Files(store.root / "log", settings.get("log.max_bytes"), settings.get("log.keep"), mode)
    return EventLog(part, sink, settings.get("log.level"), settings.get("log.format"))


class EventLog:
    """The `Log` that parts are given: filters by level, masks what looks like a secret, never raises."""

    def __init__(
        self, part: str, sink: Stderr | Files, level: str = "info", form: str = "json", clock: Clock = _clock
    ) -> None:
        self.part = part
        self._sink = sink
        self._least = LEVELS.index(level)
        self._line = text_line if form == "text" else json_line
        self._clock = clock
        self._lock = threading.Lock()
        self._lost = 0

    def __call__(self, event: str, *, level: str = "info", **facts: Any) -> None:
        """Write a line. One that cannot be written (disk full) is counted and told with the next that can."""
        if (LEVELS.index(level) if level in LEVELS else LEVELS.index("error")) < self._least:
            return
        with self._lock:
            lost = {"lost_lines": self._lost} if self._lost else {}
            head = {"time": stamp(self._clock()), "level": level, "part": self.part, "pid": os.getpid()}
            line = self._line({**head, "event": event}, {**facts, **lost})
            try:
                self._sink.write(line.encode())
                self._lost = 0
            except OSError:
                self._lost += 1

    def named(self, part: str) -> EventLog:
        """The same log for another part."""
        return EventLog(part, self._sink, LEVELS[self._least], "text" if self._line is text_line else "json")


def stamp(at: datetime) -> str:
    """A time as the log writes it: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_line(head: dict[str, Any], facts: dict[str, Any]) -> str:
    """A line for programs: ASCII only, so that no control character and no line break gets through."""
    document = head | {(f"fact_{name}" if name in head else name): safe(value, name) for name, value in facts.items()}
    line = _dump(document)
    if len(line) > _LONGEST_LINE:
        line = _dump(head | {"cut": len(line), "facts": line[:1500]})
    return line + "\n"


def text_line(head: dict[str, Any], facts: dict[str, Any]) -> str:
    """A line for people."""
    values = []
    for name, value in facts.items():
        shown = safe(value, name)
        plain = isinstance(shown, str) and re.fullmatch(r"[^\s\"'=]+", shown) and shown.isprintable()
        values.append(f"{name}={shown if plain else _dump(shown)}")
    lead = f"{head['time']} {head['level']:<7} {head['part']:<8} {_dump(head['event'])[1:-1]}"
    return " ".join([lead, *values])[:_LONGEST_LINE] + "\n"


def safe(value: Any, name: str = "", depth: int = 0) -> Any:
    """A fact as JSON can hold it: secrets masked, long texts cut, anything else as text."""
    if isinstance(value, Secret) or (value and _SECRET_NAME.search(name)):
        return "********"
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < _DEEPEST and isinstance(value, dict):
        return {str(inner): safe(each, str(inner), depth + 1) for inner, each in list(value.items())[:50]}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [safe(each, "", depth + 1) for each in list(value)[:50]]
    text = str(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}... ({len(text)} characters)"


def _dump(value: Any) -> str:
    # JSON leaves DEL as it is; terminals don't.
    return json.dumps(value, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")


class Stderr:
    """Lines go to the process's stderr: systemd's journal, a container's log, a terminal."""

    def write(self, line: bytes) -> None:
        """One write a line. Raises OSError."""
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, line)


class Files:
    """Lines go to a file that several processes append to, and that is put aside when it is large.

    `feedengine.log` is the newest, then `feedengine.log.1` and so on up to `keep`. `mode` is that of the files; the
    folder gives search to whoever may read them.
    """

    def __init__(self, folder: Path, max_bytes: int, keep: int, mode: int = 0o600) -> None:
        self.path = folder / FILE
        self._max = max_bytes
        self._keep = keep
        self._mode = mode
        self._descriptor: int | None = None

    def write(self, line: bytes) -> None:
        """Append a line. Raises OSError."""
        descriptor = self._current()
        if os.fstat(descriptor).st_size + len(line) > self._max:
            self._rotate(len(line))
            descriptor = self._current()
        os.write(descriptor, line)

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _current(self) -> int:
        """The file that has the name now; another process may have put ours aside."""
        if self._descriptor is not None:
            try:
                there = os.stat(self.path, follow_symlinks=False)
                ours = os.fstat(self._descriptor)
                if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                    return self._descriptor
            except FileNotFoundError:
                pass
            self.close()
        folder = self.path.parent
        folder.mkdir(mode=0o750 if self._mode & 0o040 else 0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, self._mode)
        with suppress(OSError):
            # The mask of the process may have taken the group's bit; a file of somebody else stays as it is.
            os.fchmod(self._descriptor, self._mode)
        return self._descriptor

    def _rotate(self, coming: int) -> None:
        """Put the file aside, under a lock: who comes second finds the new one and does nothing."""
        lock = os.open(self.path.parent / ".rotate", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.stat(self.path).st_size + coming > self._max:
                    for number in range(self._keep - 1, 0, -1):
                        with suppress(FileNotFoundError):
                            os.replace(self._aside(number), self._aside(number + 1))
                    if self._keep:
                        os.replace(self.path, self._aside(1))
                    else:
                        os.unlink(self.path)
        finally:
            os.close(lock)
        self.close()

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{FILE}.{number}")
