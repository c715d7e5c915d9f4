"""A partner's home: every file operation by a virtual path, walked folder by folder without following any link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from feedengine.transport.landing import names

_WALK = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_FILE_MODE = 0o640
_FOLDER_MODE = 0o750


class Home:
    """Files of one account. Keeps no state and no descriptor, so any thread may use it at any time.

    Paths are clean virtual paths (`names.clean`). Everything raises OSError as the system would; a link anywhere in a
    path, planted by whomever, is as good as absent.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def of(cls, homes: Path, name: str) -> Home:
        """The home of this name below `homes`, made with its folders when missing. Raises ValueError for a bad name."""
        parts = Path(name).parts
        if not parts or Path(name).is_absolute() or any(part in ("..", ".") or part.startswith(".") for part in parts):
            raise ValueError(f"{name!r} can't be a home's name")
        root = homes.joinpath(*parts)
        if (root / names.FOLDERS[-1]).is_dir():
            return cls(root)
        for folder in (root, *(root / each for each in names.FOLDERS)):
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        return cls(root)

    def real(self, virtual: str) -> Path:
        """The path of ours for a virtual one."""
        return self.root / virtual.lstrip("/")

    @contextmanager
    def within(self, folders: list[str]) -> Iterator[int]:
        """A folder's descriptor, to name files in it by `dir_fd`."""
        here = os.open(self.root, _WALK)
        try:
            for name in folders:
                below = os.open(name, _WALK | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    @contextmanager
    def above(self, virtual: str) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that holds a path, and the path's last name (`.` for the home itself)."""
        folders, name = names.split(virtual)
        with self.within(folders) as folder:
            yield folder, name or "."

    def stat(self, virtual: str) -> os.stat_result:
        """What is there: a regular file or a folder; anything else is not there."""
        with self.above(virtual) as (folder, name):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)) or names.hidden(virtual):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), virtual)
        return found

    def exists(self, virtual: str) -> bool:
        """Whether anything has this name, a link too."""
        with self.above(virtual) as (folder, name):
            return present(folder, name)

    def entries(self, virtual: str) -> Generator[tuple[str, os.stat_result], None, None]:
        """Names with what they are, as the folder has them; links, odd files and part files are left out.

        One after the other: a folder may have more than memory should hold.
        """
        with self.within([part for part in virtual.split("/") if part]) as walked:
            folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=walked)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if names.hidden(f"{virtual.rstrip('/')}/{entry.name}"):
                        continue
                    try:
                        about = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode):
                        yield entry.name, about
        finally:
            os.close(folder)

    def open(self, virtual: str) -> int:
        """A descriptor to read a regular file."""
        self.stat(virtual)
        with self.above(virtual) as (folder, name):
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), virtual)
        return opened

    def remove(self, virtual: str) -> None:
        """Delete a file."""
        self.stat(virtual)
        with self.above(virtual) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def make_folder(self, virtual: str) -> None:
        """Make a folder in one that exists."""
        with self.above(virtual) as (folder, name):
            os.mkdir(name, _FOLDER_MODE, dir_fd=folder)

    def remove_folder(self, virtual: str) -> None:
        """Delete an empty folder."""
        with self.above(virtual) as (folder, name):
            os.rmdir(name, dir_fd=folder)

    def touch(self, virtual: str, seconds: float) -> None:
        """Set a file's time of change."""
        self.stat(virtual)
        with self.above(virtual) as (folder, name):
            os.utime(name, (seconds, seconds), dir_fd=folder, follow_symlinks=False)

    def used(self) -> int:
        """Bytes of all files in the home."""
        total = 0
        for folder, _, files, descriptor in os.fwalk(self.root, follow_symlinks=False):
            for name in files:
                try:
                    about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except OSError:
                    continue
                total += about.st_size if stat.S_ISREG(about.st_mode) else 0
            del folder
        return total


def present(folder: int, name: str) -> bool:
    """Whether a name exists in the folder of this descriptor, whatever it is."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def new_file(folder: int, name: str) -> int:
    """A descriptor to write and read a file that did not exist."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, _FILE_MODE, dir_fd=folder)


def sync_folder(folder: int) -> None:
    """What happened to the names in a folder is on the disk when this returns."""
    opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
