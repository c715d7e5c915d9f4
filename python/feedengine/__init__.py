"""feedengine: says what a feed would change, refuses harm, applies the rest as a snapshot that can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedengine.programs import Engine, open

__all__ = ["Engine", "open"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load them when somebody asks: `feedengine --help` must not wait for a database."""
    if name in __all__:
        from feedengine import programs

        return getattr(programs, name)
    raise AttributeError(f"module feedengine has no attribute {name}")
