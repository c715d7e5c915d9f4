"""`feedengine task ...`: what was asked, what came of it, and a person's answer to what waits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from feedengine.cli import params
from feedengine.cli.declare import Argument, Context, Group, Option
from feedengine.errors import UsageError

group = Group()

Number = Annotated[int, Argument(metavar="TASK", help="The task's number.")]
Limit = Annotated[int, Option("--limit", metavar="N", least=1, help="Most tasks to show.")]
Reason = Annotated[str | None, Option("--reason", metavar="TEXT", help="Why; kept with the task.")]


@group.command("list")
def list_tasks(
    context: Context,
    status: Annotated[list[str] | None, Option("--status", metavar="STATUS", help="QUEUED, DONE...")] = None,
    outcome: Annotated[list[str] | None, Option("--outcome", metavar="WORD", help="ok, refused...")] = None,
    catalog: params.Catalog = None,
    waiting: Annotated[bool, Option("--waiting", help="Only those that wait for approval.")] = False,
    since: Annotated[str | None, Option("--since", metavar="DATE", help="Submitted on or after.")] = None,
    until: Annotated[str | None, Option("--until", metavar="DATE", help="Submitted on or before.")] = None,
    limit: Limit = 20,
    offset: Annotated[int, Option("--offset", metavar="N", least=0, help="Tasks to leave out first.")] = 0,
) -> int:
    """List tasks, newest first."""
    from feedengine.cli.render import task as render
    from feedengine.cli.session import parse_catalog
    from feedengine.ledger import Queue

    session = params.session(context)
    key, section = parse_catalog(catalog) if catalog else (None, None)
    ledger = _settled(session)
    page = ledger.list(
        status=[each.upper() for each in status or ()],
        outcome=outcome or (),
        key=key,
        section=section,
        waiting=True if waiting else None,
        since=since,
        until=until,
        limit=limit,
        offset=offset,
    )
    turns = Queue(ledger).positions()
    tasks = [{**_brief(task.as_dict()), "position": turns.get(task.id)} for task in page.tasks]
    document = {"schema": "feedengine.tasks/1", "total": page.total, "counts": dict(page.counts), "tasks": tasks}
    session.out.show(document, render.listing(tasks, page.total))
    return 0


@group.command("show")
def show(context: Context, task: Number) -> int:
    """Show one task with its counts and problems."""
    from feedengine.cli.render import steps
    from feedengine.cli.render import task as render

    session = params.session(context)
    found = _settled(session).get(task).as_dict()
    session.out.show({"schema": "feedengine.task-entry/1", **found}, render.details(found))
    if found["waiting"] and found.get("report"):
        known = {**found["report"], "task": found["id"]}
        hints = [hint for hint in steps.after(known) if hint["argv"][1:3] != ["task", "show"]]
        session.out.talk(["", *steps.lines(steps.complete(hints, session.out.given))])
    return 0


@group.command("errors")
def errors(
    context: Context,
    task: Number,
    csv: Annotated[str | None, Option("--csv", metavar="FILE", help="Write them as CSV; - is stdout.")] = None,
    code: Annotated[str | None, Option("--code", metavar="CODE", help="Only those of one kind.")] = None,
    limit: Annotated[int | None, Option("--limit", metavar="N", least=1, help="Most problems to show.")] = None,
) -> int:
    """Show a task's problems with file, line, record and value; as CSV with --csv."""
    from feedengine.cli.render import task as render
    from feedengine.deliver.spreadsheet import write_file, write_rows
    from feedengine.ledger import PROBLEM_COLUMNS

    session = params.session(context)
    ledger = session.store.ledger
    found = ledger.problems(task, code=code, limit=limit)
    total = _total(ledger.get(task).as_dict())
    if csv == "-":
        write_rows(session.out.stdout, PROBLEM_COLUMNS, found)
        return 0
    if csv is not None:
        count = write_file(Path(csv), PROBLEM_COLUMNS, found)
        session.out.show(
            {"schema": "feedengine.written/1", "file": csv, "rows": count, "total": total},
            [f"{count:,} of {max(total, count):,} problems written to {csv}"],
        )
        return 0
    rows = list(found)
    session.out.show(
        {"schema": "feedengine.problems/1", "task": task, "total": total, "shown": len(rows), "problems": rows},
        [*render.problems(rows), f"{len(rows):,} of {max(total, len(rows)):,} problems"],
    )
    return 0


