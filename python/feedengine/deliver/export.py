"""A snapshot as a file: csv, jsonl, parquet, or an archive of all entities that can be loaded again.

What a CSV feed cannot say is lost in CSV: an empty text or an empty list reads back as absent. JSON lines keep both.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from feedengine import profile
from feedengine.deliver.gzip import GzipWriter
from feedengine.errors import ProfileError, UsageError, from_os_error
from feedengine.faults import point

if TYPE_CHECKING:
    from feedengine.store import Catalog

#: Forms by the ending of a file's name. Archives hold one member an entity: items.csv, variations.csv, item_groups.csv.
FORMS = ("jsonl.tar.gz", "tar.gz", "tar", "csv.gz", "jsonl.gz", "csv", "jsonl", "parquet")

_COPY = 1 << 20


def form_of(name: str) -> str | None:
    """The form that a file name's ending asks for."""
    return next((form for form in FORMS if name.endswith("." + form)), None)


def export(
    catalog: Catalog, section: str, out: Path | str, *, form: str, at: int | None = None, entity: str | None = None
) -> dict[str, int]:
    """Write a snapshot (None = the current one) to the file `out`, or to stdout for "-"; gives records by entity.

    Records are ordered by id, and equal snapshots give equal files. The file appears when it is complete. Archives
    hold every entity that has records; the other forms hold `entity` (None = the profile's first). Raises
    `SnapshotNotFound`, `CatalogNotFound`, `DiskFull`, `UsageError` for an unknown form or a value that CSV cannot hold.
    """
    if form not in FORMS:
        raise UsageError(f"unknown form {form!r}; known: {', '.join(FORMS)}", state="Nothing was written.")
    entity = entity or catalog.entities.first
    with _target(catalog, out) as (target, folder, stack):
        if "tar" in form:
            return _archive(catalog, section, target, folder, form, at)
        return {entity: _one(catalog, section, entity, form, at, target, folder, stack)}


def export_ids(
    catalog: Catalog, section: str, out: Path | str, *, entity: str, form: str = "csv", at: int | None = None
) -> dict[str, int]:
    """Write which record has which ids: the one that the engine made, and the sender's; csv or csv.gz.

    The headings are those of the sender's files, so that the file can be sent back with more columns. Raises as
    `export`, and `UsageError` for an entity whose ids are the sender's alone.
    """
    if not catalog.entities.spec(entity).get("identity"):
        raise UsageError(
            f"{entity} are known by {catalog.entities.key(entity)}, which the sender gives: there are no other ids",
            state="Nothing was written.",
        )
    headings = _headings(catalog, entity)
    with _target(catalog, out) as (target, folder, stack):
        return {entity: _one(catalog, section, entity, form, at, target, folder, stack, ids=headings)}


def _headings(catalog: Catalog, entity: str) -> dict[str, str]:
    """What the sender calls the columns; none where the profile is gone, for their own names are read as well."""
    try:
        declared = profile.load(catalog.entities.source).entity(entity)
    except (ProfileError, KeyError):
        return {}
    return {field.name: field.heading for field in declared.fields}


@contextmanager
def _target(catalog: Catalog, out: Path | str) -> Iterator[tuple[BinaryIO, Path, ExitStack]]:
    """Where to write, a folder for scratch files on the same disk, and what closes before the file gets its name."""
    try:
        with ExitStack() as whole:
            if str(out) == "-":
                target: BinaryIO = sys.stdout.buffer
                folder = catalog.temp
            else:
                target = whole.enter_context(_whole(Path(out)))
                folder = Path(out).absolute().parent
            with ExitStack() as stack:
                yield target, folder, stack
    except BrokenPipeError:
        raise
    except OSError as error:
        raise from_os_error(error, f"write {out}") from error


def _one(
    catalog: Catalog, section: str, entity: str, form: str, at: int | None, target: BinaryIO, folder: Path,
    stack: ExitStack, *, ids: Mapping[str, str] | None = None,
) -> int:  # fmt: skip
    with _written(catalog, section, entity, form.removesuffix(".gz"), at, folder, ids=ids) as (header, body, count):
        if form.endswith(".gz"):
            target = stack.enter_context(GzipWriter(target))  # type: ignore[assignment]
        target.write(header)
        with body.open("rb") as file:
            shutil.copyfileobj(file, target, _COPY)
        return count


def _archive(
    catalog: Catalog, section: str, target: BinaryIO, folder: Path, form: str, at: int | None
) -> dict[str, int]:
    members = "jsonl" if form.startswith("jsonl") else "csv"
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        if form.endswith(".gz"):
            target = stack.enter_context(GzipWriter(target))  # type: ignore[assignment]
        tar = stack.enter_context(tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT))
        for entity in catalog.entities.names:
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
    catalog: Catalog,
    section: str,
    entity: str,
    form: str,
    at: int | None,
    folder: Path,
    *,
    ids: Mapping[str, str] | None = None,
) -> Iterator[tuple[bytes, Path, int]]:
    """One entity as text in a scratch file in `folder`."""
    scratch = folder / f".{os.urandom(8).hex()}.part"
    try:
        header, count = catalog.write_text(section, entity, at, form, scratch, ids=ids)
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
