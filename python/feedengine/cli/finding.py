"""What `doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `state` is ok, warn or bad."""

    name: str
    state: str
    said: str
