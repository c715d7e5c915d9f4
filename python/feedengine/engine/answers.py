"""What comes back from the extension: streams, and errors that are turned into ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from feedengine import _engine
from feedengine.errors import DiskFull, FeedRejected, InternalError, from_os_error

Damaged = _engine.Damaged


class ArrowStream(Protocol):
    """Anything that hands out an Arrow C stream: pyarrow, polars, DuckDB, or the engine itself."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@contextmanager
def mapped() -> Iterator[None]:
    """Turn the engine's exceptions into ours; `Damaged` passes, since the index can be rebuilt."""
    try:
        yield
    except _engine.FeedFault as error:
        fault = json.loads(error.args[0])
        raise FeedRejected(
            fault["message"], code=fault["code"], state="Nothing was changed.", hints=[fault["hint"]]
        ) from None
    except _engine.EngineError as error:
        raise InternalError(str(error), state="Nothing was changed.") from None
    except OSError as error:
        ours = from_os_error(error, "work on the feed")
        if isinstance(ours, DiskFull):
            raise ours from None
        raise


@contextmanager
def told(streams: _engine.Planner | _engine.FileDiff) -> Iterator[None]:
    """While streams are read: what ends one early is raised as itself."""
    try:
        yield
    except Exception:
        with mapped():
            streams.check_streams()
        raise
