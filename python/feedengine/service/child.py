"""The process of one part: dies with its supervisor, listens to signals, says when it is ready or why it can't be."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from feedengine.errors import ExitCode, FeedEngineError, UsageError, from_os_error
from feedengine.faults import point

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Order:
    """What the supervisor tells a child: its kind and name, the store, settings, who the parent is, where to report."""

    kind: str
    name: str
    store: str
    config: str | None
    flags: dict[str, tuple[str, Any]]
    parent: int
    report: int

    def argv(self) -> list[str]:
        """The command that starts the child."""
        return [sys.executable, "-m", "feedengine.service.child", json.dumps(asdict(self))]

    @classmethod
    def read(cls, text: str) -> Order:
        """From the command line."""
        values = json.loads(text)
        values["flags"] = {name: tuple(each) for name, each in values["flags"].items()}
        return cls(**values)


def main(argv: list[str]) -> int:
    """Run one part; gives the exit code."""
    order = Order.read(argv[0])
    _die_with(order.parent)
    # A supervisor that does not listen just now must hold nobody up.
    os.set_blocking(order.report, False)
    try:
        _serve(order)
    except FeedEngineError as error:
        _tell(order, {"error": error.as_dict()})
        return int(error.exit)
    except OSError as error:
        told = from_os_error(error, f"run {order.name}")
        _tell(order, {"error": told.as_dict()})
        return int(told.exit)
    return int(ExitCode.DONE)


def _serve(order: Order) -> None:
    from feedengine.service import parts
    from feedengine.service.log import open_log
    from feedengine.service.part import Part
    from feedengine.settings import Settings
    from feedengine.store import Options, Store

    def load() -> Settings:
        return Settings.load(Path(order.config) if order.config else None, flags=order.flags)

    def ready(**facts: Any) -> None:
        _tell(order, {"ready": facts})

    def alive() -> None:
        _tell(order, {"alive": True})

    kind = parts.KINDS.get(order.kind)
    if kind is None:
        raise UsageError(f"this installation has no part {order.kind}")
    settings = load()
    wait = float(settings.get("store.busy_wait"))
    options = Options(threads=settings.threads, memory=settings.store_memory, wait_seconds=wait)
    store = Store.open(Path(order.store), options)
    log = open_log(store, settings, order.name)
    part = Part(order.name, store, settings, log, ready=ready, alive=alive, load=load)
    _listen(part)
    threading.Thread(target=_guard, args=(part, order.parent), name="guard", daemon=True).start()
    log("part.started")
    point("serve.part_started")
    run = kind.load()
    try:
        if kind.server:
            run(part, parts.desk(part))
        else:
            run(part)
    except (FeedEngineError, OSError) as error:
        log("part.failed", level="error", error=str(error))
        raise
    except Exception as error:
        import traceback

        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)][-8:]
        log("part.bug", level="error", error=f"{type(error).__name__}: {error}", frames=frames)
        raise
    log("part.ended")


def _tell(order: Order, document: dict[str, Any]) -> None:
    # Where the supervisor is gone there is nobody to tell; where it has not listened for hours it hears less.
    with suppress(OSError):
        os.write(order.report, json.dumps(document, default=str).encode() + b"\n")


def _listen(part: Any) -> None:
    """SIGTERM stops gently, SIGHUP reloads; Ctrl-C reaches the whole terminal, but only the supervisor answers it."""

    def stop(number: int, frame: FrameType | None) -> None:
        part.stopping.set()

    def reload(number: int, frame: FrameType | None) -> None:
        part.reloading.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, reload)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _die_with(parent: int) -> None:
    """Be sent SIGTERM when the supervisor dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # It died before we asked.
        os._exit(int(ExitCode.TERMINATED))


def _guard(part: Any, parent: int) -> None:
    """Stop when the supervisor is gone; at once when the time for that is over."""
    while os.getppid() == parent:
        time.sleep(1.0)
    part.stopping.set()
    time.sleep(float(part.settings.get("serve.drain")))
    os._exit(int(ExitCode.TERMINATED))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # What a library's threads and its own tidying up at the end of Python would say or wait for is of no use here.
    os._exit(code)
