"""A home as SFTP clients see it: every request checked against the account, every upload a landing."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh

from feedengine.errors import FeedEngineError
from feedengine.transport.landing import BadPath, Home, clean, names
from feedengine.transport.reception import Refused
from feedengine.transport.sftp.receiving import Receiving

if TYPE_CHECKING:
    from feedengine.accounts import Account
    from feedengine.transport.sftp.hall import Hall

T = TypeVar("T")

_WRITES = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
# What OpenSSH answers at most; a client may ask for 4 MiB at a time.
_LONGEST_READ = 256 << 10


# Entries of a folder that are held at a time: as many as an answer has.
_AT_ONCE = 128

# More than any client opens; each is a descriptor of ours.
_MOST_HANDLES = 64


class Reading:
    """An open handle for reading."""

    def __init__(self, virtual: str, file: int) -> None:
        self.virtual = virtual
        self.file = file
        self.bytes = 0

    def close(self) -> None:
        """Let go of the file; again is no error."""
        file, self.file = self.file, -1
        if file >= 0:
            os.close(file)


class Files(asyncssh.SFTPServer):
    """One SFTP channel. Blocks are read and written on the loop (the page cache takes them); all else on threads."""

    def __init__(self, channel: Any, hall: Hall, account: Account, home: Home, peer: str, touch: Callable[[], None]):
        super().__init__(channel)
        self.hall = hall
        self.account = account
        self.home = home
        self.peer = peer
        #: Set by the handler while it carries out a CLOSE request: nothing else makes a file whole.
        self.closing = False
        self.handles: set[Receiving | Reading] = set()
        #: Files that are landing right now: whoever sent them waits for the answer.
        self.landing = 0
        #: Whether an upload was left open.
        self.cut = False
        #: Whether the channel ended.
        self.over = False
        self._touch = touch

    # Files

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Receiving | Reading:
        """Begin to read a file, or to receive one."""
        virtual = self._virtual(path)
        if len(self.handles) >= _MOST_HANDLES:
            raise asyncssh.SFTPFailure(f"not more than {_MOST_HANDLES} files may be open at a time")
        if not pflags & _WRITES:
            self._may("r")
            handle: Receiving | Reading = Reading(virtual, await self._disk(self.home.open, virtual))
        else:
            self._may("w")
            if self.hall.draining:
                raise asyncssh.SFTPFailure("the server is about to stop; try again in a minute")
            # Who truncates starts anew; the others go on with what is kept.
            fresh = pflags & (asyncssh.FXF_TRUNC | asyncssh.FXF_EXCL)
            upload = await self._disk(self._begin, virtual, 0 if fresh else None)
            handle = Receiving(upload, appending=bool(pflags & asyncssh.FXF_APPEND))
        self.handles.add(handle)
        return handle

    def _begin(self, virtual: str, offset: int | None) -> Any:
        return self.hall.landing.begin(self.account, virtual, protocol="sftp", peer=self.peer, offset=offset)

    def read(self, handle: object, offset: int, size: int) -> bytes:
        """A block; shorter ones are allowed."""
        self._touch()
        if not isinstance(handle, Reading):
            raise asyncssh.SFTPPermissionDenied("the file is open for writing only")
        block = os.pread(handle.file, min(size, _LONGEST_READ), offset)
        handle.bytes += len(block)
        return block

    async def write(self, handle: object, offset: int, data: bytes) -> int:
        """A block of an upload."""
        self._touch()
        if not isinstance(handle, Receiving):
            raise asyncssh.SFTPPermissionDenied("the file is open for reading only")
        if handle.begun:
            with _Answers(self, handle.upload.virtual):
                handle.write(offset, data)
        else:
            await self._disk(handle.write, offset, data)
        self.hall.counts["bytes_in"] += len(data)
        return len(data)

    async def close(self, handle: object) -> None:
        """A CLOSE request, or the end of the connection: asyncssh calls this for both, and for the end twice."""
        assert isinstance(handle, Receiving | Reading)
        if handle not in self.handles:
            return
        self.handles.discard(handle)
        if isinstance(handle, Reading):
            handle.close()
            self.hall.counts["downloads"] += 1
            self._log("sftp.download", path=handle.virtual, bytes=handle.bytes)
        elif self.closing:
            # Goes on when the connection dies meanwhile: the file is whole, and somebody should read that in the log.
            with self._answering():
                await asyncio.shield(self.hall.keep(self._landed(handle)))
        else:
            self.cut = True
            await self.hall.on_disk(handle.leave)
            self._incomplete(handle, "the connection ended")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        self.landing += 1
        try:
            yield
        finally:
            self.landing -= 1

    async def _landed(self, handle: Receiving) -> None:
        try:
            landed = await self._disk(handle.close)
        except asyncssh.SFTPError as error:
            self._incomplete(handle, error.reason)
            raise
        self.hall.counts["uploads"] += 1
        if handle.modified is not None:
            await self.hall.on_disk(self._set_time, landed.virtual, handle.modified)
        self._log("sftp.upload", path=landed.virtual, bytes=landed.bytes, sha256=landed.sha256)

    def _incomplete(self, handle: Receiving, why: str) -> None:
        self.hall.counts["incomplete"] += 1
        self._log("sftp.upload_incomplete", level="warning", path=handle.upload.virtual, bytes=handle.size, why=why)

    async def fsync(self, handle: object) -> None:
        """A file is synced when it is closed; what is incomplete needs not survive a power failure."""

    # Looking

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Of a file that is kept incomplete too, while no other has the name: so clients know where to go on."""
        self._may("l")
        virtual = self._virtual(path)
        try:
            return _attrs(await self._disk(self.home.stat, virtual))
        except FileNotFoundError:
            size = await self._disk(self.hall.landing.size, self.account, virtual)
            if size is None:
                raise
            return _attrs(None, size)

    lstat = stat

    async def fstat(self, handle: object) -> asyncssh.SFTPAttrs:
        """Of an open file."""
        if isinstance(handle, Reading):
            return _attrs(os.fstat(handle.file))
        assert isinstance(handle, Receiving)
        return _attrs(None, handle.size)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """What is in a folder, whole files and folders only; as many at a time as a client asks for at once."""
        self._may("l")
        virtual = self._virtual(path)
        entries = self.home.entries(virtual)
        try:
            # The path is for the answer where the folder can't be read.
            while found := await self._disk(lambda _: list(islice(entries, _AT_ONCE)), virtual):
                for name, about in found:
                    yield asyncssh.SFTPName(name.encode("utf-8", "surrogateescape"), attrs=_attrs(about))
        finally:
            # A client that goes while the disk is read leaves them to that thread.
            with suppress(ValueError):
                entries.close()

    def realpath(self, path: bytes) -> bytes:
        """The absolute path, whether or not it is there."""
        self._touch()
        return self._virtual(path).encode()

    # Changing

    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Times are set; modes and owners are fixed here, and that is no reason to fail those who set them."""
        self._may("w")
        virtual = self._virtual(path)
        about = await self._disk(self.home.stat, virtual)
        if attrs.size is not None and attrs.size != about.st_size:
            raise asyncssh.SFTPPermissionDenied("a file that is whole is not changed")
        if attrs.mtime is not None:
            await self._disk(self._set_time, virtual, attrs.mtime)

    lsetstat = setstat

    async def fsetstat(self, handle: object, attrs: asyncssh.SFTPAttrs) -> None:
        """As `setstat`, of an open file."""
        if not isinstance(handle, Receiving):
            raise asyncssh.SFTPPermissionDenied("the file is open for reading only")
        if attrs.size is not None:
            await self._disk(handle.cut, attrs.size)
        if attrs.mtime is not None:
            handle.modified = float(attrs.mtime)

    def _set_time(self, virtual: str, seconds: float) -> None:
        # The engine may have moved it already.
        try:
            if not names.engines(virtual):
                self.home.touch(virtual, seconds)
        except FileNotFoundError:
            return

    async def remove(self, path: bytes) -> None:
        """Delete a file."""
        self._may("d")
        virtual = self._virtual(path)
        await self._disk(self.home.remove, virtual)
        self._log("sftp.delete", path=virtual)

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Make a folder."""
        self._may("m")
        virtual = self._virtual(path)
        if names.engines(virtual):
            raise asyncssh.SFTPPermissionDenied("this folder belongs to the engine")
        await self._disk(self.home.make_folder, virtual)

    async def rmdir(self, path: bytes) -> None:
        """Delete an empty folder."""
        self._may("d")
        virtual = self._virtual(path)
        if names.fixed(virtual):
            raise asyncssh.SFTPPermissionDenied("this folder belongs to the engine")
        await self._disk(self.home.remove_folder, virtual)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Give a file another name, never that of another file; a finished name makes it a feed."""
        self._may("n")
        source, target = self._virtual(oldpath), self._virtual(newpath)

        def work() -> Any:
            return self.hall.landing.rename(self.account, source, target, protocol="sftp", peer=self.peer)

        with self._answering():
            landed = await self._disk(work)
        facts = {} if landed is None else {"bytes": landed.bytes, "sha256": landed.sha256}
        self._log("sftp.rename", source=source, path=target, landed=landed is not None, **facts)

    posix_rename = rename

    def readlink(self, path: bytes) -> bytes:
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("links are not supported")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("links are not supported")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """There are no links."""
        raise asyncssh.SFTPOpUnsupported("links are not supported")

    def statvfs(self, path: bytes) -> Any:
        """How large our disk is is nobody's business."""
        raise asyncssh.SFTPOpUnsupported("not supported")

    def fstatvfs(self, handle: object) -> Any:
        """As `statvfs`."""
        raise asyncssh.SFTPOpUnsupported("not supported")

    def format_user(self, uid: int | None) -> str:
        """As listings show it."""
        return "feed"

    def format_group(self, gid: int | None) -> str:
        """As listings show it."""
        return "feed"

    async def exit(self) -> None:
        """The channel ended; what is still open is not whole."""
        for handle in list(self.handles):
            self.closing = False
            await self.close(handle)
        self.over = True
        # scp fails without an exit status. Where the connection is gone there is nobody to tell.
        with suppress(OSError):
            self.channel.exit(int(self.cut))

    # Around them

    def _virtual(self, path: bytes) -> str:
        try:
            return clean(path.decode("utf-8"))
        except UnicodeDecodeError:
            raise asyncssh.SFTPFailure("a name must be valid UTF-8") from None
        except BadPath as error:
            raise asyncssh.SFTPFailure(str(error)) from None

    def _may(self, letter: str) -> None:
        """The account as it is now: one that was disabled or changed meanwhile is not served on."""
        self._touch()
        with _Answers(self, ""):
            account = self.hall.door.accounts.find(self.account.name)
        if account is None or account.home != self.account.home:
            raise asyncssh.SFTPConnectionLost("the account is no longer there")
        self.account = account
        if letter not in account.may:
            raise asyncssh.SFTPPermissionDenied("this account may not do that")

    async def _disk(self, work: Callable[..., T], *given: Any) -> T:
        with _Answers(self, str(given[0]) if given and isinstance(given[0], str) else ""):
            return await self.hall.on_disk(work, *given)

    def _log(self, event: str, level: str = "info", **facts: Any) -> None:
        self.hall.log(event, level=level, user=self.account.name, peer=self.peer, **facts)


