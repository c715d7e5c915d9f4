"""The version of this feedengine."""

from __future__ import annotations

import feedengine


def version() -> str:
    """As the package says."""
    return feedengine.__version__
