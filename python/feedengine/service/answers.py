"""What a receiver says of a feed that was sent: the report that appears beside its task folders, by the file's name."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from feedengine.errors import ExitCode, NotFound
from feedengine.ledger.outbox import Delivery
from feedengine.service.targets import SendTarget
from feedengine.transport.connecting import connect
from feedengine.transport.remote import Place, Remote

# A feed of a few rows is answered within half a second; a receiver that takes an hour is not asked thousands of times.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_LARGEST = 64 << 20

_EXITS = {"refused": ExitCode.SAFEGUARD, "held": ExitCode.PARTIAL, "ok_with_errors": ExitCode.PARTIAL}


def wait_for_answer(
    target: SendTarget,
    delivery: Delivery,
    until: float,
    *,
    connect: Callable[[Place], Remote] = connect,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any] | None:
    """The receiver's report of a delivery; None if there is none when `time.monotonic()` reaches `until`.

    An older report of a file with the same name is told by its hash. Raises `TransportError`.
    """
    path = f"{target.keys['reports'].rstrip('/')}/{delivery.name}.json"
    pause = _FIRST_PAUSE
    with connect(target.place) as remote, tempfile.TemporaryDirectory() as folder:
        while True:
            found = _read(remote, path, Path(folder) / "report.json")
            if found is not None and found.get("sha256") == delivery.sha256:
                return found
            if time.monotonic() + pause >= until:
                return None
            sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def _read(remote: Remote, path: str, to: Path) -> dict[str, Any] | None:
    to.unlink(missing_ok=True)
    try:
        size = remote.size(path)
        if size is None or size > _LARGEST:
            return None
        remote.get(path, to)
        found = json.loads(to.read_bytes())
    except (NotFound, ValueError):
        return None  # It is being written, or written anew.
    return found if isinstance(found, dict) else None


def exit_code(report: dict[str, Any]) -> ExitCode:
    """What the receiver's report means for a process that waited for it."""
    outcome = str(report.get("outcome") or "")
    if outcome in _EXITS:
        return _EXITS[outcome]
    return ExitCode.DONE if report.get("status") == "DONE" else ExitCode.REJECTED
