"""Orders out: feeds of confirmed orders come over FTPS at a steady rate, each order is to be at the partner's at once.

    PYTHONPATH=python:benches python benches/orders.py [--rate 10000] [--seconds 60] [--every 3] [--to account|ftps]

`account`: into the folder of a local account, which the partner reads over FTPS; `ftps`: by a login to another account.
Prints JSON: orders a minute from the first upload's 226 to the last folder, and the seconds from the 226 of an order's
feed to its folder. Each folder is looked into. With --strict, fewer than --rate a minute ends with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import ftplib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from harness import machine
from storm import Client

LOGIN, OTHER, PASSWORD = "shop@example.com", "erp@example.com", "bench password"
LINES = 3
PROFILE = """
name = "trade"
[naming]
form = "{entity}_{date:DD_MM_YYYY}[_{seq}].{ext}"
[entities.orders]
file = "ORDER"
folder = "orders"
operation = "patchdeltacreate"
[entities.orders.fields]
system_id = { type = "uuid" }
reference_id = "text"
status = { type = "enum", words = ["draft", "confirmed"] }
total = "decimal"
[entities.order_items]
file = "ORDER_ITEM"
folder = "order_items"
operation = "patchdeltacreate"
references = [{ entity = "orders", by = { order_id = "system_id" }, missing = "warn" }]
[entities.order_items.fields]
item_id = "text"
order_id = "text"
sku_id = "text"
quantity = "integer"
[exports.orders]
entity = "orders"
when = { status = ["confirmed"] }
folder = "WizCommerce Export/Orders/order_{uuid}"
files = [{ name = "order_data_{uuid}.csv" }, { name = "order_items_{uuid}.csv", entity = "order_items", wait = true }]
"""


@contextlib.contextmanager
def served(folder: Path, to: str) -> Iterator[tuple[int, Path]]:
    """The service on a new store; gives its port and the folder where orders arrive."""
    from feedengine.accounts import Accounts
    from feedengine.store import Store

    store = Store.create(folder / "store")
    Accounts(store.root).add(LOGIN, given=PASSWORD, home="shop", keys=("acme",))
    Accounts(store.root).add(OTHER, given=PASSWORD, home="erp", keys=("other",))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "trade.toml").write_text(PROFILE)
    (folder / "password").touch(mode=0o600)
    (folder / "password").write_text(PASSWORD)
    where = f'account = "{LOGIN}"' if to == "account" else 'target = "erp"'
    config = folder / "feedengine.toml"
    config.write_text(
        f'[accounts]\nnever_ban = ["127.0.0.0/8"]\n[health]\nport = 0\n[queue]\nworkers = 1\nvisible_min = 0\n'
        f'[ftps]\nhost = "127.0.0.1"\nport = {port}\npassive_ports = "{port + 1}-{port + 20}"\nmax_per_address = 0\n'
        f'[targets.erp]\nscheme = "ftps"\nhost = "127.0.0.1"\nport = {port}\nuser = "{OTHER}"\npath = "/"\n'
        f'password_file = "password"\nverify = "off"\n[catalogs."acme/main"]\nprofile = "trade.toml"\n'
        f'[exports.orders]\ncatalog = "acme/main"\n{where}\n'
    )
    command = [sys.executable, "-m", "feedengine", "--store", str(store.root), "--config", str(config), "serve"]
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if time.monotonic() > until or process.poll() is not None:
                raise SystemExit((folder / "service.log").read_text()[-2000:])
            time.sleep(0.1)
        home = store.root / "homes" / ("shop/export" if to == "account" else "erp")
        yield port, home / "WizCommerce Export" / "Orders"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Arrivals:
    """When each folder was seen first, by a look every 20 ms."""

    def __init__(self, place: Path) -> None:
        self.at: dict[str, float] = {}
        self._place = place
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            with contextlib.suppress(FileNotFoundError):
                names = [name for name in os.listdir(self._place) if name.startswith("order_")]
                now = time.monotonic()
                for name in names:
                    self.at.setdefault(name, now)

    def wait(self, count: int, seconds: float) -> bool:
        """Whether so many came within the time."""
        until = time.monotonic() + seconds
        while len(self.at) < count and time.monotonic() < until:
            time.sleep(0.05)
        self._ended.set()
        self._thread.join()
        return len(self.at) >= count


def connect(port: int) -> Client:
    """A session of the sender."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = Client(context=context, timeout=60)
    client.connect("127.0.0.1", port)
    client.login(LOGIN, PASSWORD)
    client.prot_p()
    for folder in ("/in/orders", "/in/order_items"):
        with contextlib.suppress(ftplib.error_perm):
            client.mkd(folder)
    return client


