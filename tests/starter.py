"""A process with the package's modules loaded that forks for every command: its own process each, without the loading.

`python tests/starter.py N` serves the socket N. A request is a JSON line with `argv`, `env`, `cwd` and `seconds` (of a
processor, not of the clock), and two files for stdout and stderr; the answers are the process's id and how it ended.
What Python itself reads at its start (its own variables, the language) is that of the starter: who needs other ones
starts Python itself.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any, NoReturn

import duckdb


def load() -> None:
    """Load every module of the package; those whose libraries are not installed are left to who needs them."""
    import feedengine

    for found in pkgutil.walk_packages(feedengine.__path__, "feedengine."):
        if found.name != "feedengine.__main__":
            with suppress(ImportError):
                importlib.import_module(found.name)


def serve(line: socket.socket) -> None:
    """Answer requests until the other side is gone; it never comes back in a process that was forked for one."""
    while True:
        said, files, _, _ = socket.recv_fds(line, 1 << 20, 2)
        if not said:
            return
        while not said.endswith(b"\n"):
            said += line.recv(1 << 20)
        child = os.fork()
        if child == 0:
            line.close()
            become(json.loads(said), files)
            run()
        for file in files:
            os.close(file)
        line.sendall(b"%d\n" % child)
        _, status = os.waitpid(child, 0)
        line.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def become(request: dict[str, Any], files: list[int]) -> None:
    """Take the environment, the folder, the words, the files and the bound of a request."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    resource.setrlimit(resource.RLIMIT_CPU, (request["seconds"], resource.RLIM_INFINITY))
    sys.argv = ["feedengine", *request["argv"]]


def run() -> NoReturn:
    """Run the command and end without taking the interpreter apart, which would cost more than most commands."""
    code: object = 0
    try:
        runpy.run_module("feedengine", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        traceback.print_exc()
        code = 1
    # What the command left open is closed as the interpreter's end would do it.
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    # Ctrl-C is for who asked.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load()
    # Its first start in a process takes longer than any after it, in this one or in those that come of it.
    duckdb.connect(":memory:").close()
    gc.collect()
    gc.freeze()
    with suppress(OSError):
        serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)
