"""Another FTP server as a `Remote`: explicit or implicit TLS, plain only where that was asked for."""

from __future__ import annotations

import ftplib
import posixpath
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

from feedengine.errors import FeedEngineError, NotFound, TransportError
from feedengine.transport import listing
from feedengine.transport.appending import Appending
from feedengine.transport.ftp_control import Control
from feedengine.transport.ftp_errors import FAILURES, cut, explained
from feedengine.transport.remote import Entry, Place, Progress, paced

# A server without MLSD is asked for the exact time of each file; not of thousands.
_MOST_TIMES = 200


class FtpsRemote:
    """A login on an FTP server. After a failure the connection is given up; the next verb logs in again."""

    def __init__(self, place: Place) -> None:
        """Log in. Raises `TransportError`."""
        self.place = place
        self._control: Control | None = None
        # Folders that are there, as far as is known.
        self._folders: set[str] = set()
        self._base = place.path
        with self._verb(f"connect to {place.host}"):
            self._open()

    def list(self, folder: str = "") -> list[Entry]:
        """Files in a folder, by name; links to files count."""
        with self._verb(f"list {folder or self.place.path or 'the folder'}", folder):
            control = self._open()
            try:
                control.cwd(self._at(folder) or ".")
            except ftplib.error_perm as error:
                raise NotFound(
                    f"Could not list {self._at(folder)}: {self.place.host} says: {error}.",
                ) from error
            found = self._listed(control)
            return listing.only_files(found)

    def get(self, path: str, to: Path, *, offset: int = 0, progress: Progress | None = None) -> int:
        """Load a file, from `offset` on appended to `to`; gives its whole size."""
        doing = f"load {path}"
        with self._verb(doing, path):
            control = self._open()
            size = self._size(control, self._at(path))
            tell = paced(progress)
            with Appending(to, offset if "REST" in control.features else 0) as sink:

                def take(block: memoryview) -> None:
                    sink.write(block)
                    tell(sink.done)

                clean = control.receive(f"RETR {self._at(path)}", sink.start, take)
                if not clean and size != sink.done:
                    raise cut(self.place, doing, f"the connection ended after {sink.done:,} bytes")
                sink.finish(size)
                if progress:
                    progress(sink.done)
                return sink.done

    def put(self, file: Path, path: str, *, offset: int = 0, progress: Progress | None = None) -> None:
        """Store a file; returns when the server has confirmed it and has all bytes."""
        doing = f"store {path}"
        with self._verb(doing, path), file.open("rb") as source:
            control = self._open()
            target = self._at(path)
            total = file.stat().st_size
            before = self._size(control, target)
            try:
                self._store(control, target, source, offset, progress)
            except (EOFError, OSError):
                # All was sent and no answer came: a firewall forgot the silent control connection. Look before
                # sending it all again.
                if source.tell() < total or not self._arrived(target, total, before):
                    raise
                control = self._open()
            there = self._size(control, target)
            if there is not None and there != total:
                raise cut(self.place, doing, f"{there:,} of {total:,} bytes are there")
            self._compare_crc(control, file, target, doing)
            if progress:
                progress(total)

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if it is not there."""
        with self._verb(f"look at {path}"):
            return self._size(self._open(), self._at(path), look=True)

    def sha256(self, path: str) -> str | None:
        """The hash that the server computes (HASH, XSHA256); None where it can't."""
        with self._verb(f"hash {path}", path):
            control = self._open()
            target = self._at(path)
            try:
                if "SHA-256" in control.features.get("HASH", "").upper():
                    control.sendcmd("OPTS HASH SHA-256")
                    answer = control.sendcmd(f"HASH {target}")
                elif "XSHA256" in control.features:
                    answer = control.sendcmd(f"XSHA256 {target}")
                else:
                    return None
            except ftplib.error_perm as error:
                if str(error).startswith("550"):
                    raise
                return None
            found = re.search(r"\b[0-9A-Fa-f]{64}\b", answer)
            return found[0].lower() if found else None

    def rename(self, path: str, to: str) -> None:
        """Rename a file or folder."""
        with self._verb(f"rename {path} to {to}", path):
            self._open().rename(self._at(path), self._at(to))

    def delete(self, path: str) -> None:
        """Delete a file."""
        with self._verb(f"delete {path}", path):
            self._open().delete(self._at(path))

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it; those that exist are no error."""
        with self._verb(f"make the folder {path}"):
            control = self._open()
            target = self._at(path)
            above = target.rpartition("/")[0]
            if above not in self._folders and _is_folder(control, target):
                self._folders.add(above)
                return
            parts = target.strip("/").split("/")
            # Of many folders beside each other, those above were seen to with the first one.
            if above in self._folders:
                self._folders.discard(above)
                if _made(control, target):
                    self._folders.add(above)
                    return
                # Somebody took the folder above away.
            for count in range(1, len(parts) + 1):
                each = ("/" if target.startswith("/") else "") + "/".join(parts[:count])
                try:
                    control.mkd(each)
                except ftplib.error_perm:
                    if not _is_folder(control, each):
                        raise
            self._folders.add(above)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        with self._verb(f"remove the folder {path}", path):
            self._open().rmd(self._at(path))

    def close(self) -> None:
        """Say goodbye; never raises."""
        if self._control is not None:
            self._control.leave()
            self._control = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> Control:
        """The connection; made where there is none."""
        if self._control is None:
            control = Control(self.place)
            try:
                control.open()
                # Without a leading / the folder is below the one that the login starts in.
                home = control.pwd() if not self.place.path.startswith("/") else "/"
            except BaseException:
                control.close()
                raise
            self._base = posixpath.join(home, self.place.path)
            self._control = control
        return self._control

    def _drop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None

    def _at(self, path: str) -> str:
        return posixpath.join(self._base, path) if path else self._base

    @contextmanager
    def _verb(self, doing: str, path: str | None = None) -> Iterator[None]:
        """Failures as ours. An answer of the server leaves the connection usable, anything else does not."""
        try:
            yield
        except FeedEngineError as error:
            if isinstance(error, TransportError):
                self._drop()
            raise
        except ftplib.error_perm as error:
            known = explained(error, self.place, doing)
            if path is not None and str(error).startswith("550") and not isinstance(known, NotFound):
                known = self._missing(path, known)
            if self._control is None or str(error).startswith("421"):
                self._drop()
            raise known from error
        except FAILURES as error:
            self._drop()
            raise explained(error, self.place, doing) from error
        except BaseException:
            self._drop()
            raise

    def _missing(self, path: str, known: FeedEngineError) -> FeedEngineError:
        """Servers say 550 for a file that is not there as for one that we may not touch: look which."""
        try:
            control = self._control
            if control is not None and path and self._size(control, self._at(path), look=True) is None:
                return NotFound(known.message)
        except (*FAILURES, FeedEngineError):
            self._drop()
        return known

    def _listed(self, control: Control) -> Iterator[Entry]:
        exact = "MLST" in control.features or "MLSD" in control.features
        pairs: Iterator[tuple[Entry, bool]] | None = None
        if exact:
            try:
                pairs = listing.mlsd(control.lines("MLSD"))
            except ftplib.error_perm as error:
                if not str(error).startswith(("500", "502", "504")):
                    raise
        if pairs is None:
            exact = False
            try:
                pairs = listing.list_(control.lines("LIST"), datetime.now(UTC))
            except ftplib.Error as error:
                if "no files" not in str(error).lower():
                    raise
                return
        entries = list(pairs)
        ask_times = not exact and "MDTM" in control.features and len(entries) <= _MOST_TIMES
        for entry, link in entries:
            if link:
                size = self._size(control, entry.name)
                if size is None:
                    continue  # leads to a folder, or nowhere
                entry = replace(entry, bytes=size)
            if ask_times:
                entry = replace(entry, modified=_modified(control, entry))
            yield entry

    def _size(self, control: Control, target: str, *, look: bool = False) -> int | None:
        """Bytes of a file. None if it is not there, or where the server can't say and `look` is not wanted."""
        try:
            return control.size(target)
        except ftplib.error_perm as error:
            if not look or str(error).startswith("550"):
                return None
        try:
            control.cwd(posixpath.dirname(target) or "/")
        except ftplib.error_perm:
            return None
        name = posixpath.basename(target)
        return next((entry.bytes for entry in self._listed(control) if entry.name == name), None)

    def _store(self, control: Control, target: str, source: BinaryIO, offset: int, progress: Progress | None) -> None:
        tell = paced(progress)
        source.seek(offset)
        try:
            control.send(f"STOR {target}", offset, source, tell)
        except ftplib.Error:
            if not offset or source.tell() != offset:
                raise
            # The server does not let uploads go on (ProFTPD as it comes): all of it, then.
            source.seek(0)
            control.send(f"STOR {target}", 0, source, tell)

    def _arrived(self, target: str, total: int, before: int | None) -> bool:
        """Whether an upload whose answer was lost is there: by its size, unless what was there had the same.

        Servers may tell the size of what they keep of a broken upload, too; what they list is a file.
        """
        self._drop()
        control = self._open()
        if before == total or self._size(control, target) != total:
            return False
        folder, name = posixpath.split(target)
        try:
            control.cwd(folder or "/")
            return any(entry.name == name for entry in self._listed(control))
        except ftplib.Error:
            return False

    def _compare_crc(self, control: Control, file: Path, target: str, doing: str) -> None:
        """XCRC where the server offers no better hash; a better one is for whoever sends to ask for."""
        if "XCRC" not in control.features or "HASH" in control.features or "XSHA256" in control.features:
            return
        try:
            answer = control.sendcmd(f"XCRC {target}")
        except ftplib.error_perm:
            return
        found = re.fullmatch(r"\d{3}[ -](?:.* )?(?:0x)?([0-9A-Fa-f]{1,8})\s*", answer.splitlines()[0])
        ours = 0
        with file.open("rb") as source:
            while block := source.read(1 << 20):
                ours = zlib.crc32(block, ours)
        if found and int(found[1], 16) != ours:
            raise cut(self.place, doing, "what is there has another checksum than what was sent")


def _modified(control: Control, entry: Entry) -> datetime | None:
    try:
        return listing.stamp(control.sendcmd(f"MDTM {entry.name}").removeprefix("213").strip()) or entry.modified
    except ftplib.error_perm:
        return entry.modified


def _made(control: Control, path: str) -> bool:
    """Make a folder in one that is there; whether it is there now."""
    try:
        control.mkd(path)
    except ftplib.error_perm:
        return _is_folder(control, path)
    return True


def _is_folder(control: Control, path: str) -> bool:
    try:
        control.cwd(path)
    except ftplib.error_perm:
        return False
    return True
