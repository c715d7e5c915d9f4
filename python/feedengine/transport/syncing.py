"""Files and folders onto the disk: a few one by one, many by one call for their whole file system."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection
from pathlib import Path

# One call for all costs about as much as a few for one each, and waits for what others wrote.
_FEW = 8


def sync(paths: Collection[Path]) -> None:
    """What was written to these files, and the names in these folders, is on the disk when this returns.

    They lie in one file system. Raises OSError.
    """
    if len(paths) > _FEW:
        _whole_system(next(iter(paths)))
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _whole_system(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        call = getattr(_LIBRARY, "syncfs", None)
        if call is None:
            os.sync()
        elif call(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


_LIBRARY = ctypes.CDLL(None, use_errno=True)
