"""What a hostile case is, and small builders for its bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field

FAILS, ROW, WARNING, FINE, REFUSED = "file", "row", "warning", "ok", "safeguard"
EXIT = {FAILS: 5, ROW: 5, WARNING: 0, FINE: 0, REFUSED: 3}


@dataclass(frozen=True)
class Hostile:
    """One hostile feed: how to build it, and what must be said of it.

    ``number`` is its place in the list of what must be survived; ``codes`` are the codes of that severity (others
    may come along only if ``also`` names them); ``settings`` are given by the environment.
    """

    number: int
    name: str
    build: Callable[[], bytes] | bytes
    answer: str
    codes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    file: str = "key_a1_Products_{op}_2026-11-21-00-00-00.csv"
    operation: str = "delta"
    exit: int | None = None
    force: bool = False
    seconds: int = 20
    megabytes: int = 300
    settings: tuple[tuple[str, str], ...] = ()
    features: tuple[str, ...] = field(default=("C40",))

    @property
    def content(self) -> bytes:
        """The bytes."""
        return self.build if isinstance(self.build, bytes) else self.build()

    @property
    def status(self) -> int:
        """The exit code that the command must end with."""
        return EXIT[self.answer] if self.exit is None else self.exit


def tar(*members: tuple[str, bytes] | tarfile.TarInfo, **options: object) -> bytes:
    """A tar archive of (name, content) pairs and bare headers."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=options.get("format", tarfile.USTAR_FORMAT)) as archive:  # type: ignore[call-overload]
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def targz(*members: tuple[str, bytes] | tarfile.TarInfo, **options: object) -> bytes:
    """The same, gzipped."""
    return gzip.compress(tar(*members, **options), 1)


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info
