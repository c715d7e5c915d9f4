"""A server's own numbers, left where `status` and the metrics find them."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

#: How often servers write them.
SECONDS = 10.0


def write_status(path: Path, status: dict[str, Any]) -> None:
    """Write the numbers of this process whole or not at all; losing one is no harm."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({"time": time.time(), "pid": os.getpid(), **status}))
        fresh.replace(path)
