"""The removal safeguard, as published: strictly more than the limit, whole numbers only (spec 2e)."""

from __future__ import annotations

from dataclasses import dataclass

from .settings import Settings


@dataclass(frozen=True)
class Share:
    """What one entity would lose, of how many, and whether that is too much."""

    lost: int
    base: int
    decision: str


def over(lost: int, base: int, limit: str) -> bool:
    """Whether ``lost`` of ``base`` is more than ``limit`` (``50%``, ``20000`` or ``off``)."""
    if limit == "off" or base == 0:
        return False
    if limit.endswith("%"):
        return lost * 100 > int(limit[:-1]) * base
    return lost > int(limit)


def judge(entity: str, lost: int, base: int, settings: Settings) -> Share:
    """The verdict on one entity."""
    if over(lost, base, settings.limits.get(entity, settings.limit)):
        return Share(lost, base, "blocked")
    if over(lost, base, settings.warn):
        return Share(lost, base, "warn")
    return Share(lost, base, "ok")
