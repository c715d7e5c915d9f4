"""The version of this feedengine."""

from __future__ import annotations


def version() -> str:
    """As installed; a source tree that is not installed says so."""
    from importlib import metadata

    try:
        return metadata.version("feedengine")
    except metadata.PackageNotFoundError:
        return "0+source"
