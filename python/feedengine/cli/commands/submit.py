"""`feedengine submit FILE`: put a feed into the service's queue."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Context, Option


def command(
    context: Context,
    file: params.FeedFile,
    wait: Annotated[bool, Option("--wait", help="Wait until it is done; the exit code says how it went.")] = False,
    reason: params.Reason = None,
) -> int:
    """Copy a feed into the queue of the service; its name says what it is for (KEY_SECTION_sync_TIME.EXT)."""
    from feedengine.cli.queueing import follow, put_in
    from feedengine.errors import Conflict, from_os_error
    from feedengine.service.reception import Desk
    from feedengine.transport.reception import Refused

    session = params.session(context)
    desk = Desk(session.store, session.settings)
    try:
        task = desk.submit(file, actor=session.actor, reason=reason)
    except Refused as full:
        raise Conflict(full.message, code="QUEUE_FULL", state="Nothing was put into the queue.") from full
    except OSError as error:
        raise from_os_error(error, f"read {file}") from error
    return follow(session, task) if wait else put_in(session, task)