class _Answers:
    """Turns what the landing raises into what the client is told; a bug of ours is logged and not told."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None or isinstance(error, asyncssh.SFTPError | OSError | asyncio.CancelledError):
            return
        if isinstance(error, Refused):
            self._files.hall.counts["refused"] += 1
            self._files._log("sftp.refused", level="warning", path=self._path, why=error.message)
            # Version 3 of the protocol has no better word for a full disk.
            raise asyncssh.SFTPFailure(error.message) from None
        if isinstance(error, Exception):
            what = error.message if isinstance(error, FeedEngineError) else f"{type(error).__name__}: {error}"
            self._files._log("sftp.fault", level="error", path=self._path, why=what)
            raise asyncssh.SFTPFailure("the server failed; try again later") from None


def _attrs(about: os.stat_result | None, size: int = 0) -> asyncssh.SFTPAttrs:
    """Size, kind and time; owners and groups of ours are left out. None is for a file that is not whole yet."""
    if about is None:
        return asyncssh.SFTPAttrs(size=size, uid=0, gid=0, permissions=stat.S_IFREG | 0o640)
    return asyncssh.SFTPAttrs(
        size=about.st_size,
        uid=0,
        gid=0,
        permissions=about.st_mode & ~0o7000,
        atime=int(about.st_atime),
        mtime=int(about.st_mtime),
        nlink=1,
    )
