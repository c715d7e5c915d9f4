"""`feedengine bench`: how fast this machine is, with a catalog that is made up and thrown away."""

from __future__ import annotations

from typing import Annotated

from feedengine.cli import params
from feedengine.cli.declare import Context, Option


def command(
    context: Context,
    items: Annotated[int, Option("--items", metavar="N", least=10, help="Items of 20 columns.")] = 100_000,
    seed: Annotated[int, Option("--seed", metavar="N", help="Another seed is another catalog.")] = 1,
    memory_limit: params.MemoryLimit = None,
    threads: params.Threads = None,
) -> int:
    """Load a generated catalog, sync its next day, patch ten prices; prints seconds and rows a second.

    Checks the counts against the generator's known answer. The same seed makes the same catalog everywhere.
    """
    from feedengine.cli.measuring import measure
    from feedengine.cli.render import snapshot as render
    from feedengine.cli.render import text

    session = params.session(context)
    session.flag("engine.memory_limit", "--memory-limit", memory_limit)
    session.flag("engine.threads", "--threads", threads)
    found = measure(session, items, seed)
    rows = [
        {
            "step": step["step"],
            "rows": text.number(step["rows"]),
            "seconds": f"{step['seconds']:.3f}",
            "speed": text.rate(step["rows"], step["seconds"]),
            "peak memory": text.size(step["peak_rss_bytes"]),
        }
        for step in found["steps"]
    ]
    session.out.show(found, render.rows(rows))
    return 0
