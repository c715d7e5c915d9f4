"""A folder of this machine as a `Remote`: for shares that are mounted, and where files only change folders."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from feedengine.errors import FeedEngineError, NotFound, TransportError, from_os_error
from feedengine.transport.appending import Appending
from feedengine.transport.remote import Entry, Place, Progress
from feedengine.transport.syncing import sync

_BLOCK = 1 << 20


class Local:
    """Files of this machine. A file that is put is written beside its place, synced and renamed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._root = Path(place.path)
        # What is to be synced at the end of `together`; None outside of it.
        self._later: set[Path] | None = None

    @contextmanager
    def together(self) -> Iterator[Callable[[], None]]:
        """Within, files and names are on the disk only when the function that it gives has returned."""
        self._later = set()
        try:
            yield self._settle
        finally:
            self._later = None

    def _settle(self) -> None:
        with _mapped("bring files onto the disk"):
            sync(self._later or ())
        self._later = set()

    def _sync(self, *paths: Path) -> None:
        if self._later is None:
            sync(paths)
        else:
            self._later.update(paths)

    def list(self, folder: str = "") -> list[Entry]:
        """Files in a folder, by name; links count as what they lead to."""
        entries = []
        with _mapped(f"list {folder or self._root}"), os.scandir(self._at(folder)) as found:
            for each in found:
                try:
                    facts = each.stat()
                except FileNotFoundError:
                    continue  # taken away meanwhile, or a link that leads nowhere
                if stat.S_ISREG(facts.st_mode):
                    modified = datetime.fromtimestamp(facts.st_mtime, UTC)
                    entries.append(Entry(each.name, facts.st_size, modified))
        return sorted(entries, key=lambda entry: entry.name)

    def get(self, path: str, to: Path, *, offset: int = 0, progress: Progress | None = None) -> int:
        """Copy a file, from `offset` on appended to `to`; gives its whole size."""
        with _mapped(f"read {path}"), self._at(path).open("rb") as source, Appending(to, offset) as sink:
            source.seek(sink.start)
            while block := source.read(_BLOCK):
                sink.write(block)
                if progress:
                    progress(sink.done)
            sink.finish(os.fstat(source.fileno()).st_size)
            return sink.done

    def put(self, file: Path, path: str, *, offset: int = 0, progress: Progress | None = None) -> None:
        """Store a file; with an `offset` what is there already is written on, not replaced."""
        target = self._at(path)
        beside = target if offset or self._later is not None else target.with_name(f".{target.name}.{os.getpid()}.part")
        with _mapped(f"write {path}"), file.open("rb") as source:
            source.seek(offset)
            try:
                with beside.open("r+b" if offset else "wb") as sink:
                    sink.seek(offset)
                    while block := source.read(_BLOCK):
                        sink.write(block)
                        if progress:
                            progress(sink.tell())
                    sink.truncate()
                self._sync(beside)
                if beside is not target:
                    beside.rename(target)
                self._sync(target.parent)
            except BaseException:
                if beside is not target:
                    beside.unlink(missing_ok=True)
                raise

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if it is not there."""
        with _mapped(f"look at {path}"):
            try:
                facts = self._at(path).stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            return facts.st_size if stat.S_ISREG(facts.st_mode) else None

    def sha256(self, path: str) -> str | None:
        """The file's hash in hex."""
        with _mapped(f"read {path}"), self._at(path).open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()

    def rename(self, path: str, to: str) -> None:
        """Rename a file or folder; a file that exists is replaced."""
        target = self._at(to)
        with _mapped(f"rename {path} to {to}"):
            self._at(path).rename(target)
            if self._later is not None:
                self._later = {each for each in self._later if each.exists()}
            self._sync(target.parent)

    def delete(self, path: str) -> None:
        """Delete a file."""
        target = self._at(path)
        with _mapped(f"delete {path}"):
            target.unlink()
            self._sync(target.parent)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        with _mapped(f"make the folder {path}"):
            self._at(path).mkdir(parents=True, exist_ok=True)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        with _mapped(f"remove the folder {path}"):
            self._at(path).rmdir()

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _at(self, path: str) -> Path:
        if "\0" in path:
            raise TransportError("A path holds a NUL character.", code="TRANSPORT_REFUSED")
        return self._root / path


@contextmanager
def _mapped(doing: str) -> Iterator[None]:
    try:
        yield
    except FeedEngineError:
        raise
    except FileNotFoundError as error:
        raise NotFound(f"Could not {doing}: {error.filename} is not there.") from error
    except OSError as error:
        known = from_os_error(error, doing)
        # A share that is gone for a while (EIO, ESTALE) is worth another try; a missing right is not.
        refused = isinstance(error, PermissionError | IsADirectoryError | NotADirectoryError | FileExistsError)
        if known.code == "DISK_FULL":
            raise known from error
        raise TransportError(known.message, code="TRANSPORT_REFUSED" if refused else None) from error