def send(client: Client, number: int, orders: list[str]) -> float:
    """A feed of items and one of their orders; gives when the latter was confirmed."""
    items = "".join(f"{each}-{line},{each},SKU-{line},{line}\n" for each in orders for line in range(1, LINES + 1))
    heads = "".join(f"{each},PO-{each[:8]},confirmed,99.90\n" for each in orders)
    name = f"21_11_2026_{number}.csv"
    for path, text in (
        (f"/in/order_items/ORDER_ITEM_{name}", "item_id,order_id,sku_id,quantity\n" + items),
        (f"/in/orders/ORDER_{name}", "system_id,reference_id,status,total\n" + heads),
    ):
        client.storbinary(f"STOR {path}", BytesIO(text.encode()))
    return time.monotonic()


def whole(place: Path, order: str) -> bool:
    """Whether an order's folder holds its two files with all lines."""
    folder = place / f"order_{order}"
    with contextlib.suppress(OSError):
        head = (folder / f"order_data_{order}.csv").read_text().splitlines()
        items = (folder / f"order_items_{order}.csv").read_text().splitlines()
        return len(head) == 2 and order in head[1] and len(items) == LINES + 1
    return False


def main() -> int:
    """Send at the rate, wait for the last one, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=10_000, help="orders a minute")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=3, help="seconds between two feeds")
    parser.add_argument("--to", choices=("account", "ftps"), default="account")
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    size = max(1, round(options.rate * options.every / 60))
    confirmed: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, served(Path(name), options.to) as (port, place):
        arrivals, client = Arrivals(place), connect(port)
        began = time.monotonic()
        for number in range(1, max(1, round(options.seconds / options.every)) + 1):
            orders = [str(uuid.uuid4()) for _ in range(size)]
            at = send(client, number, orders)
            confirmed.update(dict.fromkeys(orders, at))
            time.sleep(max(0.0, began + number * options.every - time.monotonic()))
        came = arrivals.wait(len(confirmed), options.seconds * 5 + 60)
        client.close()
        broken = [order for order in confirmed if not whole(place, order)]
        if not came or broken:
            print((Path(name) / "service.log").read_text()[-2000:], file=sys.stderr)
            raise SystemExit(f"{len(arrivals.at):,} of {len(confirmed):,} came, {len(broken):,} are not whole")
        lags = sorted(arrivals.at[f"order_{order}"] - at for order, at in confirmed.items())
        # A feed's orders come after its 226: the time from the first one to the last folder is that of all of them.
        took = max(arrivals.at.values()) - min(confirmed.values()) + options.every
    rate = len(confirmed) / took * 60
    found = {
        "to": options.to,
        "orders": len(confirmed),
        "orders_a_minute": round(rate),
        "asked_a_minute": options.rate,
        "lag_seconds_median": round(statistics.median(lags), 2),
        "lag_seconds_p99": round(lags[int(len(lags) * 0.99)], 2),
        "lag_seconds_worst": round(lags[-1], 2),
        "machine": machine.describe(),
    }
    print(json.dumps(found, indent=1))
    return int(options.strict and rate < options.rate * 0.99)


if __name__ == "__main__":
    sys.exit(main())
