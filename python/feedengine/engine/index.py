"""The index of a catalog's records: made anew from stored rows, or laid over with what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feedengine import _engine
from feedengine.engine.answers import ArrowStream, mapped


def build_index(spec: Mapping[str, Any], secret: bytes, rows: ArrowStream, path: Path, temp: Path) -> dict[str, Any]:
    """Write an index run of all current `rows` (whole, with `_row`); gives records, active, data_bytes, digest.

    `spec` is the entity's declaration.
    """
    with mapped():
        totals: dict[str, Any] = json.loads(_engine.build_index(json.dumps(spec), secret, rows, path, temp))
    return totals


def overlay(
    spec: Mapping[str, Any],
    secret: bytes,
    base: Mapping[str, Any],
    gone: Sequence[str],
    rows: ArrowStream,
    path: Path,
    temp: Path,
) -> dict[str, Any]:
    """Write an overlay on `base` to `path`: `rows` are whole records as they are now, `gone` the ids that left.

    `base` has runs (absolute paths), records, active, data_bytes, next_row, digest, columns. Gives the sums after it.
    """
    with mapped():
        totals: dict[str, Any] = json.loads(
            _engine.overlay(json.dumps(spec), secret, json.dumps(base), list(gone), rows, path, temp)
        )
    return totals
