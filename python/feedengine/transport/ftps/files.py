"""What pyftpdlib sees of a home: virtual paths, our own listings, permissions that come from the account."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import IO, Any

from feedengine.accounts import Account
from feedengine.transport.ftps.upstream import AbstractedFS, FilesystemError
from feedengine.transport.landing import Home, clean, names

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_HALF_A_YEAR = 180 * 86400
_LETTERS = {"l": "el", "r": "r", "w": "awMT", "d": "d", "n": "f", "m": "m"}
FACTS = ("type", "perm", "size", "modify")


class Listed(str):
    """A name in a listing, with what it is."""

    about: os.stat_result

    @classmethod
    def of(cls, name: str, about: os.stat_result) -> Listed:
        made = cls(name)
        made.about = about
        return made


class Permissions:
    """The authorizer of one session, once it is logged in. pyftpdlib asks it by letters of its own."""

    def __init__(self, account: Account) -> None:
        self.letters = "".join(_LETTERS[letter] for letter in account.may if letter in _LETTERS)

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        return perm in self.letters

    def get_perms(self, username: str) -> str:
        return self.letters

    def get_msg_quit(self, username: str) -> str:
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        """Nothing: every session has its own home, and the service's user owns them all."""

    def terminate_impersonation(self, username: str) -> None:
        """Nothing, as above."""


class Files(AbstractedFS):  # type: ignore[misc]
    """A home as pyftpdlib's file system. What it calls a real path is a clean virtual path of ours."""

    def __init__(self, home: Home, cmd_channel: Any) -> None:
        super().__init__("/", cmd_channel)
        self.home = home

    def ftp2fs(self, ftppath: str) -> str:
        return clean(ftppath, self.cwd)

    def fs2ftp(self, fspath: str) -> str:
        return fspath

    def validpath(self, path: str) -> bool:
        return True

    def realpath(self, path: str) -> str:
        return path

    def open(self, filename: str, mode: str) -> IO[bytes]:
        return os.fdopen(self.home.open(filename), "rb", buffering=0)

    def chdir(self, path: str) -> None:
        if not self.isdir(path):
            raise NotADirectoryError(20, os.strerror(20), path)
        self.cwd = path

    def mkdir(self, path: str) -> None:
        if names.engines(path):
            raise FilesystemError("This folder belongs to the engine")
        self.home.make_folder(path)

    def rmdir(self, path: str) -> None:
        if names.fixed(path):
            raise FilesystemError("This folder belongs to the engine")
        self.home.remove_folder(path)

    def remove(self, path: str) -> None:
        self.home.remove(path)

    def utime(self, path: str, timeval: float) -> None:
        self.home.touch(path, timeval)

    def stat(self, path: str) -> os.stat_result:
        return self.home.stat(path)

    lstat = stat

    def isfile(self, path: str) -> bool:
        return self._is(path, stat.S_ISREG)

    def isdir(self, path: str) -> bool:
        return self._is(path, stat.S_ISDIR)

    def _is(self, path: str, kind: Any) -> bool:
        try:
            return bool(kind(self.home.stat(path).st_mode))
        except OSError:
            return False

    def getsize(self, path: str) -> int:
        return self.home.stat(path).st_size

    def getmtime(self, path: str) -> float:
        return self.home.stat(path).st_mtime

    def lexists(self, path: str) -> bool:
        try:
            self.home.stat(path)
        except OSError:
            return False
        return True

    def listed(self, path: str) -> Generator[Listed, None, None]:
        """Everything in a folder as it comes, or the one file of this path. Raises OSError before the first."""
        about = self.home.stat(path)
        if stat.S_ISDIR(about.st_mode):
            return self._within(path)
        return (each for each in (Listed.of(path.rpartition("/")[2], about),))

    def _within(self, path: str) -> Generator[Listed, None, None]:
        with closing(self.home.entries(path)) as entries:
            for name, about in entries:
                yield Listed.of(name, about)

    def format_list(self, basedir: str, listing: Iterable[Listed], ignore_err: bool = True) -> Iterator[bytes]:
        """Lines as `ls -l` has them, in UTC."""
        now = time.time()
        for each in listing:
            about = each.about
            when = time.gmtime(about.st_mtime)
            late = (
                f"{when.tm_year:5d}" if now - about.st_mtime > _HALF_A_YEAR else f"{when.tm_hour:02d}:{when.tm_min:02d}"
            )
            date = f"{_MONTHS[when.tm_mon - 1]} {when.tm_mday:2d} {late}"
            line = f"{stat.filemode(about.st_mode)} {1:3d} feed     feed     {about.st_size:8d} {date} {each}\r\n"
            yield line.encode("utf-8", "replace")

    def format_mlsx(
        self, basedir: str, listing: Iterable[Any], perms: str, facts: Iterable[str], ignore_err: bool = True
    ) -> Iterator[bytes]:
        """Lines as RFC 3659 has them."""
        of_folder = "".join(letter for letter in perms if letter in "elmf") + ("c" if "w" in perms else "")
        of_folder += "p" if "d" in perms else ""
        of_file = "".join(letter for letter in perms if letter in "radfw")
        for each in listing:
            about = each.about if isinstance(each, Listed) else self.home.stat(clean(each, basedir))
            folder = stat.S_ISDIR(about.st_mode)
            known = {
                "type": "dir" if folder else "file",
                "perm": of_folder if folder else of_file,
                "size": about.st_size,
                "modify": time.strftime("%Y%m%d%H%M%S", time.gmtime(about.st_mtime)),
            }
            line = "".join(f"{name}={known[name]};" for name in sorted(facts) if name in known)
            yield f"{line} {each}\r\n".encode("utf-8", "replace")