@group.command("approve")
def approve(
    context: Context,
    task: Number,
    remove: Annotated[
        int | None, Option("--remove", metavar="N", help="Remove them: exactly as many as would go.")
    ] = None,
    hold_removals: Annotated[bool, Option("--hold-removals", help="Apply all but the removals.")] = False,
    reason: Reason = None,
) -> int:
    """Let a refused or held task go ahead; only while the snapshot it was measured against is current."""
    from feedengine.cli.applying import tell
    from feedengine.cli.feeds import exit_code

    session = params.session(context)
    if (remove is None) == (not hold_removals):
        raise UsageError("Say either --remove N (the exact count) or --hold-removals.", state="Nothing was changed.")
    store = session.store
    from feedengine import ingest

    with session.watch() as watch:
        result = ingest.approve(
            store, session.settings, task, remove=remove, reason=reason, actor=session.actor, watch=watch
        )
    _wake_keeper(session)
    tell(session.out, result.report)
    return int(exit_code(result.report))


@group.command("reject")
def reject(context: Context, task: Number, reason: Reason = None) -> int:
    """Say that a refused or held task was a mistake; nothing is changed, it no longer waits."""
    session = params.session(context)
    found = session.store.ledger.reject(task, actor=session.actor, reason=reason)
    _wake_keeper(session)
    session.out.show(
        {"schema": "feedengine.task-entry/1", **found.as_dict()}, [f"task {task} is rejected; nothing was changed"]
    )
    return 0


@group.command("cancel")
def cancel(context: Context, task: Number) -> int:
    """Take back a task that has not started."""
    session = params.session(context)
    session.store.ledger.cancel(task)
    _wake_keeper(session)
    session.out.show(
        {"schema": "feedengine.task-entry/1", "id": task, "status": "CANCELED"}, [f"task {task} is canceled"]
    )
    return 0


@group.command("retry")
def retry(context: Context, task: Number) -> int:
    """Put a task of the queue that failed or was canceled behind all that wait; one that was done is done once more."""
    from feedengine.service.again import again
    from feedengine.service.bell import ring

    session = params.session(context)
    found = again(session.store, session.settings, task, actor=session.actor)
    ring(session.store, "worker")
    session.out.show(
        {"schema": "feedengine.task-entry/1", **found.as_dict()},
        [f"task {found.id} waits again" if found.id == task else f"task {found.id} waits: task {task} once more"],
    )
    return 0


@group.command("watch")
def watch(
    context: Context,
    task: Annotated[int | None, Argument(metavar="TASK", help="The task's number; without it, all that wait.")] = None,
) -> int:
    """Follow a task until its end; the exit code says how it went. With --events one JSON object a change."""
    from feedengine.cli.queueing import follow, follow_all

    session = params.session(context)
    return follow_all(session) if task is None else follow(session, task)


def _wake_keeper(session: Any) -> None:
    """A person decided: what follows from that is the keeper's work."""
    from feedengine.service.bell import ring

    ring(session.store, "keeper")


def _settled(session: Any) -> Any:
    """The ledger, after tasks whose process died were settled."""
    store = session.store
    from feedengine import ingest

    ingest.recover(store)
    return store.ledger


def _brief(task: dict[str, Any]) -> dict[str, Any]:
    """A task without its report, for lists."""
    return {name: value for name, value in task.items() if name != "report"}


def _total(task: dict[str, Any]) -> int:
    problems = (task.get("report") or {}).get("problems") or {}
    return int(problems.get("errors") or 0) + int(problems.get("warnings") or 0)
