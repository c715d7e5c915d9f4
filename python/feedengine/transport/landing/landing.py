"""The place where uploads begin and end: what may be sent where, resume, renaming into a feed's name, quota."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from feedengine import faults
from feedengine.accounts import Account
from feedengine.errors import FeedEngineError
from feedengine.transport.landing import home as homes
from feedengine.transport.landing import names
from feedengine.transport.landing.home import Home
from feedengine.transport.landing.upload import TAKEN, Upload, full_disk, lock, publish, same_file, utc
from feedengine.transport.reception import Landed, Reception, Refused

_BLOCK = 1 << 20
_REMEMBERED = 4096
_QUOTA_SECONDS = 30.0


class NothingToResume(Refused):
    """A resume was asked for at a place that no kept part reaches."""


@dataclass(frozen=True)
class Rules:
    """Limits of every upload: bytes that stay free on the disk, largest file (0 = any), hours that parts are kept."""

    least_free: int = 256 << 20
    most_bytes: int = 0
    part_hours: float = 24.0


class _Kept(NamedTuple):
    """A part that may be continued, with its locked descriptor."""

    bytes: int
    name: str
    file: int


class Landing:
    """One per server process; every method may be called from any thread, and blocks for the disk."""

    def __init__(self, desk: Reception, store: Path, rules: Rules) -> None:
        self.rules = rules
        self._desk = desk
        self._homes = store / "homes"
        self._lock = threading.Lock()
        # Homes that were used, each with the last of the folders that are made with it.
        self._known: dict[str, tuple[Home, str]] = {}
        # The state of the hash of parts that are kept, so that a resume needn't read them: name to (bytes, hash).
        self._states: OrderedDict[str, tuple[int, hashlib._Hash]] = OrderedDict()
        # Hashes of whole files: (device, inode, bytes, time of change) to hash.
        self._hashes: OrderedDict[tuple[int, int, int, int], str] = OrderedDict()
        self._used: dict[Path, tuple[float, int]] = {}
        # Accounts' paths for which a part may lie about; a folder is searched only for these.
        self._kept: set[str] = set()

    def home(self, account: Account) -> Home:
        """The account's home, made where it is missing. Raises OSError, ValueError."""
        known = self._known.get(account.home)
        if known is None or not os.path.isdir(known[1]):
            made = Home.of(self._homes, account.home)
            known = self._known[account.home] = made, str(made.root / names.FOLDERS[-1])
        return known[0]

    def begin(
        self, account: Account, virtual: str, *, protocol: str, peer: str | None = None, offset: int | None = 0
    ) -> Upload:
        """Open an upload to a clean path; from `offset` on it continues a kept part (None: whatever is kept).

        Raises `Refused` (with `NothingToResume`) and OSError for a folder that isn't there.
        """
        place = self.home(account)
        self._may_write(virtual)
        if not names.unfinished(virtual):
            self._desk.admit(account, virtual)
        most = self._room(account, place)
        owner = _owner(account, virtual)

        def land(upload: Upload, eof: str) -> Landed:
            return self._land(account, upload, protocol, peer, eof)

        with place.above(virtual) as (folder, name):
            self._clear_unfinished(place.real(virtual), folder, owner)
            if homes.present(folder, name) and not (names.unfinished(virtual) and not offset and offset is not None):
                raise Refused(f"{virtual} {TAKEN}")
            kept = None if offset == 0 else self._claim(folder, owner, offset)
            if kept is None:
                if offset:
                    raise NothingToResume(f"nothing is kept of {virtual} that reaches {offset}; SIZE says how much is")
                part, file = _new_part(folder, name, owner)
                return Upload(place, virtual, part, file, most=most, land=land, forget=self._forget)
            most += kept.bytes
            upload = Upload(place, virtual, kept.name, kept.file, most=most, land=land, forget=self._forget)
            start = kept.bytes if offset is None else offset
            try:
                upload.continue_at(start, self._state(kept.name, start))
            except BaseException:
                upload.abandon()
                raise
            return upload

    def size(self, account: Account, virtual: str) -> int | None:
        """Bytes of a file, or of the part that is kept for it; None where neither is."""
        place = self.home(account)
        try:
            about = place.stat(virtual)
            return about.st_size if stat.S_ISREG(about.st_mode) else None
        except OSError:
            pass
        try:
            with place.above(virtual) as (folder, _):
                kept = self._claim(folder, _owner(account, virtual), 0)
        except OSError:
            return None
        if kept is None:
            return None
        os.close(kept.file)
        return kept.bytes

    def sha256(self, account: Account, virtual: str) -> str:
        """The hash of a whole file, in hex; remembered from its upload or read now. Raises OSError."""
        return self._sha256(self.home(account).open(virtual))

    def rename(
        self, account: Account, source: str, target: str, *, protocol: str, peer: str | None = None
    ) -> Landed | None:
        """Rename without ever replacing; a file that gets a finished name lands thereby. Raises `Refused`, OSError."""
        place = self.home(account)
        self._may_write(target)
        if names.fixed(source):
            raise Refused(f"{source} belongs to the engine; it can't be renamed")
        about = place.stat(source)
        with place.above(source) as (from_folder, from_name), place.above(target) as (to_folder, to_name):
            if stat.S_ISDIR(about.st_mode):
                if homes.present(to_folder, to_name):
                    raise Refused(f"{target} exists already")
                if names.feeds(target) and not names.unfinished(target) and os.listdir(place.real(source)):
                    raise Refused("rename or send the files one by one: a folder that is renamed is not looked into")
                os.rename(from_name, to_name, src_dir_fd=from_folder, dst_dir_fd=to_folder)
                return None
            begun = same_file(from_folder, from_name, to_folder, to_name)
            if source == target or (homes.present(to_folder, to_name) and not begun):
                raise Refused(f"{target} {TAKEN}")
            lands = not names.unfinished(target)
            landed = None
            if lands:
                self._desk.admit(account, target)
                file = place.open(source)
                with full_disk():
                    os.fsync(file)
                whole = self._sha256(file)
                landed = Landed(
                    *(account, target, place.real(target), about.st_size, whole, protocol, "clean", peer, utc(), utc())
                )
            if not begun:
                try:
                    os.link(from_name, to_name, src_dir_fd=from_folder, dst_dir_fd=to_folder, follow_symlinks=False)
                except FileExistsError:
                    raise Refused(f"{target} {TAKEN}") from None
            homes.sync_folder(to_folder)
            if landed is not None:
                self._tell(landed, to_folder, to_name)
            os.unlink(from_name, dir_fd=from_folder)
        return landed

    def clear(self) -> int:
        """Remove parts that nobody resumed in time, and names that were given but never told; says how many."""
        gone = 0
        oldest = time.time() - self.rules.part_hours * 3600
        for path, _, files, folder in os.fwalk(self._homes, follow_symlinks=False):
            for name in filter(names.is_part, files):
                with suppress(OSError):
                    cleared = self._clear_part(Path(path), folder, name, oldest)
                    gone += cleared
                    if not cleared:
                        self._kept.add(name[-30:-14])
        return gone

    # --- inside

    def _may_write(self, virtual: str) -> None:
        if virtual == "/" or names.engines(virtual):
            raise Refused(f"{virtual} belongs to the engine; send files to / or /in")
        if names.is_part(virtual.rpartition("/")[2]):
            raise Refused("names of this form are the server's own")

    def _room(self, account: Account, place: Home) -> int:
        """Bytes that a new file may have. Raises `Refused` where there is no room at all."""
        free = os.statvfs(place.root)
        if free.f_bavail * free.f_frsize < self.rules.least_free:
            raise Refused("there is no room on the disk", later=True)
        most = self.rules.most_bytes or 1 << 62
        if account.quota:
            most = min(most, account.quota - self._usage(account, place))
            if most <= 0:
                raise Refused(f"the account's quota of {account.quota} bytes is used up", later=True)
        return most

    def _usage(self, account: Account, place: Home) -> int:
        with self._lock:
            when, used = self._used.get(place.root, (0.0, 0))
        if when and time.monotonic() - when < _QUOTA_SECONDS:
            return used
        used = place.used()
        with self._lock:
            self._used[place.root] = (time.monotonic(), used)
        return used

    def _clear_unfinished(self, path: Path, folder: int, owner: str) -> None:
        """Take away a name whose upload died between naming and telling: its sender was never told that it arrived.

        One that was told of keeps its name, and only its part goes: the sender sees that it is there.
        """
        if not homes.present(folder, path.name):
            return
        for part in _parts(folder, owner):
            if same_file(folder, part, folder, path.name):
                self._clear_part(path.parent, folder, part, 0.0)

    def _clear_part(self, path: Path, folder: int, name: str, oldest: float) -> int:
        """Remove a part that nobody writes: an old one, or one whose file got its name without anybody being told.

        `path` is the folder's. Says how many parts went.
        """
        file = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            about = os.fstat(file)
            if not lock(file):
                return 0
            if about.st_nlink > 1:
                for other in os.listdir(f"/proc/self/fd/{folder}"):
                    named = not names.is_part(other) and same_file(folder, name, folder, other)
                    if named and not self._desk.knows(path / other):
                        os.unlink(other, dir_fd=folder)
                homes.sync_folder(folder)
            elif about.st_mtime >= oldest:
                return 0
            os.unlink(name, dir_fd=folder)
            return 1
        finally:
            os.close(file)

    def _state(self, part: str, start: int) -> hashlib._Hash | None:
        with self._lock:
            known = self._states.pop(part, None)
        return known[1] if known and known[0] == start else None

    def _claim(self, folder: int, owner: str, offset: int | None) -> _Kept | None:
        """The largest part that nobody writes and that reaches `offset`, locked. Raises `Refused` where all are busy.

        One at a time: looking at a part locks it for a moment.
        """
        with self._lock:
            found, busy = [], False
            for name in _parts(folder, owner):
                try:
                    file = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                except OSError:
                    continue
                if lock(file):
                    found.append(_Kept(os.fstat(file).st_size, name, file))
                else:
                    busy = True
                    os.close(file)
            found.sort()
            best = found.pop() if found and found[-1].bytes >= (offset or 0) else None
            for other in found:
                os.close(other.file)
        if best is None and busy and offset:
            raise Refused("the file is still being received over another connection", later=True)
        return best

    def _forget(self, upload: Upload, keep: bool) -> None:
        state = upload.state() if keep else None
        with self._lock:
            if keep:
                self._kept.add(upload.part[-30:-14])
            if state is not None:
                self._states[upload.part] = (upload.bytes, state)
                while len(self._states) > _REMEMBERED:
                    self._states.popitem(last=False)
            used = self._used.get(upload.home.root)
            if used:
                self._used[upload.home.root] = (used[0], used[1] + upload.bytes - upload.resumed_at)

    def _land(self, account: Account, upload: Upload, protocol: str, peer: str | None, eof: str) -> Landed:
        virtual, finished = upload.virtual, not names.unfinished(upload.virtual)
        landed = Landed(
            account=account,
            virtual=virtual,
            path=upload.home.real(virtual),
            bytes=upload.bytes,
            sha256=upload.sha256,
            protocol=protocol,
            eof=eof,
            peer=peer,
            started=upload.started,
            ended=utc(),
        )
        with upload.home.above(virtual) as (folder, name):
            publish(folder, upload.part, name, replace=not finished)
            faults.point("serve.landing.named")
            about = os.stat(name, dir_fd=folder, follow_symlinks=False)
            self._remember(about, upload.sha256)
            if finished:
                self._tell(landed, folder, name)
                faults.point("serve.landing.told")
                # Until now the part's name said that the sender was not told: see `_clear_unfinished`.
                os.unlink(upload.part, dir_fd=folder)
            self._forget_parts(landed.path.parent, folder, _owner(account, virtual))
        return landed

    def _forget_parts(self, path: Path, folder: int, owner: str) -> None:
        """Once a file has arrived, what was kept of earlier attempts is of no use."""
        if owner not in self._kept:
            return
        self._kept.discard(owner)
        for old in _parts(folder, owner):
            with suppress(OSError):
                self._clear_part(path, folder, old, time.time() + 1)

    def _tell(self, landed: Landed, folder: int, name: str) -> None:
        """Hand a file to the engine; what it doesn't take gets no name."""
        try:
            self._desk.landed(landed)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
                homes.sync_folder(folder)
            if isinstance(error, FeedEngineError | OSError):
                raise Refused("the file could not be queued; nothing was kept, send it again", later=True) from error
            raise

    def _sha256(self, file: int) -> str:
        """The hash of an open file, which is closed."""
        try:
            about = os.fstat(file)
            with self._lock:
                known = self._hashes.get(_identity(about))
            if known is not None:
                return known
            made = hashlib.sha256()
            while block := os.read(file, _BLOCK):
                made.update(block)
        finally:
            os.close(file)
        self._remember(about, made.hexdigest())
        return made.hexdigest()

    def _remember(self, about: os.stat_result, sha256: str) -> None:
        with self._lock:
            self._hashes[_identity(about)] = sha256
            while len(self._hashes) > _REMEMBERED:
                self._hashes.popitem(last=False)


def _identity(about: os.stat_result) -> tuple[int, int, int, int]:
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


def _owner(account: Account, virtual: str) -> str:
    return hashlib.sha256(f"{account.name}\0{virtual}".encode()).hexdigest()[:16]


def _new_part(folder: int, name: str, owner: str) -> tuple[str, int]:
    """An empty part that is ours: its name, its locked descriptor."""
    while True:
        part = names.part_of(name, owner, os.urandom(4).hex())
        file = homes.new_file(folder, part)
        if lock(file):
            return part, file
        # Whoever looks for old parts, or for one to continue, was quicker, and may keep it.
        os.close(file)


def _parts(folder: int, owner: str) -> list[str]:
    return [name for name in os.listdir(f"/proc/self/fd/{folder}") if names.is_part(name, owner)]
