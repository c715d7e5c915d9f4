"""A real `feedengine serve` in processes of its own, on a store of its own, with free ports; and ways to hurt it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from command import environment
from network.processes import argv, children, family

#: What no log may ever hold.
FORBIDDEN = ("Traceback (most recent call last)", "Long enough ")


#: Tables of a settings file: name to settings.
Tables = Mapping[str, Mapping[str, Any]]

#: What every test wants: no waiting, no mail, no port that another test may have.
_PLAIN: Tables = {"queue": {"visible_min": 0, "min_free": 0}, "landing": {"least_free": 0}, "health": {"port": 0}}


class Service:
    """The service of one store. `settings` are more tables of the settings file, and more settings of ours."""

    def __init__(self, folder: Path, port: int, passive: Sequence[int], settings: Tables | None = None) -> None:
        from feedengine.store import Store

        self.folder, self.port, self.passive = folder, port, passive
        self.store = folder / "store"
        self.config = folder / "feedengine.toml"
        self.log = folder / "service.log"
        Store.create(self.store)
        ports = {"host": "127.0.0.1", "port": port, "passive_ports": f"{passive[0]}-{passive[-1]}", "login_delay": 0.1}
        self.config.write_text(toml(merged({**_PLAIN, "ftps": ports}, settings or {})))
        self._process: subprocess.Popen[bytes] | None = None

    def settings(self) -> Any:
        """The settings as the service reads them."""
        from feedengine.settings import Settings

        return Settings.load(self.config, env={})

    def add_account(self, login: str, password: str, **more: Any) -> None:
        """An account; `more` are its fields."""
        from feedengine.accounts.accounts import Accounts

        Accounts(self.store).add(login, given=password, by="test", **more)

    def start(self, *, parts: str = "", **env: str) -> None:
        """Start it, or some of its parts, and wait until the FTPS server greets, or they run."""
        command = [sys.executable, "-m", "feedengine", "--store", str(self.store), "--config", str(self.config)]
        command += ["serve", *(["--parts", parts] if parts else [])]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(**env),
                start_new_session=True,
            )
        try:
            if parts and "ftps" not in parts.split(","):
                for each in parts.split(","):
                    self.part(each)
            else:
                self.wait_for_greeting()
                if not parts:
                    # Workers come last: only now a part that dies is started again, and does not stop the start.
                    self.part("worker")
        except TimeoutError:
            self.stop()
            raise

    def wait_for_greeting(self, seconds: float = 120.0) -> None:
        """Wait until the FTPS server greets. Raises TimeoutError with the log's end."""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as found:
                if found.recv(3) == b"220":
                    return
            if time.monotonic() > until or (self._process is not None and self._process.poll() is not None):
                raise TimeoutError(f"the service does not greet; its log ends:\n{self._said()}")
            time.sleep(0.05)

    def _said(self) -> str:
        return self.log.read_text()[-3000:]

    @property
    def pid(self) -> int:
        """The supervisor's."""
        if self._process is None:
            raise RuntimeError("the service is not started")
        return self._process.pid

    def parts(self) -> dict[str, list[int]]:
        """The processes that run, by kind of part; the supervisor is one of them."""
        if self._process is None or self._process.poll() is not None:
            return {}
        found: dict[str, list[int]] = {"supervisor": [self.pid]}
        for child in children(self.pid):
            with contextlib.suppress(ValueError, IndexError, KeyError, TypeError):
                found.setdefault(json.loads(argv(child)[-1])["kind"], []).append(child)
        return found

    def part(self, name: str, seconds: float = 120.0) -> int:
        """The process of a part; waits until it runs."""
        until = time.monotonic() + seconds
        while not (found := self.parts().get(name)):
            if time.monotonic() > until or self._process is None or self._process.poll() is not None:
                raise TimeoutError(f"no part {name}; there are {self.parts()}; the log ends:\n{self._said()}")
            time.sleep(0.05)
        return found[0]

    def hurt(self, kind: str) -> None:
        """Kill something and see to it that the service runs again.

        `kind` is a part's name (kill -9, the supervisor starts it again), supervisor (kill -9, a new start when its
        parts are gone), power (kill -9 of all, a new start), or restart (SIGTERM, a new start).
        """
        if kind == "restart":
            self.stop()
            self.start()
        elif kind in ("supervisor", "power"):
            everybody = [self.pid, *family(self.pid)]
            for pid in everybody if kind == "power" else everybody[:1]:
                kill(pid)
            self._reap()
            # Parts that have lost their supervisor give running transfers their time, a minute, as at any stop.
            gone(everybody, 120.0)
            self.start()
        else:
            kill(self.part(kind))

    def stop(self, seconds: float = 120.0) -> int:
        """SIGTERM; gives the exit code. Whoever is left after `seconds` is killed, and that is an error."""
        if self._process is None:
            return 0
        everybody = [self.pid, *family(self.pid)]
        self._process.terminate()
        try:
            code = self._process.wait(seconds)
            gone(everybody, 30.0)
        except (subprocess.TimeoutExpired, TimeoutError):
            for pid in everybody:
                kill(pid)
            self._reap()
            raise
        self._process = None
        return code

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def tasks(self) -> list[Any]:
        """Every task of the ledger, oldest first."""
        from feedengine.store import Store

        ledger = Store.open(self.store).ledger
        found: list[Any] = []
        while page := ledger.list(limit=500, offset=len(found)).tasks:
            found += page
        ledger.close()
        return sorted(found, key=lambda task: task.id)

    def drain(self, seconds: float) -> bool:
        """Wait until all tasks ended and were followed up, but those that wait for a person.

        False when for so many seconds none of them got any further.
        """
        until, before = time.monotonic() + seconds, -1
        while left := sum(
            task.status in ("QUEUED", "IN_PROGRESS") or (task.queued and task.followed is None and not task.waiting)
            for task in self.tasks()
        ):
            if left != before:
                until, before = time.monotonic() + seconds, left
            if time.monotonic() > until:
                return False
            time.sleep(0.25)
        return True

    def complaints(self) -> list[str]:
        """What is in the log that must not be in any."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return [f"the log holds {each!r}: {_around(text, each)}" for each in FORBIDDEN if each in text]


def kill(pid: int) -> None:
    """kill -9; nothing where it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def gone(pids: list[int], seconds: float) -> None:
    """Wait until none of the processes runs. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while left := [pid for pid in pids if _runs(pid)]:
        if time.monotonic() > until:
            raise TimeoutError(f"still there: {[(pid, argv(pid)) for pid in left]}")
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _around(text: str, what: str) -> str:
    at = text.index(what)
    return text[max(0, at - 100) : at + 1500]


def merged(first: Tables, second: Tables) -> Tables:
    """Both sets of tables; a setting of the second wins."""
    return {name: {**first.get(name, {}), **second.get(name, {})} for name in {**first, **second}}


def toml(tables: Tables) -> str:
    """Tables as a settings file."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    )
