"""What `doctor` looks at before and while `feedengine serve` runs: its ports, certificate, libraries, clock, state."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from feedengine.cli.finding import Finding
from feedengine.cli.render import text
from feedengine.errors import FeedEngineError

if TYPE_CHECKING:
    from feedengine.cli.session import Session
    from feedengine.settings import Settings
    from feedengine.store import Store

_KERNELS_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_SKEW_SECONDS = 120.0


def service(session: Session) -> Iterator[Finding]:
    """Look at what the service needs; nothing that is found raises."""
    yield from _libraries()
    try:
        settings, store = session.settings, session.store
    except FeedEngineError:
        # Told by those who look at settings and store.
        return
    try:
        yield from _service(store, settings)
        yield from _certificate(store, settings)
        yield _accounts(store)
        yield _clock(store)
    except FeedEngineError as error:
        yield Finding("service", "bad", error.message)
    yield from _memory(settings)


def _libraries() -> Iterator[Finding]:
    for name, missing, why in (
        ("pyftpdlib", "bad", "is not installed: there is no FTPS server"),
        ("cronsim", "bad", "is not installed: sources have no schedules"),
        ("asyncssh", "warn", "is not installed: no SFTP (pip install 'feedengine[sftp]')"),
    ):
        try:
            yield Finding(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, missing, why)
    openssl = shutil.which("openssl")
    yield Finding("openssl", "ok" if openssl else "warn", openssl or "is not there; only making a certificate needs it")


def _service(store: Store, settings: Settings) -> Iterator[Finding]:
    from feedengine.service import running

    number = running.pid(store)
    if number is None:
        yield Finding("service", "ok", "does not run")
        yield from _ports(settings)
        return
    down = [name for name, up in running.parts(store).items() if not up]
    said = f"process {number}, {text.counted(len(running.parts(store)), 'part')}"
    yield Finding("service", "warn" if down else "ok", f"{said}, down: {', '.join(down)}" if down else said)


def _ports(settings: Settings) -> Iterator[Finding]:
    """Whether they could be listened on now; only asked while the service does not do so itself."""
    host = str(settings.get("ftps.host"))
    for name in ("ftps.port", "ftps.implicit_port", "sftp.port", "health.port"):
        table = name.partition(".")[0]
        port = int(settings.get(name)) if table != "sftp" or settings.get("sftp.enabled") else 0
        if port:
            why = _taken(str(settings.get(f"{table}.host")), port)
            said = f"port {port} is free" if why is None else f"port {port} can't be used: {why}"
            yield Finding(name, "ok" if why is None else "bad", said)
    first, _, last = str(settings.get("ftps.passive_ports")).partition("-")
    passive = range(int(first), int(last or first) + 1)
    taken = [port for port in passive if _taken(host, port) is not None]
    said = f"{passive[0]}-{passive[-1]} are free"
    if taken:
        said = f"{len(taken)} of {text.counted(len(passive), 'port')} are taken: {', '.join(map(str, taken[:5]))}"
    yield Finding("passive ports", "warn" if taken else "ok", said)
    with suppress(OSError, ValueError):
        low, high = map(int, _KERNELS_PORTS.read_text().split())
        if passive[-1] >= low and passive[0] <= high:
            yield Finding(
                "passive ports", "warn", f"lie among those that outgoing connections take ({low}-{high}); reserve them"
            )


def _taken(host: str, port: int) -> str | None:
    """Why the port can't be listened on; None where it can."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
            trial.listen(1)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None


def _certificate(store: Store, settings: Settings) -> Iterator[Finding]:
    from feedengine.service import state
    from feedengine.transport.certificate import Certificate

    end = state.certificate_end(store, settings)
    if end is None:
        named = str(settings.get("ftps.certificate"))
        said = f"{named} can't be read" if named else "none yet; feedengine serve makes one for a first try"
        yield Finding("certificate", "bad" if named else "ok", said)
        return
    file = Path(str(settings.get("ftps.certificate")) or store.root / "tls" / "server.crt")
    key = Path(str(settings.get("ftps.key"))) if settings.get("ftps.key") else file.with_suffix(".key")
    found = Certificate(file, key if key.exists() else file)
    said = f"valid until {end:%Y-%m-%d}, SHA-256 {found.fingerprint()}"
    yield Finding("certificate", "ok" if end > datetime.now(UTC) else "bad", said)
    for each in found.warnings():
        yield Finding("certificate", "warn", each)


def _accounts(store: Store) -> Finding:
    from feedengine.accounts import Accounts

    try:
        entries = Accounts(store.root).every()
    except FeedEngineError as error:
        return Finding("accounts", "bad", error.message)
    disabled = sum(each.account.disabled for each in entries)
    return Finding("accounts", "ok", f"{text.counted(len(entries), 'account')}, {disabled} disabled")


def _clock(store: Store) -> Finding:
    """A clock that is behind what it said before puts feeds and schedules out of order."""
    newest = store.ledger.list(limit=1).tasks
    if newest:
        ahead = (datetime.fromisoformat(newest[0].submission_time) - datetime.now(UTC)).total_seconds()
        if ahead > _SKEW_SECONDS:
            return Finding("clock", "bad", f"is {text.seconds(ahead)} behind the newest task's time")
    return Finding("clock", "ok", "is not behind the newest task")


def _memory(settings: Settings) -> Iterator[Finding]:
    workers = int(settings.get("queue.workers"))
    wanted, there = workers * settings.memory_limit, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    said = f"{text.counted(workers, 'worker')} of {text.size(settings.memory_limit)} each"
    yield Finding("workers", "ok" if wanted <= there else "warn", f"{said}, of {text.size(there)} memory")
