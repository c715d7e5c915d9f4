"""The command line in a process of its own."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

#: Variables that matter to the command and not to Python at its start.
_LATE = ("FEEDENGINE_", "NO_COLOR", "CLICOLOR", "COLUMNS", "TERM")
#: How long a command may take by the clock: less than what a test may.
_PATIENCE = 800.0
#: Starters that nobody uses just now: one each for those who run commands at the same time.
_idle: list[Starter] = []


def environment(**more: str) -> dict[str, str]:
    """The environment that the command gets: this process's modules, no colours, a fixed width."""
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONPATH": os.pathsep.join(sys.path), **more}


def command(*argv: str | Path, seconds: int = 60, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m feedengine`` with these arguments and extra environment.

    It runs in a process of its own that has its modules from the start, unless the environment says something to
    Python itself; `tests/cli/test_process.py` starts it as a person does. `seconds` are of a processor: on a machine
    that is busy with other things a command may take longer than that.
    """
    words = list(map(str, argv))
    if all(name.startswith(_LATE) for name in env):
        return _forked(words, environment(**env), seconds)
    return subprocess.run(
        [sys.executable, "-m", "feedengine", *words],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        env=environment(**env),
        check=False,
    )


class Starter:
    """The process of `starter.py`, for one command after the other."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        script = str(Path(__file__).with_name("starter.py"))
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, script, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment(),
                pass_fds=[theirs.fileno()],
            )
        self._answers = self._line.makefile("r")

    def run(self, words: list[str], env: dict[str, str], files: list[int], seconds: int) -> int:
        """The exit code, below zero where a signal ended it. Raises TimeoutExpired after killing it."""
        wanted = {"argv": words, "env": env, "cwd": os.getcwd(), "seconds": seconds}
        request = json.dumps(wanted).encode() + b"\n"
        sent = socket.send_fds(self._line, [request], files)
        self._line.sendall(request[sent:])
        self._line.settimeout(_PATIENCE)
        child = int(self._answers.readline())
        try:
            return int(self._answers.readline())
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(child, 9)
            self.end()
            raise subprocess.TimeoutExpired(["feedengine", *words], _PATIENCE) from None

    def end(self) -> None:
        """End it, when what it started has ended."""
        self._answers.close()
        self._line.close()
        self._process.wait()


def _forked(words: list[str], env: dict[str, str], seconds: int) -> subprocess.CompletedProcess[str]:
    try:
        starter = _idle.pop()
    except IndexError:
        starter = Starter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = starter.run(words, env, [out.fileno(), err.fileno()], seconds)
        _idle.append(starter)
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


@atexit.register
def _end() -> None:
    while _idle:
        _idle.pop().end()
