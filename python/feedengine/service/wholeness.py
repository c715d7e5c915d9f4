"""Whether a file's content proves that it is whole, for uploads whose connection did not say so."""

from __future__ import annotations

from pathlib import Path

_TAR_END = 1024


def proven(path: Path, container: str) -> bool:
    """Whether a file that was read without fault can't be the beginning of a longer one.

    `container` is as in reports (`tar.gz of csv`). Compressed files end with a checksum that was compared, JSON ends
    with its last bracket, a tar with two empty blocks; lines of CSV and JSONL may end anywhere.
    """
    outer = container.partition(" ")[0]
    if outer.endswith(("gz", "zst", "tgz")) or container == "json":
        return True
    if outer == "tar":
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAR_END))
            end = file.read()
        return len(end) == _TAR_END and not any(end)
    return False
