"""Landing: how files of partners arrive, the same for every server: parts, resume, names, quota, the engine's desk."""

from __future__ import annotations

from feedengine.transport.landing.home import Home
from feedengine.transport.landing.landing import Landing, NothingToResume, Rules
from feedengine.transport.landing.names import BadPath, clean
from feedengine.transport.landing.upload import Upload

__all__ = ["BadPath", "Home", "Landing", "NothingToResume", "Rules", "Upload", "clean"]
