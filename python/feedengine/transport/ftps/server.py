"""The part `ftps` of the service: listens, lets sessions in, reloads, stops without cutting transfers off."""

from __future__ import annotations

import errno
import logging
import resource
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from feedengine import accounts
from feedengine.accounts import Account, Verdict
from feedengine.errors import ConfigError
from feedengine.settings import Settings
from feedengine.transport.certificate import Certificate, certificate
from feedengine.transport.ftps import options as told
from feedengine.transport.ftps.hall import Door, Hall, Log
from feedengine.transport.ftps.options import Options
from feedengine.transport.ftps.passive import listening, plain
from feedengine.transport.ftps.proxy import Introduction
from feedengine.transport.ftps.schedule import Scheduler
from feedengine.transport.ftps.session import Session
from feedengine.transport.ftps.tls import Certificates
from feedengine.transport.ftps.upstream import FTPServer, IOLoop
from feedengine.transport.landing import Landing
from feedengine.transport.numbers import SECONDS, write_status
from feedengine.transport.reception import Reception

_BACKLOG = 512
_TICK = 0.2
_CLEAR_SECONDS = 3600.0
_FILES = 65536


class AccountsDoor:
    """The store's accounts and bans, as sessions ask for them."""

    def __init__(self, door: accounts.Door) -> None:
        self._door = door

    def enter(self, name: str, password: str, peer: str) -> Verdict:
        return self._door.enter(name, password, peer)

    def at_once(self, name: str, password: str, peer: str) -> Account | None:
        return self._door.at_once(name, password, peer)

    def banned(self, peer: str) -> float:
        return self._door.bans.left(peer)

    def current(self, account: Account) -> Account | None:
        return self._door.accounts.find(account.name)


