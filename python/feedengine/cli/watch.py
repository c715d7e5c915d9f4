"""Progress while a feed is worked on: a bar on a terminal, a line every 5 s otherwise, events for programs.

A watch is told phases and progress by the flow, possibly from another thread, and only ever writes to its stream.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, TextIO

from feedengine.cli.output import Output
from feedengine.cli.render import text

EVERY = 5.0
#: A run that is over before this shows no bar, and does not pay for loading one.
PATIENCE = 0.7

_WORDS = {"read": "reading", "compare": "comparing", "write": "writing", "index": "indexing", "wait": "waiting"}


class Watching(Protocol):
    """A context manager that the flow reports to."""

    def __enter__(self) -> Watching: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def phase(self, name: str, **facts: Any) -> None: ...
    def progress(self, **facts: Any) -> None: ...


class Quiet:
    """Shows nothing; the others build on it. `facts` gathers what was told."""

    def __init__(self) -> None:
        self.name = "read"
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> Quiet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.done()

    def phase(self, name: str, **facts: Any) -> None:
        """A new phase begins: read, compare, write..."""
        self.name, self.facts = name, dict(facts)
        self.changed(True)

    def progress(self, **facts: Any) -> None:
        """Something moved on: rows, done_bytes, total_bytes, file."""
        self.facts.update(facts)
        self.changed(False)

    def changed(self, begun: bool) -> None:
        """React to what was told."""

    def done(self) -> None:
        """Clear up."""


class Log(Quiet):
    """One line every few seconds, without colour or carriage returns."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.stream = stream
        self.clock = clock
        self.begun = self.last = clock()

    def changed(self, begun: bool) -> None:
        """Write a line if the last one is old enough."""
        now = self.clock()
        if begun:
            self.begun = now
        if now - self.last < EVERY:
            return
        self.last = now
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.stream.write(f"{stamp} {line(self.name, self.facts, now - self.begun)}\n")
        self.stream.flush()


class Events(Quiet):
    """One JSON object a line."""

    def __init__(self, out: Output) -> None:
        super().__init__()
        self.out = out

    def changed(self, begun: bool) -> None:
        """Send the event."""
        self.out.event("phase" if begun else "progress", phase=self.name, **self.facts)


class Bar(Quiet):
    """A progress bar; rich is loaded only once the run lasts longer than a moment."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.stream = stream
        self.clock = clock
        self.begun = self.since = clock()
        self.bar: Any = None
        self.task: Any = None

    def changed(self, begun: bool) -> None:
        """Draw."""
        now = self.clock()
        if begun:
            self.since = now
        if self.bar is None:
            if now - self.begun < PATIENCE:
                return
            self._show()
        words = line(self.name, self.facts, now - self.since, with_share=False)
        total, done = self.facts.get("total_bytes"), self.facts.get("done_bytes")
        if begun:
            self.bar.reset(self.task, total=total)
        self.bar.update(self.task, total=total, completed=done or 0, description=words)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(file=self.stream)
        columns = (BarColumn(bar_width=30), TextColumn("{task.description}", markup=False))
        self.bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        self.task = self.bar.add_task("", total=None)
        self.bar.start()

    def done(self) -> None:
        """Remove the bar, so that the summary stands alone."""
        if self.bar is not None:
            self.bar.stop()


def line(name: str, facts: dict[str, Any], seconds: float, *, with_share: bool = True) -> str:
    """A phase and its progress in words: `reading items.csv 31 % 2,213,000 rows 1.70 M rows/s`."""
    parts = [_WORDS.get(name, text.clean(name))]
    if facts.get("file"):
        parts.append(text.cut(facts["file"], 40))
    total, done, rows = facts.get("total_bytes"), facts.get("done_bytes"), facts.get("rows")
    if with_share and total and done is not None:
        parts.append(f"{min(100, int(done) * 100 // int(total))} %")
    if isinstance(rows, int):
        parts.append(text.counted(rows, "row"))
        if rows and seconds >= 0.1:
            parts.append(text.rate(rows, seconds))
    return " ".join(parts)


def watching(out: Output) -> Watching:
    """The watch that the options and the terminal ask for."""
    mode = out.options.progress
    if out.options.events:
        return Events(out)
    if mode == "none" or (mode == "auto" and (out.options.quiet or out.options.json)):
        return Quiet()
    if mode == "bar" or (mode == "auto" and out.stderr.isatty() and _can_draw()):
        return Bar(out.stderr)
    return Log(out.stderr)


def _can_draw() -> bool:
    import os

    return os.environ.get("TERM") != "dumb"
