"""Saved plans: JSON that binds a file's content and a base snapshot, and remembers the request it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.errors import Hint, UsageError, from_os_error

if TYPE_CHECKING:
    from feedengine.target import FeedRequest

SCHEMA = "feedengine.plan/1"
_START = 200
_REQUEST = ("catalog", "operation", "force", "reason", "hold_removals", "create")
#: Said since profiles exist; older plans lack them.
_SINCE = ("profile", "entity")


def looks_like_plan(path: Path) -> bool:
    """Whether a file is a saved plan; told by its beginning, not by its name."""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return False
    compact = b"".join(start.split())
    return compact.startswith(b'{"schema":"feedengine.plan/')


def save(path: Path, report: Mapping[str, Any], request: FeedRequest, target: tuple[str, str, bool]) -> None:
    """Write a plan. `target` is the catalog, the operation and force as they were understood."""
    catalog, operation, force = target
    wish: dict[str, Any] = {name: getattr(request, name) for name in (*_REQUEST, *_SINCE)}
    wish |= {"path": str(request.path.absolute()), "catalog": catalog, "operation": operation, "force": force}
    document = {**report, "schema": SCHEMA, "request": wish}
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise from_os_error(error, "save the plan") from error


def _again(path: Path) -> Hint:
    return Hint("Plan again", ("feedengine", "plan", "FILE", "--out", str(path)))


def load(path: Path, actor: str) -> tuple[dict[str, Any], FeedRequest]:
    """Read a plan and the request it was made from. Raises UsageError where it is no plan that can be read."""
    from feedengine.target import FeedRequest

    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise from_os_error(error, "read the plan") from error
    except ValueError as error:
        raise UsageError(f"The plan {path} is damaged: {error}.", hints=[_again(path)]) from error
    wish = document.get("request")
    if document.get("schema") != SCHEMA or not isinstance(wish, dict) or not {"path", *_REQUEST} <= set(wish):
        raise UsageError(f"The plan {path} is of a kind that this feedengine does not read.", hints=[_again(path)])
    feed = Path(wish["path"])
    if not feed.is_file():
        raise UsageError(f"The feed {feed} that was planned is gone.", code="NO_FILE", state="Nothing was changed.")
    given = {name: wish[name] for name in _REQUEST} | {name: wish.get(name) for name in _SINCE}
    return document, FeedRequest(path=feed, actor=actor, **given)
