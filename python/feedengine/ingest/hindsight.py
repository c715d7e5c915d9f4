"""The safeguard in hindsight: which of the feeds that came each limit would have refused. Counts in, tables out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

#: Limits that are tried where nobody names others, and of which one is proposed.
LADDER = ("0.5%", "1%", "2%", "5%", "10%", "20%", "30%", "40%", "50%", "75%", "100%")
#: A proposal leaves this much more room than the worst feed that was right.
ROOM = Fraction(3, 2)
#: Outcomes of feeds whose changes were wanted as they were.
RIGHT = ("ok", "ok_with_errors", "no_change")


@dataclass(frozen=True)
class Loss:
    """What one feed took, or would have taken, from one entity.

    `base` is what the share was taken of, `limit` what the feed was held to; `right`: it was applied without force, so
    that no limit should refuse it.
    """

    task: int
    time: str
    file: str
    entity: str
    lost: int
    base: int
    limit: str
    right: bool

    @property
    def share(self) -> Fraction:
        """Lost records of those that there were; 0 of none."""
        return Fraction(self.lost, self.base) if self.base else Fraction(0)


def losses(tasks: Iterable[Any]) -> list[Loss]:
    """Every entity of every task whose report says what the safeguard saw, oldest first."""
    found = []
    for task in sorted(tasks, key=lambda task: task.id):
        seen: Mapping[str, Any] = ((task.report or {}).get("safeguard") or {}).get("entities") or {}
        right = task.outcome in RIGHT and not task.force and task.decision is None
        for entity, each in seen.items():
            lost, base = int(each["lost"]), int(each["base"])
            if base:
                file, limit = task.filename or "", str(each["limit"])
                found.append(Loss(task.id, task.submission_time, file, entity, lost, base, limit, right))
    return found


def exceeded(limit: str, loss: Loss) -> bool:
    """Whether the safeguard says no: strictly more than the limit, in exact numbers, as when the feed came."""
    if limit == "off":
        return False
    if limit.endswith("%"):
        return loss.share > Fraction(limit[:-1]) / 100
    return loss.lost > int(limit)


def refused(limit: str, found: Sequence[Loss]) -> list[Loss]:
    """The feeds that `limit` would have refused, each with the entity that lost the greatest share."""
    worst: dict[int, Loss] = {}
    for loss in found:
        if exceeded(limit, loss) and (loss.task not in worst or loss.share > worst[loss.task].share):
            worst[loss.task] = loss
    return list(worst.values())


def proposal(found: Sequence[Loss]) -> str | None:
    """The tightest limit of the ladder that leaves room above every feed that was right; None without any."""
    shares = [loss.share for loss in found if loss.right]
    if not shares:
        return None
    return next((limit for limit in LADDER if Fraction(limit[:-1]) / 100 >= max(shares) * ROOM), LADDER[-1])
