"""An inflater alone: reads a gzip file to its end and drops what comes out. Arguments: FILE isal|zlib_ng|zlib."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

MODULES = {"isal": "isal.isal_zlib", "zlib_ng": "zlib_ng.zlib_ng", "zlib": "zlib"}


def main(path: str, which: str) -> None:
    """Inflate in pieces of 64 KiB: with larger ones the pieces that come out fall out of the cache."""
    library = importlib.import_module(MODULES[which])
    started, cpu = time.perf_counter(), time.process_time()
    inflater = library.decompressobj(31)
    length = 0
    with Path(path).open("rb") as file:
        while piece := file.read(1 << 16):
            length += len(inflater.decompress(piece))
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"bytes": length, "seconds": seconds, "cpu": used}))


if __name__ == "__main__":
    main(*sys.argv[1:])
