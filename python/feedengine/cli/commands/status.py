"""`feedengine status`: how the service is, on one screen."""

from __future__ import annotations

from feedengine.cli import params
from feedengine.cli.declare import Context


def command(context: Context) -> int:
    """Show whether the service runs, its queue, what runs now, what waits for approval, open problems, what is next."""
    from feedengine.cli.render import status as render
    from feedengine.ledger.figures import Figures
    from feedengine.service import progress, state

    session = params.session(context)
    store, settings = session.store, session.settings
    found = state.look(store, settings)
    running = Figures(store.ledger).running()
    standings = progress.read(store, running)
    waiting = store.ledger.list(waiting=True, limit=20)
    least = int(settings.get("queue.min_free"))
    document = {
        **state.document(found, least),
        "schema": "feedengine.status/1",
        "running": [
            {
                "task": task.id,
                "catalog": f"{task.key}/{task.section}" if task.key else None,
                "operation": task.operation,
                "filename": task.filename,
                **progress.told(task, standings.get(task.id)),
                "since": task.start_time,
                "worker": task.worker,
            }
            for task in running
        ],
        "approvals": {
            "total": waiting.total,
            "tasks": [{"task": task.id, "outcome": task.outcome, "filename": task.filename} for task in waiting.tasks],
        },
        "sources": {
            name: {
                "next_run": each.next_run,
                "last_success": each.good,
                "failures": each.failures,
                "paused": each.paused,
            }
            for name, each in found.sources.items()
        },
    }
    session.out.show(document, render.status(found, running, standings, waiting, least))
    return 0
