"""`feedengine serve`: receive, fetch, apply and send feeds until told to stop."""

from __future__ import annotations

from typing import Annotated, Any

from feedengine.cli import params
from feedengine.cli.declare import Context, Option


def command(
    context: Context,
    parts: Annotated[str | None, Option("--parts", metavar="LIST", help="Only these, as worker,keeper.")] = None,
    dev: Annotated[bool, Option("--dev", help="Make what is missing: store, certificate, a user to try.")] = False,
    log_format: Annotated[str | None, Option("--log-format", metavar="FORM", help="json, or text for people.")] = None,
    memory_limit: params.MemoryLimit = None,
    threads: params.Threads = None,
) -> int:
    """Receive feeds over FTPS, fetch and send them, work through the queue; until SIGTERM or Ctrl-C.

    SIGHUP reads the settings again. The first signal lets running work end, a second one stops at once.
    """
    from feedengine.cli.serving import prepare_dev, welcome
    from feedengine.service.log import open_log
    from feedengine.service.supervisor import Supervisor

    session = params.session(context)
    session.flag("log.format", "--log-format", log_format)
    session.flag("engine.memory_limit", "--memory-limit", memory_limit)
    session.flag("engine.threads", "--threads", threads)
    trial = prepare_dev(session) if dev else None
    store, settings = session.store, session.settings
    only = [name.strip() for name in parts.split(",") if name.strip()] if parts else []
    log = open_log(store, settings, "serve")
    supervisor = Supervisor(store, settings, log, only=only, flags=session.flags)

    def ready(facts: dict[str, dict[str, Any]]) -> None:
        welcome(session, facts, trial)

    return supervisor.run(ready)
