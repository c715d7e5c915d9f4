"""Tasks of the service's queue as the command line sees them: put in, followed until their end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from feedengine.cli.feeds import exit_code
from feedengine.cli.render import steps
from feedengine.cli.render import task as render
from feedengine.cli.render.status import standing_words
from feedengine.cli.watch import EVERY
from feedengine.errors import ExitCode

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.ledger import Task
    from feedengine.service.progress import Standing
    from feedengine.store import Store

_POLL = 0.1
_OPEN = ("QUEUED", "IN_PROGRESS")


def put_in(session: Session, number: int) -> int:
    """Tell that a task waits now, and what will take it."""
    from feedengine.service.running import pid

    task = session.store.ledger.get(number)
    serving = pid(session.store) is not None
    hints = [{"text": "Follow it", "argv": ["feedengine", "task", "watch", str(number)]}]
    if not serving:
        hints.insert(0, {"text": "Nobody works on the queue yet", "argv": ["feedengine", "serve"]})
    hints = steps.complete(hints, session.out.given)
    if session.out.machine:
        session.out.json({"schema": "feedengine.task-entry/1", **task.as_dict(), "hints": hints})
        return 0
    session.out.show({}, [f"task {number} waits: {task.filename} for {render.catalog(task.as_dict())}"])
    session.out.talk(["", *steps.lines(hints)])
    return 0


def follow(session: Session, number: int) -> int:
    """Tell every change of a task until it ends; the exit code says how it went."""
    from feedengine.cli.applying import tell

    task = session.store.ledger.get(number)
    for task in _changes(session, number):
        _tell_change(session, task)
    code = ended(task)
    if task.report is not None:
        tell(session.out, {**task.report, "task": task.id})
    else:
        session.out.show({"schema": "feedengine.task-entry/1", **task.as_dict()}, render.details(task.as_dict()))
    return int(code)


def follow_all(session: Session) -> int:
    """Tell every change of all tasks that wait or are worked on, until none is left."""
    seen: dict[int, tuple[str, str | None]] = {}
    noticed = _noticed(session)
    while True:
        page = session.store.ledger.list(status=_OPEN, limit=1_000_000)
        current = {task.id: task for task in page.tasks}
        for number in sorted({*seen, *current}):
            task = current.get(number) or session.store.ledger.get(number)
            state = (task.status, task.outcome)
            if seen.get(number) != state:
                _tell_change(session, task)
                seen[number] = state
            if task.status not in _OPEN:
                del seen[number]
        if not current:
            return 0
        noticed.look([task for task in page.tasks if task.status == "IN_PROGRESS"])
        time.sleep(_POLL)


def _changes(session: Session, number: int) -> Iterator[Task]:
    last: tuple[str, str | None] | None = None
    noticed = _noticed(session)
    while True:
        task = session.store.ledger.get(number)
        if (task.status, task.not_before) != last:
            last = (task.status, task.not_before)
            yield task
        if task.status not in _OPEN:
            return
        noticed.look([task] if task.status == "IN_PROGRESS" else [])
        time.sleep(_POLL)


class Noticed:
    """What workers note of running tasks, told when it is news, but of a task no more often than `every` seconds."""

    def __init__(
        self,
        store: Store,
        every: float,
        tell: Callable[[Task, Standing], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._every, self._tell, self._clock = store, every, tell, clock
        self._told: dict[int, tuple[float, Standing]] = {}

    def look(self, tasks: Sequence[Task]) -> None:
        """Tell of those among `tasks`, all of which are worked on."""
        from feedengine.service import progress

        now, known = self._clock(), progress.read(self._store, tasks)
        for task in tasks:
            standing, before = known.get(task.id), self._told.get(task.id)
            if standing and (before is None or (before[1] != standing and now - before[0] >= self._every)):
                self._told[task.id] = (now, standing)
                self._tell(task, standing)


def _noticed(session: Session) -> Noticed:
    """A line every few seconds; for programs an event whenever a worker notes something, which is once a second."""

    def say(task: Task, standing: Standing) -> None:
        session.out.talk(f"task {task.id}  {standing_words(task, standing)}  {task.filename}")

    def event(task: Task, standing: Standing) -> None:
        session.out.event("progress", task=task.id, **standing.as_dict())

    events = session.out.options.events
    return Noticed(session.store, 0.0 if events else EVERY, event if events else say)


def _tell_change(session: Session, task: Task) -> None:
    if session.out.options.events:
        facts = {"status": task.status, "outcome": task.outcome, "file": task.filename, "snapshot": task.new_snapshot}
        session.out.event("task", task=task.id, **facts)
        return
    words = task.status if task.outcome is None else f"{task.status}, {task.outcome}"
    if task.status == "QUEUED" and task.not_before:
        words += f", to be tried again at {task.not_before}"
    session.out.talk(f"task {task.id}  {words}  {task.filename}")


def ended(task: Task) -> ExitCode:
    """What a task's end means for the process."""
    if task.status == "DONE":
        return exit_code(task.report or {})
    if task.status == "CANCELED":
        return ExitCode.CONFLICT
    if task.outcome == "refused":
        return ExitCode.SAFEGUARD
    known = (task.error or {}).get("exit")
    return ExitCode(known) if known else ExitCode.REJECTED
