"""What all connections of the SFTP server share: options, accounts, landing, threads, limits, counters, the log."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from feedengine.accounts import Account, Door
from feedengine.transport.landing import Landing
from feedengine.transport.sftp.options import Options

if TYPE_CHECKING:
    from feedengine.transport.sftp.visitor import Visitor

T = TypeVar("T")

# Enough to keep a disk busy with syncs.
_DISK_THREADS = 8


class Hall:
    """One per server. Everything but the threads' work happens on the event loop."""

    def __init__(self, options: Options, door: Door, landing: Landing, log: Callable[..., None]) -> None:
        self.options = options
        self.door = door
        self.landing = landing
        self.log = log
        self.draining = False
        self.visitors: set[Visitor] = set()
        self.counts: Counter[str] = Counter()
        self._kept: set[asyncio.Task[None]] = set()
        self._checking = ThreadPoolExecutor(options.checkers, "check")
        self._disk = ThreadPoolExecutor(_DISK_THREADS, "disk")

    def keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that goes on whoever waits for it; the loop itself keeps no task alive."""
        task = asyncio.get_running_loop().create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._kept.discard(task)
        if not task.cancelled():
            # Read, so that asyncio doesn't complain where nobody waited any more.
            task.exception()

    async def on_disk(self, work: Callable[..., T], *given: Any) -> T:
        """Do what waits for the disk on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *given)

    async def checking(self, work: Callable[..., T], *given: Any) -> T:
        """Check a password on a thread; more than a few at a time wait, so that transfers go on."""
        return await asyncio.get_running_loop().run_in_executor(self._checking, work, *given)

    def full(self, peer: str) -> str:
        """Why nobody else from this address is let in; empty where somebody is."""
        options = self.options
        if self.draining:
            return "the server is about to stop"
        if options.max_sessions and len(self.visitors) >= options.max_sessions:
            return "too many connections"
        if options.max_per_address and sum(each.peer == peer for each in self.visitors) >= options.max_per_address:
            return "too many connections from this address"
        return ""

    def crowded(self, account: Account) -> bool:
        """Whether the account has as many connections as it may."""
        most = account.most_connections or self.options.max_per_account
        there = sum(each.account is not None and each.account.name == account.name for each in self.visitors)
        return bool(most) and there >= most

    def status(self) -> dict[str, Any]:
        """Numbers for operators."""
        return {"sessions": len(self.visitors), **{name: self.counts[name] for name in sorted(self.counts)}}

    def close(self) -> None:
        """Wait for what the threads still do."""
        self._checking.shutdown(cancel_futures=True)
        self._disk.shutdown()