class Front(FTPServer):  # type: ignore[misc]
    """One listening control port."""

    max_cons = 0

    def __init__(self, hall: Hall, port: int, *, implicit: bool) -> None:
        self.hall = hall
        self.implicit = implicit
        super().__init__(listening(hall.options.host, port, _BACKLOG), Session, ioloop=hall.loop, backlog=_BACKLOG)

    def handle_accept(self) -> None:
        try:
            sock, address = self.socket.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                # Asking again at once would only burn time; those who wait keep their place.
                self.hall.log("ftps.no_descriptors", level="error")
                self.del_channel()
                self.ioloop.call_later(1.0, self._again)
            return
        if self.hall.options.behind(plain(address[0])):
            Introduction(self.ioloop, sock, self._let_in)
        else:
            self._let_in(sock, (address[0], address[1]))

    def _again(self) -> None:
        if not self._closed:
            self.add_channel()

    def _let_in(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        reason = self.hall.full(plain(peer[0]))
        if reason:
            self.hall.counts["turned_away"] += 1
            self.hall.log("ftps.turned_away", level="warning", peer=plain(peer[0]), why=reason)
            sock.setblocking(False)
            with suppress(OSError):
                if not self.implicit:
                    sock.send(f"421 {reason}.\r\n".encode())
            sock.close()
            return
        session = Session(sock, self, ioloop=self.ioloop)
        if session.connected:
            session.welcome(peer)

    def handle_error(self) -> None:
        self.hall.fault("listening")


class Server:
    """The server with its loop. `start` listens, `run` serves until `stop` was called and transfers have ended."""

    def __init__(self, options: Options, door: Door, landing: Landing, log: Log, status: Path | None = None) -> None:
        self._log = log
        self._status = status
        self._fronts: list[Front] = []
        self._deadline: float | None = None
        self._options = options
        self._listen_to_pyftpdlib()
        _more_files()
        self.loop = IOLoop.factory()
        self.loop.sched = Scheduler()
        try:
            self.hall = Hall(self.loop, options, door, landing, log)
        except OSError as error:
            raise _not_started(error, options) from error

    def start(self) -> None:
        """Listen. Raises `ConfigError` where a port is taken."""
        for port, implicit in ((self._options.port, False), (self._options.implicit_port, True)):
            if port:
                try:
                    self._fronts.append(Front(self.hall, port, implicit=implicit))
                except OSError as error:
                    raise ConfigError(
                        f"Port {port} can't be used for FTPS: {error.strerror}.",
                        state="The FTPS server was not started.",
                        hints=["Choose another with ftps.port, or stop the program that has it"],
                    ) from error
        self._log(
            "ftps.started",
            port=self._options.port,
            implicit_port=self._options.implicit_port,
            passive=f"{self._options.passive_ports[0]}-{self._options.passive_ports[-1]}",
            missing=self.hall.ports.missing,
            # For partners who trust a certificate that is signed by itself.
            fingerprint=Certificate(self._options.certificate, self._options.certificate).fingerprint(),
        )
        self._clear()
        self.loop.call_every(_CLEAR_SECONDS, self._clear)
        self.loop.call_every(SECONDS, self._every_ten_seconds)
        self._every_ten_seconds()

    def run(self, stopping: Callable[[], bool], tick: Callable[[], None] = lambda: None) -> None:
        """Serve until `stopping`, then let transfers end; `tick` is called several times a second."""

        def look() -> None:
            tick()
            if stopping():
                self.stop()

        self.loop.call_every(_TICK, look)
        timeout: float | None = 0.0
        try:
            while not self._over():
                timeout = self.loop.loop(timeout, blocking=False)
        finally:
            self.close()

    def stop(self) -> None:
        """Take nobody new; who moves nothing is sent away, transfers may end within the drain time."""
        if self._deadline is not None:
            return
        self._deadline = time.monotonic() + self.hall.options.drain_timeout
        self.hall.draining = True
        for front in self._fronts:
            front.close()
        self._log("ftps.draining", sessions=len(self.hall.sessions))
        for session in list(self.hall.sessions):
            if not session.transferring:
                session.respond("421 The server is about to stop; try again in a minute.")
                session.close_when_done()

    def _over(self) -> bool:
        return self._deadline is not None and (not self.hall.sessions or time.monotonic() >= self._deadline)

    def close(self) -> None:
        """End everything; files that were whole still land."""
        left = len(self.hall.sessions)
        for front in self._fronts:
            front.close()
        for session in list(self.hall.sessions):
            session.close()
        self.hall.backstage.close()
        self.hall.ports.close()
        self.loop.close()
        if self._status is not None:
            self._status.unlink(missing_ok=True)
        self._log("ftps.stopped", cut_off=left)

    def reload(self, options: Options) -> None:
        """Certificates and everything but ports, for sessions that come from now on."""
        try:
            self.hall.certificates = Certificates(
                options.certificate, options.key, options.tls_min, options.session_reuse
            )
        except OSError as error:
            self._log("ftps.reload_failed", level="error", why=str(_not_started(error, options)))
            return
        self.hall.options = options
        self._log("ftps.reloaded")

    def _clear(self) -> None:
        def cleared(gone: int | None, error: Exception | None) -> None:
            if gone or error:
                self._log("ftps.parts_cleared", parts=gone, why=str(error or ""))

        self.hall.backstage.disk(self.hall.landing.clear, cleared)

    def _every_ten_seconds(self) -> None:
        if self.hall.ports.missing:
            self.hall.ports.retry()
        if self._status is not None:
            write_status(self._status, self.hall.status())

    def _listen_to_pyftpdlib(self) -> None:
        logger = logging.getLogger("pyftpdlib")
        logger.handlers = [_ToLog(self._log)]
        logger.setLevel(logging.ERROR)
        logger.propagate = False


class _ToLog(logging.Handler):
    """What pyftpdlib says when something goes wrong inside it."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log("ftps.fault", level="error", where="pyftpdlib", trace=record.getMessage())


def _not_started(error: OSError, options: Options) -> ConfigError:
    state = "The FTPS server was not started."
    if isinstance(error, socket.gaierror):
        return ConfigError(f"ftps.masquerade: {options.masquerade} can't be looked up: {error.strerror}.", state=state)
    if isinstance(error, ssl.SSLError):
        text = f"{options.certificate} holds no certificate with its key in PEM form: {error.reason or error}."
    elif isinstance(error, FileNotFoundError | PermissionError):
        text = f"The certificate {options.certificate} (or its key) can't be read: {error.strerror}."
    else:
        return ConfigError(f"The FTPS server can't listen: {error.strerror}.", state=state)
    return ConfigError(text, state=state, hints=["Set ftps.certificate and ftps.key to the PEM files of this server"])


def _more_files() -> None:
    """As many open files as we are allowed: a session has two connections and a part."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def serve(part: Any, desk: Reception) -> None:
    """The part's main loop (a `service.part.Part`). Returns when it was told to stop and transfers are over."""
    root: Path = part.store.root
    options = _options(part.settings, root)
    door = AccountsDoor(accounts.Door.of(root, part.settings))
    landing = Landing(desk, root, told.rules(part.settings))
    server = Server(options, door, landing, part.log, root / "run" / "ftps.json")
    server.start()
    ports = [port for port in (options.port, options.implicit_port) if port]
    part.ready(listening=", ".join(f"{options.host or '*'}:{port}" for port in ports), certificate=options.certificate)

    def tick() -> None:
        if part.reloading.is_set():
            part.reloading.clear()
            try:
                part.settings = part.read()
                fresh = _options(part.settings, root)
            except ConfigError as error:
                part.log("ftps.reload_failed", level="error", why=error.message)
                return
            server.reload(fresh)

    server.run(part.stopping.is_set, tick)


def _options(settings: Settings, root: Path) -> Options:
    """The options, with the store's own certificate where none is named: it is made at the first start."""
    options = Options.of(settings)
    if not settings.get("ftps.certificate"):
        own = certificate(root, None, None, [name for name in (options.masquerade, options.host) if name])
        options = replace(options, certificate=own.file, key=own.key)
    return options
