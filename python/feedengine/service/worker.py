"""A worker: claims the next task, carries it out, follows it up; one process, one task at a time."""

from __future__ import annotations

import errno
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from feedengine import ingest
from feedengine.errors import BaseMoved, CatalogBusy, DiskFull, FeedEngineError, SafeguardRefused
from feedengine.faults import point
from feedengine.ingest import explain
from feedengine.ledger import Queue, Task
from feedengine.service import exporting, followup, wholeness
from feedengine.service.bell import Bell
from feedengine.service.lease import Lease
from feedengine.service.parking import OWN, release
from feedengine.service.part import Part
from feedengine.service.progress import Progress
from feedengine.service.pulse import Pulse
from feedengine.service.quarantine import poisonous, quarantine
from feedengine.service.recovery import recover, settle
from feedengine.settings import Settings, Value
from feedengine.settings.tables.engine import LEAST_MEMORY
from feedengine.target import FeedRequest

_POLL = 1.0
_LONGEST_WAIT = 300.0
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENFILE, errno.EMFILE})
_LISTED = "limits.listed_problems"
_MOST_LISTED = 1000
#: Operations that can take records away.
_REMOVING = ("sync", "delete", "whitelist")


def run(part: Part) -> None:
    """Work until the service stops."""
    progress = Progress(part.store, part.name)

    def alive() -> None:
        part.alive()
        progress.note()

    pulse = Pulse(alive)
    worker = Worker(part, pulse, progress)
    with Bell(part.store, "worker") as bell:
        while not part.stopping.is_set():
            pulse.beat()
            point("serve.turn")
            if part.reloading.is_set():
                part.reload()
                worker = Worker(part, pulse, progress)
            try:
                if worker.step():
                    continue
                with pulse.working():
                    recover(part.store, part.settings, part.log)
            except (FeedEngineError, OSError) as error:
                # The ledger cannot be used right now; its lease brings a task back that was left.
                part.log("worker.trouble", level="error", error=str(error))
                time.sleep(_POLL)
            bell.wait(_POLL)


