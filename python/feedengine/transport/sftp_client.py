"""Another SSH server's files as a `Remote`, over SFTP."""

from __future__ import annotations

import asyncio
import posixpath
import stat
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import asyncssh

from feedengine.errors import FeedEngineError, Hint, NotFound, TransportError
from feedengine.transport.appending import Appending
from feedengine.transport.remote import Entry, Place, Progress, paced
from feedengine.transport.ssh_errors import FAILURES, cut, explained, made
from feedengine.transport.ssh_hosts import KnownHost, untrusted

T = TypeVar("T")
#: Inside the class the method `list` hides the type of that name.
Entries = list[Entry]

#: Ciphers by preference: with AES in hardware GCM costs half of what the library would choose.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
)
# Read and written at a time. The library divides it into requests of the size that the server allows.
_BLOCK = 1 << 20
# What comes of asking for a kind of host key that the server doesn't have, or has another one of.
_NO_SUCH_KEY = (
    *(asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost),
    *(ConnectionResetError, BrokenPipeError),
)
# Slower than this is as good as dead.
_LEAST_BYTES_PER_SECOND = 16 << 10


class SftpRemote:
    """A login on an SSH server. After a failure the connection is given up; the next verb logs in again.

    An event loop of its own runs while a verb does; use one object from one thread at a time.
    """

    def __init__(self, place: Place) -> None:
        """Log in. Raises `TransportError`, `ConfigError`."""
        self.place = place
        self._known = KnownHost.of(place)
        self._loop = asyncio.new_event_loop()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        try:
            with self._verb(f"connect to {place.host}"):
                self._run(self._open())
        except BaseException:
            self.close()
            raise

    def list(self, folder: str = "") -> Entries:
        """Files in a folder, by name; links to files count."""
        with self._verb(f"list {folder or self.place.path or 'the folder'}"):
            return self._run(self._list(self._at(folder)))

    def get(self, path: str, to: Path, *, offset: int = 0, progress: Progress | None = None) -> int:
        """Load a file, from `offset` on appended to `to`; gives its whole size."""
        with self._verb(f"load {path}"):
            size = self._run(self._get(self._at(path), to, offset, paced(progress), f"load {path}"))
            if progress:
                progress(size)
            return size

    def put(self, file: Path, path: str, *, offset: int = 0, progress: Progress | None = None) -> None:
        """Store a file; returns when the server has closed it and has all bytes."""
        with self._verb(f"store {path}"):
            size = self._run(self._put(file, self._at(path), offset, paced(progress), f"store {path}"))
            if progress:
                progress(size)

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if it is not there."""
        with self._verb(f"look at {path}"):
            return self._run(self._size(self._at(path)))

    def sha256(self, path: str) -> str | None:
        """SFTP servers compute no hashes: None."""
        return None

    def rename(self, path: str, to: str) -> None:
        """Rename a file, atomically in place of another one where the server knows how to."""
        with self._verb(f"rename {path} to {to}"):
            self._run(self._rename(self._at(path), self._at(to)))

    def delete(self, path: str) -> None:
        """Delete a file."""
        with self._verb(f"delete {path}"):
            self._run(self._call(lambda client: client.remove(self._at(path))))

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it; those that exist are no error."""
        with self._verb(f"make the folder {path}"):
            self._run(self._make_folder(self._at(path)))

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        with self._verb(f"remove the folder {path}"):
            self._run(self._call(lambda client: client.rmdir(self._at(path))))

    def close(self) -> None:
        """Say goodbye; never raises."""
        if self._loop.is_closed():
            return
        connection, self._connection, self._client = self._connection, None, None
        with suppress(OSError, asyncssh.Error, TimeoutError):
            if connection is not None:
                connection.close()
                self._loop.run_until_complete(asyncio.wait_for(connection.wait_closed(), 2.0))
        self._settle()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # One verb each

    async def _open(self) -> asyncssh.SFTPClient:
        """The connection; made where there is none."""
        if self._client is not None:
            return self._client
        attempts = self._known.attempts() if self._known is not None else [()]
        failures: list[Exception] = []
        for kinds in attempts:
            try:
                return await self._log_in(kinds)
            except _NO_SUCH_KEY as error:
                failures.append(error)
        # A server that has no key of some kind hangs up; what it showed of another kind says more.
        raise next((each for each in failures if isinstance(each, asyncssh.HostKeyNotVerifiable)), failures[-1])

    async def _log_in(self, kinds: tuple[str, ...]) -> asyncssh.SFTPClient:
        place, known = self.place, self._known
        keys = [place.key_file] if place.key_file else None
        secret = place.password.reveal() or None
        connection, _ = await asyncio.wait_for(
            asyncssh.create_connection(
                lambda: known or asyncssh.SSHClient(),
                place.host,
                place.port,
                username=place.user,
                # The password of an account, or the passphrase of the key file; asked for neither.
                password=secret,
                passphrase=secret if keys else None,
                client_keys=keys,
                # With a key file alone the server must not be offered a password.
                preferred_auth="publickey,keyboard-interactive,password" if secret else "publickey",
                known_hosts=None if known is None else (known.keys, [], []),
                server_host_key_algs=kinds,
                encryption_algs=CIPHERS,
                # Nothing of the person's own SSH set-up may change what a service does.
                config=None,
                agent_path=None,
                gss_host=None,
                connect_timeout=place.timeout,
                login_timeout=place.timeout,
                keepalive_interval=15,
            ),
            place.timeout * 2,
        )
        self._connection = connection
        self._client = client = await self._in_time(connection.start_sftp_client())
        return client

    async def _list(self, folder: str) -> Entries:
        client = await self._open()
        found = []
        for each in await self._in_time(client.readdir(folder or ".")):
            name = str(each.filename)
            attrs = each.attrs
            if _kind(attrs) == stat.S_IFLNK:
                try:
                    attrs = await self._in_time(client.stat(posixpath.join(folder, name)))
                except asyncssh.SFTPError:
                    continue  # leads nowhere
            if _kind(attrs) == stat.S_IFREG:
                modified = None if attrs.mtime is None else datetime.fromtimestamp(attrs.mtime, UTC)
                found.append(Entry(name, attrs.size, modified))
        return sorted(found, key=lambda entry: entry.name)

    async def _get(self, path: str, to: Path, offset: int, tell: Callable[[int], None], doing: str) -> int:
        client = await self._open()
        source: Any = await self._in_time(client.open(path, "rb"))
        try:
            before = (await self._in_time(source.stat())).size
            with Appending(to, offset) as sink:
                while block := await self._in_time(source.read(_BLOCK, sink.done), _BLOCK):
                    sink.write(block)
                    tell(sink.done)
                after = (await self._in_time(source.stat())).size
                if after != before:
                    raise made(f"it had {before:,} bytes at first and {after:,} later", doing, "TRANSPORT_CHANGED")
                sink.finish(after)
        finally:
            with suppress(*FAILURES):
                await self._in_time(source.close())
        return sink.done

    async def _put(self, file: Path, path: str, offset: int, tell: Callable[[int], None], doing: str) -> int:
        client = await self._open()
        total = file.stat().st_size
        flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | (0 if offset else asyncssh.FXF_TRUNC)
        with file.open("rb") as source:
            if offset and (await self._size(path) or 0) < offset:
                raise cut(self.place, doing, f"less than the {offset:,} bytes are there that are to be continued")
            source.seek(offset)
            sink = await self._in_time(client.open(path, flags, encoding=None))
            # A file that is left open is incomplete to servers that can tell; so it is closed only when it is whole.
            while block := source.read(_BLOCK):
                await self._in_time(sink.write(block, offset), len(block))
                offset += len(block)
                tell(offset)
            if offset != total or source.read(1):
                raise TransportError(f"Could not {doing}: {file} changed while it was sent.", code="TRANSPORT_CHANGED")
            with suppress(asyncssh.SFTPOpUnsupported):
                await self._in_time(sink.fsync())
            await self._in_time(sink.close())
        # The library's close says nothing where the connection is gone already: that this is answered shows that the
        # close was.
        there = await self._size(path)
        if there is not None and there > total:
            await self._in_time(client.truncate(path, total))
            there = await self._size(path)
        if there is not None and there != total:
            raise cut(self.place, doing, f"{there:,} of {total:,} bytes are there")
        return total

    async def _size(self, path: str) -> int | None:
        client = await self._open()
        try:
            attrs = await self._in_time(client.stat(path))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory):
            return None
        return attrs.size if _kind(attrs) == stat.S_IFREG else None

    async def _rename(self, path: str, to: str) -> None:
        client = await self._open()
        try:
            await self._in_time(client.posix_rename(path, to))
        except asyncssh.SFTPOpUnsupported:
            await self._in_time(client.rename(path, to))

    async def _make_folder(self, path: str) -> None:
        client = await self._open()
        parts = [part for part in path.split("/") if part]
        for count in range(1, len(parts) + 1):
            each = ("/" if path.startswith("/") else "") + "/".join(parts[:count])
            if not await self._in_time(client.isdir(each)):
                await self._in_time(client.mkdir(each))

    async def _call(self, verb: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        return await self._in_time(verb(await self._open()))

    async def _in_time(self, waited_for: Awaitable[T], size: int = 0) -> T:
        """A server that stops to answer does not hold us for ever; `size` bytes may take their time."""
        return await asyncio.wait_for(_coroutine(waited_for), self.place.timeout + size / _LEAST_BYTES_PER_SECOND)

    # Around them

    def _at(self, path: str) -> str:
        if "\0" in path:
            raise made("a path holds a NUL character", f"use {path!r}", "TRANSPORT_REFUSED")
        return posixpath.join(self.place.path, path) if path else self.place.path

    def _run(self, verb: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(verb)

    def _drop(self) -> None:
        """Give the connection up at once."""
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            connection.abort()
        self._settle()

    def _settle(self) -> None:
        """Let what still runs on the loop come to its end."""
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()

        async def ended() -> None:
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)

        self._loop.run_until_complete(ended())

    @contextmanager
    def _verb(self, doing: str) -> Iterator[None]:
        """Failures as ours. An answer of the server leaves the connection usable, anything else does not."""
        try:
            yield
        except NotFound:
            raise
        except FeedEngineError:
            self._drop()
            raise
        except asyncssh.HostKeyNotVerifiable as error:
            self._drop()
            if self._known is None:
                raise explained(error, self.place, doing) from error
            raise untrusted(self.place, self._known) from error
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            self._drop()
            raise made(
                f"the key file {self.place.key_file} can't be used ({error})", doing, "TRANSPORT_LOGIN",
                Hint("It must be a private key; its passphrase, if any, is given as the password"),
                *([Hint("Install what opens it", ("pip", "install", "bcrypt"))] if "bcrypt" in str(error) else []),
            ) from error  # fmt: skip
        except FAILURES as error:
            known = explained(error, self.place, doing)
            if not isinstance(error, asyncssh.SFTPError) or known.code == "TRANSPORT_CUT":
                self._drop()
            raise known from error
        except BaseException:
            self._drop()
            raise


async def _coroutine(waited_for: Awaitable[T]) -> T:
    return await waited_for


def _kind(attrs: asyncssh.SFTPAttrs) -> int:
    """The file's type as stat has it. Servers that tell no mode tell the type, or it is a plain file."""
    if attrs.permissions is not None and stat.S_IFMT(attrs.permissions):
        return stat.S_IFMT(attrs.permissions)
    kinds = {asyncssh.FILEXFER_TYPE_DIRECTORY: stat.S_IFDIR, asyncssh.FILEXFER_TYPE_SYMLINK: stat.S_IFLNK}
    return kinds.get(attrs.type, stat.S_IFREG)
