"""A source's run with its attempts: one at a time, noted in the ledger, and paused when it keeps failing."""

from __future__ import annotations

import fcntl
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from feedengine.errors import CatalogBusy, FeedEngineError, TransportError, from_os_error
from feedengine.ledger.incidents import Incidents
from feedengine.ledger.sources import Sources
from feedengine.service.fetching.run import QueueFull, Result, Run, Stopped, Submit
from feedengine.service.fetching.source import Source
from feedengine.service.part import Log
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.reception import Refused

_LONGEST_BACKOFF = 300.0
# A wrong password tried again and again locks the account.
_LOGINS = 2


def perform(
    store: Store,
    settings: Settings,
    source: Source,
    log: Log,
    *,
    wait: Callable[[float], bool],
    submit: Submit | None = None,
) -> Result:
    """Look at the source now, again after passing faults. Raises what the last attempt met, `CatalogBusy` where the
    source is being looked at already, `Stopped`.

    `wait` sleeps, and says whether to stop.
    """
    ledger, name = Sources(store.ledger), source.name
    folder = store.tmp / "fetch" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder, name):
        ledger.begin(name)
        run = Run(
            source, ledger, folder, submit or to_queue(store, settings), log, wait=wait,
            keep_days=settings.get("fetch.keep_days"),
        )  # fmt: skip
        for attempt in range(source.retries + 1):
            try:
                result = run.carry_out()
            except QueueFull as error:
                log("fetch.queue_full", level="warning", source=name, message=str(error))
                ledger.succeed(name)
                return Result(unsure=[str(error)])
            except (FeedEngineError, OSError) as error:
                known = error if isinstance(error, FeedEngineError) else from_os_error(error, f"fetch from {name}")
                passing = isinstance(known, TransportError) and known.passing
                if passing and attempt < source.retries:
                    seconds = _backoff(source.backoff, attempt)
                    log("fetch.retry", level="warning", source=name, message=known.message, seconds=round(seconds, 1))
                    if wait(seconds):
                        raise Stopped from error
                    continue
                _failed(store, ledger, source, known, log)
                raise known from error
            _went_well(store, ledger, source, result, log)
            return result
    raise AssertionError("every attempt ends the loop or begins another")


def to_queue(store: Store, settings: Settings) -> Submit:
    """Hands files to the service's queue."""
    from feedengine.service.reception import Desk

    desk = Desk(store, settings)

    def submit(path: Path, actor: str) -> int:
        try:
            return desk.submit(path, actor=actor, protocol="fetch")
        except Refused as error:
            raise QueueFull(error.message) from error

    return submit


def _backoff(first: float, attempt: int) -> float:
    """Twice as long each time, five minutes at most, and never at the same moment as everybody else."""
    return float(min(first * 2**attempt, _LONGEST_BACKOFF) * random.uniform(0.75, 1.25))


def _went_well(store: Store, ledger: Sources, source: Source, result: Result, log: Log) -> None:
    ledger.succeed(source.name)
    incidents = Incidents(store.ledger)
    incidents.close("source_failing", source.name)
    if result.handed:
        incidents.close("source_missing", source.name)
        incidents.close("source_refused", source.name)
    for file, message in result.refused.items():
        about = {"source": source.name, "file": file, "message": f"{file}: {message}"}
        incidents.open("source_refused", source.name, about)
    # A source that is looked at every minute must not fill the log with it.
    level = "info" if result.handed or result.refused else "debug"
    log(
        "fetch.looked",
        level=level,
        source=source.name,
        handed=len(result.handed),
        same=len(result.same),
        refused=len(result.refused),
        unsure=len(result.unsure),
    )


def _failed(store: Store, ledger: Sources, source: Source, error: FeedEngineError, log: Log) -> None:
    count = ledger.fail(source.name, error.message)
    log("fetch.failed", level="error", source=source.name, message=error.message, code=error.code, failures=count)
    most = min(source.pause_after, _LOGINS) if error.code == "TRANSPORT_LOGIN" else source.pause_after
    if source.pause_after and count >= most:
        why = f"it failed {count} times in a row: {error.message}"
        ledger.pause(source.name, "feedengine", why)
        Incidents(store.ledger).open(
            "source_failing",
            source.name,
            {
                "source": source.name,
                "message": error.message,
                "failures": count,
                "next": f"feedengine source resume {source.name}",
            },
        )
        log("fetch.paused", level="error", source=source.name, message=why)


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Hold the source's lock; the system lets go of it when the process dies."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CatalogBusy(
                f"The source {name} is being looked at right now.",
                state="Nothing was started.",
                hints=[{"text": "See how it fares", "argv": ["feedengine", "source", "show", name]}],
                code="SOURCE_BUSY",
            ) from error
        yield
    finally:
        os.close(handle)
