"""Profiles of catalogs for a service that runs long: read again when their file changes, and not otherwise."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from feedengine import profile
from feedengine.profile import Profile
from feedengine.settings import Settings


def profile_of(settings: Settings, catalog: str) -> Profile:
    """The profile of a catalog. Raises ProfileError."""
    named = settings.profile(catalog)
    path = Path(named)
    if named in profile.BUILTIN or not path.is_file():
        return profile.load(named)
    about = path.stat()
    return _read(named, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=64)
def _read(named: str, changed: int, size: int) -> Profile:
    return profile.load(named)
