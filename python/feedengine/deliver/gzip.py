"""Gzip on several threads: one member, made of blocks that are compressed side by side."""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO

_BLOCK = 1 << 20
_LEVEL = 4
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class GzipWriter:
    """Compresses what is written to it into `out`, which stays open. The bytes don't depend on the thread count.

    Memory is a few megabytes a thread.
    """

    def __init__(self, out: BinaryIO, threads: int | None = None) -> None:
        count = threads or os.cpu_count() or 1
        self._out = out
        self._pool = ThreadPoolExecutor(count)
        self._waiting: deque[Future[bytes]] = deque()
        self._most = 2 * count
        self._block = bytearray()
        self._crc = 0
        self._size = 0
        out.write(_HEADER)

    def write(self, data: bytes) -> int:
        """Take more of the content."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._block += data
        while len(self._block) >= _BLOCK:
            self._submit(bytes(self._block[:_BLOCK]), last=False)
            del self._block[:_BLOCK]
        return len(data)

    def __enter__(self) -> GzipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._submit(bytes(self._block), last=True)
                while self._waiting:
                    self._out.write(self._waiting.popleft().result())
                self._out.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _submit(self, block: bytes, *, last: bool) -> None:
        while len(self._waiting) >= self._most:
            self._out.write(self._waiting.popleft().result())
        self._waiting.append(self._pool.submit(_compress, block, last))


def _compress(block: bytes, last: bool) -> bytes:
    """A block as raw deflate that ends on a byte and refers to nothing before it."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(block) + deflate.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)
