"""A storm of logins beside a running transfer: how long the server's loop lets others wait, and the upload takes.

    PYTHONPATH=python:benches python benches/storm.py [--mib 256] [--at-once 40]

Every login of the storm has a wrong password, so that each costs its whole hash. Prints JSON: the round trip of a NOOP
on a session that is logged in, and the seconds of an upload, each alone and in the storm.
"""

from __future__ import annotations

import argparse
import contextlib
import ftplib
import json
import multiprocessing
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import machine

LOGIN, PASSWORD = "bench@example.com", "bench password"
BLOCK = bytes(1 << 20)


class Client(ftplib.FTP_TLS):
    """The library's client; the data connection resumes the control connection's session."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> Any:
        """As the library's, with the session."""
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.context.wrap_socket(data, session=self.sock.session), size


def connect(port: int, password: str = PASSWORD) -> Client:
    """A session that is logged in. Raises ftplib.Error, OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = Client(context=context, timeout=60)
    try:
        client.connect("127.0.0.1", port)
        client.login(LOGIN, password)
        client.prot_p()
    except BaseException:
        client.close()
        raise
    return client


@contextlib.contextmanager
def served(folder: Path) -> Iterator[int]:
    """The FTPS server of a new store, as `feedengine serve` runs it; gives its port."""
    from feedengine.accounts import Accounts
    from feedengine.store import Store

    store = Store.create(folder / "store")
    Accounts(store.root).add(LOGIN, given=PASSWORD, home="bench")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "feedengine.toml"
    config.write_text(
        f'[accounts]\nnever_ban = ["127.0.0.0/8"]\n[health]\nport = 0\n[ftps]\nhost = "127.0.0.1"\nport = {port}\n'
        f'passive_ports = "{port + 1}-{port + 10}"\nmax_per_address = 0\nlogin_delay = 0\nlogin_attempts = 100\n'
    )
    command = [sys.executable, "-m", "feedengine", "--store", str(store.root), "--config", str(config)]
    process = subprocess.Popen(
        [*command, "serve", "--parts", "ftps"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if time.monotonic() > until:
                raise SystemExit("the server did not start")
            time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Storm:
    """`at_once` clients that log in with a wrong password, again and again.

    In a process of their own, so that they share no interpreter with who measures, and at the lowest priority: from
    other machines they would take nothing of the server's processors.
    """

    def __init__(self, port: int, at_once: int) -> None:
        self._ended = multiprocessing.Event()
        self._logins = multiprocessing.Value("q", 0)
        self._process = multiprocessing.Process(target=self._blow, args=(port, at_once), daemon=True)
        self._process.start()

    @property
    def logins(self) -> int:
        """How many there were."""
        return int(self._logins.value)

    def _blow(self, port: int, at_once: int) -> None:
        os.nice(19)
        threads = [threading.Thread(target=self._again, args=(port,), daemon=True) for _ in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _again(self, port: int) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(ftplib.Error, OSError, EOFError):
                connect(port, "not the password")
            with self._logins.get_lock():
                self._logins.value += 1

    def end(self) -> None:
        """No more."""
        self._ended.set()
        self._process.join()


def measure(port: int, mib: int, name: str) -> dict[str, float]:
    """Upload while another session sends a NOOP every 20 ms."""
    other = connect(port)
    trips: list[float] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.02):
            began = time.perf_counter()
            other.voidcmd("NOOP")
            trips.append(time.perf_counter() - began)

    asking = threading.Thread(target=ask)
    sender = connect(port)
    asking.start()
    began = time.perf_counter()
    data = sender.transfercmd(f"STOR {name}")
    for _ in range(mib):
        data.sendall(BLOCK)
    assert isinstance(data, ssl.SSLSocket)
    data.unwrap()
    data.close()
    sender.voidresp()
    seconds = time.perf_counter() - began
    ended.set()
    asking.join()
    sender.close()
    other.close()
    trips.sort()
    return {
        "upload_seconds": round(seconds, 2),
        "noop_ms_median": round(statistics.median(trips) * 1000, 1),
        "noop_ms_p99": round(trips[int(len(trips) * 0.99)] * 1000, 1),
        "noop_ms_worst": round(trips[-1] * 1000, 1),
    }


def main() -> int:
    """Measure alone, in the storm, and alone again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--at-once", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as port:
        connect(port).close()
        before = measure(port, options.mib, "one.tmp")
        storm = Storm(port, options.at_once)
        time.sleep(1)
        count, began = storm.logins, time.monotonic()
        within = measure(port, options.mib, "two.tmp")
        rate = (storm.logins - count) / (time.monotonic() - began)
        storm.end()
        after = measure(port, options.mib, "three.tmp")
    found = {
        "machine": machine.describe(),
        "mib": options.mib,
        "at_once": options.at_once,
        "wrong_logins_per_second": round(rate, 1),
        "alone": before,
        "in_the_storm": within,
        "alone_again": after,
    }
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