class Worker:
    """Carries out tasks one by one, with its share of memory and cores."""

    def __init__(self, part: Part, pulse: Pulse | None = None, progress: Progress | None = None) -> None:
        self.part = part
        self._pulse = pulse or Pulse(part.alive)
        self._progress = progress or Progress(part.store, part.name)
        self.store = part.store
        self.queue = Queue(part.store.ledger)
        # Sections that were seen; they stay, and looking them up opens the catalog once more than a patch needs.
        self._known: set[str] = set()
        self.settings = share(part.settings)
        # DuckDB's part of the share; a catalog takes the options of its store when it is opened.
        self.store.options = replace(
            self.store.options, threads=self.settings.threads, memory=self.settings.store_memory
        )
        self.store.warm()

    def step(self) -> bool:
        """Take one task and bring it to its end; False where none waits."""
        lease = float(self.settings.get("queue.lease"))
        task = self.queue.claim(lease, float(self.settings.get("queue.reorder_window")))
        if task is None:
            return False
        with self._pulse.working():
            self._carry_out(task, lease)
        return True

    def _carry_out(self, task: Task, lease: float) -> None:
        if poisonous(task):
            quarantine(self.store, task)
            self.part.log("task.quarantined", level="error", task=task.id, file=task.filename, crashes=task.crashes)
        else:
            with Lease(self.queue, task.id, lease):
                self._work(task)
        ended = self.store.ledger.get(task.id)
        if ended.status != "QUEUED":
            followup.follow(self.store, self.settings, ended, self.part.log)
        # Where it was given up for the memory that it held on to, the next task need not wait for another one.
        self.store.warm()

    def _work(self, task: Task) -> None:
        started = time.monotonic()
        catalog = f"{task.key}/{task.section}"
        self.part.log("task.started", task=task.id, file=task.filename, catalog=catalog)
        again: list[BaseException] = []

        def passing(error: BaseException) -> bool:
            if is_passing(error):
                again.append(error)
            return bool(again)

        def check(made: ingest.Plan) -> None:
            self._check(task, made)

        request = self._request(task, catalog)
        try:
            self._progress.begin(task.id)
            ingest.carry_out(self.store, self.settings, task.id, request, check, again=passing, watch=self._progress)
        except Exception as error:
            if again:
                self._try_again(task, again[0])
            elif not isinstance(error, FeedEngineError):
                self.part.log("task.bug", level="error", task=task.id, error=f"{type(error).__name__}: {error}")
        finally:
            self._progress.end()
        point("serve.worked")
        ended = self.store.ledger.get(task.id)
        if ended.new_snapshot:
            self._known.add(catalog)
            exporting.look(self.store, self.settings, catalog, self.part.log)
            release(self.store, self.settings, str(ended.key), self.part.log)
        for fault in self.store.ledger.problems(task.id, code=ingest.NOT_FOLLOWED):
            self.part.log("task.not_followed", level="warning", task=task.id, message=fault["message"])
        self.part.log(
            "task.ended", task=task.id, status=ended.status, outcome=ended.outcome, snapshot=ended.new_snapshot,
            seconds=round(time.monotonic() - started, 3),
        )  # fmt: skip

    def _request(self, task: Task, catalog: str) -> FeedRequest:
        if task.type in OWN:
            return ingest.own_request(task)
        said: dict[str, Any] = {}
        if task.entity is not None:
            # Its place in the sender's home said so, and it lies elsewhere now.
            said = {"catalog": catalog, "entity": task.entity, "operation": task.operation, "force": bool(task.force)}
        return FeedRequest(
            path=Path(str(task.path)), actor=task.actor, reason=task.reason, protocol=task.protocol, **said,
            create=catalog in self._known or (task.registered and str(task.key) not in set(self.store.keys())),
        )  # fmt: skip

    def _check(self, task: Task, made: ingest.Plan) -> None:
        """What the queue has to say about a plan: sent before, cut perhaps; kept before it is carried out."""
        same = self.queue.same_content(task)
        if same is not None:
            message = (
                f"the same bytes came as {same.filename}, task {same.id}, {same.status} ({same.outcome or 'waits'})"
            )
            explain.add_problem(made.report, "DUPLICATE_UPLOAD", "warning", message)
        may_be_cut = task.eof == "unclean" and not wholeness.proven(
            Path(str(task.path)), made.report["file"]["container"]
        )
        if may_be_cut and task.operation in _REMOVING and made.verdict in ("apply", "held"):
            made.report["verdict"] = "refused"
            raise SafeguardRefused(
                "the sender's connection ended without saying that the file was whole; it may be cut",
                code="UNCLEAN_EOF",
                state=f"Nothing was changed. Snapshot {made.base.snapshot} is still current.",
                report=made.report,
            )
        self.queue.note_plan(task.id, made.report)
        point("serve.planned")

    def _try_again(self, task: Task, error: BaseException) -> None:
        if isinstance(error, BaseMoved) and ingest.applied(self.store, task) is not None:
            # Somebody else carried it out while this process was held up.
            settle(self.store, self.settings, task)
            return
        described = error.as_dict() if isinstance(error, FeedEngineError) else {"code": "OS", "message": str(error)}
        if task.retries + 1 < int(self.settings.get("queue.retries")):
            wait = 0.0 if isinstance(error, BaseMoved) else backoff(task.retries)
            self.queue.put_back(task.id, wait=wait, error=described)
            self.part.log(
                "task.put_back", level="warning", task=task.id, error=described["message"], wait=round(wait, 1)
            )
            return
        self.store.ledger.fail(task.id, "failed", error=described)


def is_passing(error: BaseException) -> bool:
    """Whether trying again may help: no room, locked, busy; never for what is wrong with the data."""
    if isinstance(error, OSError):
        return error.errno in _PASSING
    return isinstance(error, (DiskFull, CatalogBusy, BaseMoved))


def backoff(retries: int) -> float:
    """Seconds to wait before the next try: twice as long each time, five minutes at most, spread by chance."""
    return min(_LONGEST_WAIT, 2.0**retries) * random.uniform(0.5, 1.0)


def share(settings: Settings) -> Settings:
    """The settings of one worker: its part of memory and cores."""
    workers = int(settings.get("queue.workers"))
    memory = max(LEAST_MEMORY, settings.memory_limit // workers)
    threads = max(1, settings.threads // workers)
    own = {"engine.memory_limit": Value(memory, "share"), "engine.threads": Value(threads, "share")}
    if settings.value(_LISTED).origin == "default":
        # Nobody sits at a terminal: the rows are mended from files, so there may be more of them.
        own[_LISTED] = Value(_MOST_LISTED, "default")
    return replace(settings, values={**settings.values, **own})
