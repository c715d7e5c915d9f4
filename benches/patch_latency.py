"""From the server's 226 to DONE: patches of ten rows sent over FTPS into a large catalog, by a client of its own.

`python benches/patch_latency.py --rows 1000000`: loads a generated catalog, starts `feedengine serve`, uploads patches
one after the other, and measures from the answer to the upload until the ledger says DONE. What the patches set is
compared with what is stored in the end. With --strict, more than 0.3 s in the median ends with 1.
"""

from __future__ import annotations

import argparse
import csv
import ftplib
import json
import os
import random
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow

from feedengine.accounts import Accounts
from feedengine.store import Store
from harness import machine
from harness.data import CATALOG, Data, generator

HERE = Path(__file__).resolve().parent
TARGET = 0.3
LOGIN = "bench"
KEY, SECTION = CATALOG.split("/")
FIELD = "metadata:price"


class Client(ftplib.FTP_TLS):
    """The standard library's client, whose data connections continue the session of the control connection."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open the data connection."""
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.context.wrap_socket(plain, server_hostname=self.host, session=self.sock.session), size


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody has right now."""
    for first in random.sample(range(20000, 60000), 200):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise SystemExit("no free ports")


def feedengine(config: Path, *words: str | Path) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "feedengine", "--config", str(config), *map(str, words)]


def sample(data: Data, count: int) -> list[str]:
    """Ids spread over the whole catalog, `count` of them."""
    # A record may have several lines.
    with data.day1.open(newline="", encoding="utf-8") as lines:
        records = csv.reader(lines)
        next(records)
        step = max(1, data.rows // count)
        found = [record[0] for number, record in enumerate(records) if number % step == 0]
    return found[:count]


def prepare(root: Path, rows: int) -> tuple[Path, list[str], str]:
    """Make the catalog and the account; gives the settings file, ids to patch, and the password."""
    data = Data(root, rows)
    root.mkdir(parents=True, exist_ok=True)
    generator()({"seed": 7, "items": rows, "variations": 0, "groups": 0, "container": "file"}, data.day1)
    port = free_ports(11)
    config = root / "feedengine.toml"
    config.write_text(
        f'[store]\npath = "store"\n[ftps]\nhost = "127.0.0.1"\nport = {port}\n'
        f'passive_ports = "{port + 1}-{port + 10}"\n[log]\nplace = "file"\n'
    )
    Store.create(root / "store")
    subprocess.run(feedengine(config, "--quiet", "sync", data.day1, "--create"), check=True)
    _, password = Accounts(root / "store").add(LOGIN, keys=(KEY,))
    return config, sample(data, 1000), password


def connect(root: Path, port: int, password: str) -> Client:
    """Log in, verifying the server's certificate."""
    context = ssl.create_default_context(cafile=str(root / "store" / "tls" / "server.crt"))
    client = Client(context=context, timeout=30)
    client.connect("localhost", port)
    client.login(LOGIN, password)
    client.prot_p()
    return client


def await_done(store: Store, name: str, deadline: float) -> float:
    """The moment at which the task of a file is DONE."""
    while time.perf_counter() < deadline:
        for task in store.ledger.list(limit=3).tasks:
            if task.filename == name and task.status == "DONE":
                return time.perf_counter()
            if task.filename == name and task.status == "FAILED":
                raise SystemExit(f"{name}: {task.error}")
        time.sleep(0.002)
    raise SystemExit(f"{name} is not done")


def measure(
    root: Path, config: Path, ids: list[str], password: str, patches: int
) -> tuple[list[float], dict[str, str]]:
    """Send the patches; gives the seconds of each and what they set."""
    server = subprocess.Popen(feedengine(config, "--quiet", "--json", "serve"), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        listening = json.loads(server.stdout.readline())["listening"]["ftps"]
        port = int(listening.partition(",")[0].rpartition(":")[2])
        client = connect(root, port, password)
        store = Store.open(root / "store")
        time.sleep(2.0)
        seconds: list[float] = []
        expected: dict[str, str] = {}
        chance = random.Random(1)
        for number in range(patches):
            rows = {each: f"{number}.{index:02}" for index, each in enumerate(chance.sample(ids, 10))}
            expected |= rows
            name = f"{KEY}_{SECTION}_patchdelta_2026-01-02-00-00-{number:02}.csv"
            text = f"id,{FIELD}\n" + "".join(f"{each},{value}\n" for each, value in rows.items())
            client.storbinary(f"STOR {name}", BytesIO(text.encode()))
            started = time.perf_counter()
            seconds.append(await_done(store, name, started + 60) - started)
            print(f"  {number + 1}/{patches}  {seconds[-1]:.3f} s", file=sys.stderr, flush=True)
            time.sleep(0.2)
        client.quit()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(90)
    return seconds, expected


def check(root: Path, expected: dict[str, str], patches: int) -> None:
    """What the patches set is what is stored, one snapshot each."""
    store = Store.open(root / "store")
    with store.catalog(KEY) as catalog:
        snapshots = catalog.snapshots(SECTION)
        if [info.counts["items"]["changed"] for info in snapshots[1:]] != [10] * patches:
            raise SystemExit("the snapshots are not those of the patches")
        wanted = ", ".join(f"'{each}'" for each in expected)
        answer = catalog.sql(f'SELECT id, "{FIELD}" AS value FROM items WHERE id IN ({wanted})', SECTION)
        found = {row["id"]: row["value"] for row in pyarrow.table(answer).to_pylist()}
    if found != expected:
        raise SystemExit(f"{sum(found.get(each) != value for each, value in expected.items())} values are wrong")


def main() -> int:
    """Parse, prepare, measure, check, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--patches", type=int, default=20)
    parser.add_argument("--dir", type=Path, default=HERE.parent / ".bench", help="scratch space")
    parser.add_argument("--record", action="store_true", help="keep the figures under benches/runs")
    parser.add_argument("--strict", action="store_true", help="exit 1 when the target is not met")
    arguments = parser.parse_args()
    root = arguments.dir.resolve() / f"latency-{arguments.rows}-{os.getpid()}"
    try:
        config, ids, password = prepare(root, arguments.rows)
        seconds, expected = measure(root, config, ids, password, arguments.patches)
        check(root, expected, arguments.patches)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    ordered = sorted(seconds)
    figures: dict[str, Any] = {
        "rows": arguments.rows,
        "patches": arguments.patches,
        "median_seconds": round(statistics.median(seconds), 3),
        "p95_seconds": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
        "worst_seconds": round(ordered[-1], 3),
        "target_median_seconds": TARGET,
        "machine": machine.describe(),
    }
    print(json.dumps(figures, indent=1))
    if arguments.record:
        target = HERE / "runs" / f"patch-latency-{machine.slug()}-{arguments.rows}.json"
        target.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return int(arguments.strict and figures["median_seconds"] > TARGET)


if __name__ == "__main__":
    sys.exit(main())
