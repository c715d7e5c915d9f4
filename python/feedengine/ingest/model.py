"""What passes through the main job: who watches it, what was asked, what would be done, what was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from feedengine import engine
from feedengine.store import Base

if TYPE_CHECKING:
    from feedengine.store.model import SnapshotInfo
    from feedengine.target import FeedRequest, Target


class Watch(Protocol):
    """Who wants to see work going on."""

    def phase(self, name: str, **facts: Any) -> None:
        """A phase begins: reading, comparing, writing, done."""

    def progress(self, **facts: Any) -> None:
        """done_bytes, total_bytes, rows; a few times a second."""


class Nobody:
    """Nobody watches."""

    def phase(self, name: str, **facts: Any) -> None:
        """A phase begins."""

    def progress(self, **facts: Any) -> None:
        """The phase goes on."""


@dataclass
class Plan:
    """What a feed would do. `report` is the whole of it as JSON; the rest is what carrying it out needs."""

    report: dict[str, Any]
    request: FeedRequest
    target: Target
    base: Base
    planner: engine.Planner | None = field(repr=False)

    @property
    def verdict(self) -> str:
        """apply, no_change, held, refused or invalid."""
        return str(self.report["verdict"])

    def rows(self, entity: str) -> engine.ArrowStream | None:
        """Whole records that would be written, as an Arrow stream."""
        return self.planner.rows(entity) if self.planner else None


@dataclass
class Result:
    """What was done. `report` is the plan's report with task, outcome, new snapshot and hints."""

    report: dict[str, Any]
    snapshot: SnapshotInfo | None
