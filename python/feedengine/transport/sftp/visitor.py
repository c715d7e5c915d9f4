"""One SSH connection: who it is, whether it may come in, and that it gets nothing but its files."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncssh

from feedengine.accounts import Account, Verdict
from feedengine.errors import FeedEngineError
from feedengine.transport.landing import Home
from feedengine.transport.sftp.files import Files
from feedengine.transport.sftp.hall import Hall
from feedengine.transport.sftp.session import Session

# As OpenSSH has it.
_MOST_CHANNELS = 10


class Visitor(asyncssh.SSHServer):
    """Passwords and keys are checked on threads; forwarding, shells and commands are refused by what is not here."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.peer = ""
        self.account: Account | None = None
        self.home: Home | None = None
        self.active = time.monotonic()
        self.files: list[Files] = []
        self._connection: asyncssh.SSHServerConnection | None = None
        self._wrong = 0
        self._began = time.monotonic()

    # The connection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Somebody connected: banned ones and those who are too many are left at once."""
        self._connection = conn
        self.peer = str(conn.get_extra_info("peername")[0])
        why = "banned" if self.hall.door.bans.left(self.peer) > 0 else self.hall.full(self.peer)
        if why:
            self.hall.counts["turned_away"] += 1
            self._log("sftp.turned_away", level="warning", why=why)
            conn.abort()
            return
        self.hall.visitors.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It ended, whoever ended it. Uploads that are open are not whole."""
        self.hall.visitors.discard(self)
        for files in self.files:
            for handle in list(files.handles):
                self.hall.keep(_closed(files, handle))
        if self.account is not None:
            self._log("sftp.disconnect", level="debug", seconds=round(time.monotonic() - self._began, 1))
        elif isinstance(exc, asyncssh.ProtocolError | asyncssh.ProtocolNotSupported | asyncssh.MACError):
            self.hall.door.bans.failed(self.peer, "protocol")
            self._log("sftp.protocol", level="warning", why=str(exc)[:200])

    def busy(self) -> bool:
        """Whether a transfer is under way, or an answer about it still to come."""
        return any(files.handles or files.landing for files in self.files)

    def leave(self, why: str) -> None:
        """End the connection politely."""
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    def abort(self) -> None:
        """End the connection at once."""
        if self._connection is not None:
            self._connection.abort()

    def touch(self) -> None:
        """It did something just now."""
        self.active = time.monotonic()

    # Who it is

    def begin_auth(self, username: str) -> bool:
        """Everybody must prove who they are."""
        return True

    def password_auth_supported(self) -> bool:
        """Passwords are taken."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys are taken."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Check a password. Wrong ones are answered late, and the third ends the connection."""
        verdict = await self._checked(self.hall.door.enter, username, password, self.peer)
        return await self._answer(username, verdict, "password")

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether a key may log in; that its owner has it is proven afterwards."""
        verdict = await self._checked(self.hall.door.enter_with_key, username, key.public_data, self.peer)
        if verdict.account is None:
            return False
        return await self._answer(username, verdict, "key")

    async def _checked(self, check: Any, *given: Any) -> Verdict:
        if self.hall.door.bans.left(self.peer) > 0:
            return Verdict(None, "banned")
        try:
            found: Verdict = await self.hall.checking(check, *given)
        except FeedEngineError as error:
            self._log("sftp.fault", level="error", why=error.message)
            return Verdict(None, "fault")
        return found

    async def _answer(self, username: str, verdict: Verdict, means: str) -> bool:
        why = verdict.why
        if verdict.account is not None and self.hall.crowded(verdict.account):
            why = "too many connections"
        if not why:
            return True
        self._wrong += 1
        self.hall.counts["login_failed"] += 1
        self._log("sftp.login_failed", level="warning", user=username[:200], means=means, why=why)
        await asyncio.sleep(self.hall.options.login_delay)
        if self._wrong >= self.hall.options.login_attempts or why == "banned":
            self.leave("too many failed logins")
        return False

    def auth_completed(self) -> None:
        """It proved who it is. Not on a thread: its first request may be here already."""
        assert self._connection is not None
        name = self._connection.get_extra_info("username")
        try:
            account = self.hall.door.accounts.find(name)
            home = None if account is None else self.hall.landing.home(account)
        except (FeedEngineError, OSError, ValueError) as error:
            self._log("sftp.fault", level="error", why=str(error))
            account = home = None
        if account is None or home is None or self.hall.crowded(account):
            # Taken away, or several logged in at the same moment.
            self.leave("try again later")
            return
        self.account, self.home = account, home
        self.touch()
        self.hall.door.bans.passed(self.peer)
        self.hall.counts["logins"] += 1
        cipher = self._connection.get_extra_info("recv_cipher")
        client = str(self._connection.get_extra_info("client_version"))[:100]
        self._log("sftp.login", cipher=cipher, client=client)

    # What it gets

    def session_requested(self) -> Any:
        """A channel; only the sftp subsystem may be started in it."""
        self.files = [each for each in self.files if not each.over]
        crowded = len(self.files) >= _MOST_CHANNELS
        if self.account is None or self.home is None or self.hall.draining or crowded:
            return False
        account, home = self.account, self.home

        def files(channel: Any) -> Files:
            made = Files(channel, self.hall, account, home, self.peer, self.touch)
            self.files.append(made)
            return made

        return Session(files)

    def _log(self, event: str, level: str = "info", **facts: Any) -> None:
        if self.account is not None:
            facts = {"user": self.account.name, **facts}
        self.hall.log(event, level=level, peer=self.peer, **facts)


async def _closed(files: Files, handle: Any) -> None:
    files.closing = False
    await files.close(handle)
