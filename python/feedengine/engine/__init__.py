"""The only importer of the Rust extension: JSON to dicts, the engine's errors to ours, Arrow streams as they are."""

from __future__ import annotations

import warnings

from feedengine import _engine
from feedengine.engine.answers import ArrowStream, Damaged
from feedengine.engine.declared import check_entities, codes, constructor_entities, operations
from feedengine.engine.files import FileDiff, diff_files, generate, must_be, unpack
from feedengine.engine.index import build_index, overlay
from feedengine.engine.planner import Planner
from feedengine.engine.resent import Sent, cells, document, sent
from feedengine.engine.words import compared, keyed, moved
from feedengine.errors import InternalError

__all__ = [
    "ArrowStream",
    "Damaged",
    "FileDiff",
    "InternalError",
    "Planner",
    "Sent",
    "build_index",
    "cells",
    "check_entities",
    "codes",
    "compared",
    "constructor_entities",
    "diff_files",
    "document",
    "generate",
    "keyed",
    "moved",
    "must_be",
    "operations",
    "overlay",
    "sent",
    "unpack",
]

if _engine.DEBUG_BUILD:
    warnings.warn(
        "feedengine's extension is a debug build: 10 to 50 times slower; build it with maturin develop --release",
        RuntimeWarning,
        stacklevel=2,
    )
