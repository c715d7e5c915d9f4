"""A snapshot as a file: csv, jsonl, parquet, or an archive of all entities that can be loaded again.

What a CSV feed cannot say is lost in CSV: an empty text or an empty list reads back as absent. JSON lines keep both.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from feedengine.deliver.gzip import GzipWriter
from feedengine.errors import UsageError, from_os_error
from feedengine.faults import point

if TYPE_CHECKING:
    from feedengine.store import Catalog

#: Forms by the ending of a file's name. Archives hold one member an entity: items.csv, variations.csv, item_groups.csv.
FORMS = ("jsonl.tar.gz", "tar.gz", "tar", "csv.gz", "jsonl.gz", "csv", "jsonl", "parquet")

#: Entities in the order they stand in an archive.
ENTITIES = ("items", "variations", "item_groups")

_COPY = 1 << 20


def form_of(name: str) -> str | None:
    """The form that a file name's ending asks for."""
    return next((form for form in FORMS if name.endswith("." + form)), None)


def export(
    catalog: Catalog, section: str, out: Path | str, *, form: str, at: int | None = None, entity: str = "items"
) -> dict[str, int]:
    """Write a snapshot (None = the current one) to the file `out`, or to stdout for "-"; gives records by entity.

    Records are ordered by id, and equal snapshots give equal files. The file appears when it is complete. Archives
    hold every entity that has records; the other forms hold `entity`. Raises `SnapshotNotFound`, `CatalogNotFound`,
    `DiskFull`, `UsageError` for an unknown form or a value that CSV cannot hold.
    """
    if form not in FORMS:
        raise UsageError(f"unknown form {form!r}; known: {', '.join(FORMS)}", state="Nothing was written.")
    try:
        with ExitStack() as stack:
            to_stdout = str(out) == "-"
            folder = catalog.temp if to_stdout else Path(out).absolute().parent
            if to_stdout:
                target: BinaryIO = sys.stdout.buffer
            else:
                target = stack.enter_context(_whole(Path(out)))
            if "tar" in form:
                return _archive(catalog, section, target, folder, form, at)
            with _written(catalog, section, entity, form.removesuffix(".gz"), at, folder) as (header, body, count):
                if form.endswith(".gz"):
                    target = stack.enter_context(GzipWriter(target))  # type: ignore[assignment]
                target.write(header)
                with body.open("rb") as file:
                    shutil.copyfileobj(file, target, _COPY)
                return {entity: count}
    except BrokenPipeError:
        raise
    except OSError as error:
        raise from_os_error(error, f"write {out}") from error


def _archive(
    catalog: Catalog, section: str, target: BinaryIO, folder: Path, form: str, at: int | None
) -> dict[str, int]:
    members = "jsonl" if form.startswith("jsonl") else "csv"
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        if form.endswith(".gz"):
            target = stack.enter_context(GzipWriter(target))  # type: ignore[assignment]
        tar = stack.enter_context(tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT))
        for entity in ENTITIES:
            with _written(catalog, section, entity, members, at, folder) as (header, body, count):
                if not count:
                    # An empty member would be an empty feed, which no operation accepts.
                    continue
                member = tarfile.TarInfo(f"{entity}.{members}")
                member.size = len(header) + body.stat().st_size
                with body.open("rb") as file:
                    tar.addfile(member, _After(header, file))
                counts[entity] = count
    return counts


class _After(io.RawIOBase):
    """A file with some bytes before it."""

    def __init__(self, header: bytes, file: BinaryIO) -> None:
        self._header = header
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """The next bytes: exactly `size` unless the end is near, as tar wants."""
        begun, self._header = self._header[:size], self._header[size:]
        return begun + self._file.read(size - len(begun))


@contextmanager
def _written(
    catalog: Catalog, section: str, entity: str, form: str, at: int | None, folder: Path
) -> Iterator[tuple[bytes, Path, int]]:
    """One entity as text in a scratch file in `folder`."""
    scratch = folder / f".{os.urandom(8).hex()}.part"
    try:
        header, count = catalog.write_text(section, entity, at, form, scratch)
        point("export.after_text")
        yield header, scratch, count
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when the block ends well, and is gone otherwise."""
    part = path.with_name(f".{path.name[:100]}.{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
