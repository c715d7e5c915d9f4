"""Where words go: data to stdout, talk to stderr, one JSON object or a stream of events when asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from feedengine.cli.options import Options

EVENTS_VERSION = "1.0"


class Output:
    """The two streams of one run. Its methods never mix them up."""

    def __init__(self, options: Options, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self.options = options
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        for stream in (self.stdout, self.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self._events_begun = False

    @property
    def machine(self) -> bool:
        """Whether stdout is for a program: JSON or events."""
        return self.options.json or self.options.events

    @property
    def given(self) -> list[str]:
        """The global options that commands to type next must repeat."""
        options = self.options
        pairs = (("--store", options.store), ("--config", options.config))
        return [word for name, value in pairs if value is not None for word in (name, value)]

    def data(self, line: str = "") -> None:
        """A line of the result, whatever -q says."""
        self.stdout.write(line + "\n")

    def summary(self, lines: Iterable[str]) -> None:
        """The result as text; left out with --quiet, --json and --events. A reader who left is no error."""
        if self.options.quiet or self.machine:
            return
        self._settled(self.stdout, lines)

    def talk(self, lines: str | Iterable[str]) -> None:
        """Words about the work; left out with --quiet, and with --json and --events."""
        if not self.options.quiet and not self.machine:
            self._settled(self.stderr, [lines] if isinstance(lines, str) else lines)

    def say(self, lines: str | Iterable[str]) -> None:
        """Words that are said even with --quiet: errors and questions."""
        self._settled(self.stderr, [lines] if isinstance(lines, str) else lines)

    def json(self, document: Mapping[str, Any]) -> None:
        """The one object of --json, or the last event of --events."""
        import json

        if self.options.events:
            self.event("result", **document)
        else:
            self.data(json.dumps(document, ensure_ascii=False, default=str))

    def event(self, kind: str, **facts: Any) -> None:
        """One line of --events; the first one says the version."""
        import json

        if not self._events_begun:
            self._events_begun = True
            self.data(json.dumps({"type": "version", "events": EVENTS_VERSION}))
        self.data(json.dumps({"type": kind, **facts}, ensure_ascii=False, default=str))
        self.stdout.flush()

    def show(self, document: Mapping[str, Any], lines: Iterable[str]) -> None:
        """A result: the document for programs, its lines for people. Both are data, so --quiet keeps them."""
        if self.machine:
            self.json(document)
        else:
            for line in self._painted(self.stdout, lines):
                self.data(line)

    def colored(self, stream: TextIO) -> bool:
        """Whether colour is wanted on a stream: the option, then NO_COLOR, CLICOLOR_FORCE, TERM and the terminal."""
        if self.options.color != "auto":
            return self.options.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("CLICOLOR_FORCE", "0") != "0":
            return True
        return os.environ.get("TERM") != "dumb" and stream.isatty()

    def flush(self) -> None:
        """Write out what is buffered; raises what the disk or the pipe says."""
        self.stdout.flush()
        self.stderr.flush()

    def _painted(self, stream: TextIO, lines: Iterable[str]) -> Iterable[str]:
        if not self.colored(stream):
            return lines
        from feedengine.cli.render.color import paint

        return (paint(line) for line in lines)

    def _settled(self, stream: TextIO, lines: Iterable[str]) -> None:
        """Write and flush, so that the two streams keep their order on a terminal; a closed pipe is let go."""
        try:
            if stream is self.stderr:
                self.stdout.flush()
            for line in self._painted(stream, lines):
                stream.write(line + "\n")
            stream.flush()
        except BrokenPipeError:
            silence(stream)


def silence(stream: TextIO) -> None:
    """Send what is still buffered, and all that follows, nowhere."""
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, stream.fileno())
    finally:
        os.close(sink)
