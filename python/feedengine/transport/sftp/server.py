"""The part `sftp` of the service: listens, reloads, stops without cutting transfers off."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncssh

from feedengine.accounts import Door
from feedengine.errors import ConfigError
from feedengine.settings import Settings
from feedengine.transport.landing import Landing, Rules
from feedengine.transport.numbers import SECONDS, write_status
from feedengine.transport.reception import Reception
from feedengine.transport.sftp.hall import Hall
from feedengine.transport.sftp.hostkeys import fingerprints, host_keys
from feedengine.transport.sftp.options import Options
from feedengine.transport.sftp.visitor import Visitor

_TICK = 0.2
_BACKLOG = 256


class Server:
    """The server on the running event loop."""

    def __init__(self, root: Path, options: Options, hall: Hall) -> None:
        self.root = root
        self.hall = hall
        self.options = options
        self.port = 0
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self) -> list[str]:
        """Listen; gives the fingerprints of the host keys. Raises `ConfigError` where the port is taken."""
        options = self.options
        keys = await self.hall.on_disk(host_keys, self.root, options.host_keys)
        try:
            self._acceptor = await asyncssh.create_server(
                lambda: Visitor(self.hall),
                options.host,
                options.port,
                server_host_keys=keys,
                server_version="feedengine",
                encryption_algs=options.ciphers,
                compression_algs=None,
                login_timeout=options.login_timeout,
                keepalive_interval=30,
                backlog=_BACKLOG,
                # Only what `Visitor.session_requested` gives.
                allow_pty=False,
                line_editor=False,
                agent_forwarding=False,
                x11_forwarding=False,
                gss_host=None,
                config=None,
                utf8_decode_errors="replace",
            )
        except OSError as error:
            raise ConfigError(
                f"Port {options.port} can't be used for SFTP: {error.strerror}.",
                state="The SFTP server was not started.",
                hints=["Choose another with sftp.port, or stop the program that has it"],
            ) from error
        self.port = self._acceptor.get_port()
        return fingerprints(keys)

    def send_idle_away(self) -> None:
        """End connections that did nothing for too long; one that is not logged in has a time of its own."""
        now = time.monotonic()
        for visitor in list(self.hall.visitors):
            if visitor.account is not None and now - visitor.active > self.hall.options.idle_timeout:
                visitor.leave("idle for too long")

    async def stop(self) -> None:
        """Take nobody new; who moves nothing is sent away, transfers may end within the drain time."""
        hall = self.hall
        hall.draining = True
        if self._acceptor is not None:
            self._acceptor.close()
        hall.log("sftp.draining", sessions=len(hall.visitors))
        deadline = time.monotonic() + hall.options.drain_timeout
        while hall.visitors and time.monotonic() < deadline:
            for visitor in list(hall.visitors):
                if not visitor.busy():
                    visitor.leave("the server stops; try again in a minute")
            await asyncio.sleep(_TICK / 2)
        left = len(hall.visitors)
        for visitor in list(hall.visitors):
            visitor.abort()
        while hall.visitors:
            await asyncio.sleep(0.01)
        # What connections that ended leave behind: parts to be kept.
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)
        hall.log("sftp.stopped", cut_off=left)

    async def reload(self, settings: Settings) -> None:
        """Limits, times, bans and host keys, for connections that come from now on; ports stay."""
        options = Options.of(settings)
        keys = await self.hall.on_disk(host_keys, self.root, options.host_keys)
        if self._acceptor is not None:
            self._acceptor.update(server_host_keys=keys, encryption_algs=options.ciphers)
        self.hall.door = Door.of(self.root, settings)
        self.hall.landing.rules = _rules(settings)
        self.hall.options = options
        self.hall.log("sftp.reloaded")


def serve(part: Any, desk: Reception) -> None:
    """Run the server until the part is told to stop."""
    asyncio.run(_serve(part, desk))


async def _serve(part: Any, desk: Reception) -> None:
    root: Path = part.store.root
    options = Options.of(part.settings)
    landing = Landing(desk, root, _rules(part.settings))
    hall = Hall(options, Door.of(root, part.settings), landing, part.log)
    server = Server(root, options, hall)
    try:
        # Parts that were left before are known before anybody sends their files whole.
        await asyncio.to_thread(landing.clear)
        keys = await server.start()
        part.log("sftp.started", port=server.port, host_keys=keys)
        part.ready(listening=f"{options.host or '0.0.0.0'}:{server.port}", host_keys=keys)
        await _until_stopped(part, server, root / "run" / "sftp.json")
        await server.stop()
    finally:
        (root / "run" / "sftp.json").unlink(missing_ok=True)
        await asyncio.to_thread(hall.close)


async def _until_stopped(part: Any, server: Server, numbers: Path) -> None:
    looked, told = time.monotonic(), -SECONDS
    while not part.stopping.is_set():
        if time.monotonic() - told >= SECONDS:
            told = time.monotonic()
            write_status(numbers, server.hall.status())
        await asyncio.sleep(_TICK)
        if time.monotonic() - looked > min(5.0, server.hall.options.idle_timeout / 4):
            looked = time.monotonic()
            server.send_idle_away()
        if part.reloading.is_set():
            part.reload()
            try:
                await server.reload(part.settings)
            except ConfigError as error:
                part.log("sftp.reload_failed", level="error", why=error.message)


def _rules(settings: Settings) -> Rules:
    return Rules(
        least_free=settings.get("landing.least_free"),
        most_bytes=settings.get("landing.max_file"),
        part_hours=settings.get("landing.part_hours"),
    )
