"""The half of a session that looks after files: sizes, hashes, renaming, times, modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from feedengine.transport.ftps.files import Files
from feedengine.transport.ftps.transfers import reply_to
from feedengine.transport.reception import Landed

if TYPE_CHECKING:
    from feedengine.accounts import Account
    from feedengine.transport.ftps.hall import Hall


class Filing:
    """A mixin; what it uses of the session is named here."""

    hall: Hall
    account: Account | None
    fs: Files
    peer: str
    respond: Callable[..., None]
    refused: Callable[..., None]
    push: Callable[[str], None]
    who: Callable[[], dict[str, Any]]
    hold: Callable[[], None]
    release: Callable[[], None]
    authorizer: Any
    _closed: bool
    _rnfr: str | None
    _restart_position: int
    _current_facts: list[str]

    def ftp_SIZE(self, path: str) -> None:
        """Of a part too, while no file has the name: so clients know from where to resume."""
        assert self.account is not None
        size = self.hall.landing.size(self.account, path)
        self.respond("550 There is no such file." if size is None else f"213 {size}")

    def ftp_REST(self, line: str) -> None:
        if line.isascii() and line.isdigit() and len(line) < 19:
            self._restart_position = int(line)
            self.respond(f"350 The next transfer starts at {line}.")
        else:
            self.respond("501 This is no position.")

    def ftp_HASH(self, path: str) -> None:
        self._hash(path, lambda size, sha256: f"213 SHA-256 0-{size} {sha256} {path}")

    def ftp_XSHA256(self, path: str) -> None:
        self._hash(path, lambda size, sha256: f"250 {sha256}")

    def _hash(self, path: str, reply: Callable[[int, str], str]) -> None:
        assert self.account is not None
        account, hall, files = self.account, self.hall, self.fs

        def work() -> str:
            return reply(files.getsize(path), hall.landing.sha256(account, path))

        def done(text: str | None, error: Exception | None) -> None:
            if not self._closed:
                self.respond(text or reply_to(error))
                self.release()

        self.hold()
        hall.backstage.disk(work, done)

    def ftp_RNFR(self, path: str) -> None:
        if self.fs.lexists(path):
            self._rnfr = path
            self.respond("350 And the new name?")
        else:
            self.respond("550 There is no such file or folder.")

    def ftp_RNTO(self, path: str) -> None:
        assert self.account is not None
        source, self._rnfr = self._rnfr, None
        if source is None:
            self.respond("503 RNFR comes first.")
            return
        account, peer, hall = self.account, self.peer, self.hall

        def work() -> Landed | None:
            return hall.landing.rename(hall.still(account), source, path, protocol="ftps", peer=peer)

        def done(landed: Landed | None, error: Exception | None) -> None:
            if error is not None:
                self.refused("RNTO", reply_to(error), path)
            else:
                facts: dict[str, Any] = {} if landed is None else {"bytes": landed.bytes, "sha256": landed.sha256}
                hall.counts["renames"] += 1
                hall.log("ftps.rename", source=source, path=path, landed=landed is not None, **facts, **self.who())
                self.respond("250 Renamed.")
            self.release()

        self.hold()
        hall.backstage.disk(work, done)

    def ftp_DELE(self, path: str) -> None:
        try:
            self.fs.remove(path)
        except OSError as error:
            self.respond(reply_to(error))
        else:
            self.hall.log("ftps.delete", path=path, **self.who())
            self.respond("250 Deleted.")

    def ftp_MLST(self, path: str) -> None:
        try:
            [entry] = self.fs.listed(path) if self.fs.isfile(path) else [path]
            perms = self.authorizer.get_perms("")
            [line] = self.fs.format_mlsx("", [entry], perms, self._current_facts)
        except OSError as error:
            self.respond(reply_to(error))
        else:
            self.push(f"250-Listing\r\n {line.decode().partition(' ')[0]} {path}\r\n")
            self.respond("250 End")

    def ftp_SITE_CHMOD(self, path: str, mode: str) -> None:
        """Clients set modes after an upload; ours are fixed, and that is no reason to fail theirs."""
        if self.fs.lexists(path):
            self.respond("200 Modes are fixed here; nothing was changed.")
        else:
            self.respond("550 There is no such file or folder.")
