"""The FTPS server's price: CPU per GB received, and small uploads per second, beside stock pyftpdlib in the same run.

    PYTHONPATH=python:benches python benches/ftps.py [--gib 1] [--uploads 600] [--at-once 50]

Each server is a process of its own; its CPU time is read from the system. Ours hashes, syncs and hands every file to a
desk; stock does none of these. Every byte is compared in the end. Needs curl and openssl; stock needs pyOpenSSL, and is
left out without it. Prints JSON.
"""

from __future__ import annotations

import argparse
import ftplib
import hashlib
import json
import multiprocessing
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import machine

SMALL = 100_000
PASSWORD = "bench password"
SENDERS = 2


# --- the servers, each in a process of its own


def serve_ours(folder: Path, certificate: Path, first: int) -> None:
    """Our server with accounts, landing, hash and sync; the desk only counts."""
    from feedengine.accounts import Accounts
    from feedengine.service.part import Part
    from feedengine.settings import Settings
    from feedengine.store import Store
    from feedengine.transport.ftps import run
    from feedengine.transport.reception import Landed

    class Desk:
        def admit(self, account: Any, virtual: str) -> None:
            return None

        def landed(self, file: Landed) -> int | None:
            return None

        def knows(self, path: Path) -> bool:
            return False

    store = Store.create(folder / "store")
    Accounts(store.root).add("bench", given=PASSWORD, home="bench")
    file = folder / "feedengine.toml"
    file.write_text(
        f'[ftps]\nhost = "127.0.0.1"\nport = {first}\npassive_ports = "{first + 1}-{first + 10}"\n'
        f'certificate = "{certificate}"\nmax_per_address = 0\nmax_per_account = 0\npassive_wait = 60\n'
    )
    run(Part("ftps", store, Settings.load(file, {}), lambda event, **facts: None), Desk())


def serve_stock(folder: Path, certificate: Path, first: int) -> None:
    """pyftpdlib as it comes, with TLS required on both connections."""
    import logging

    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import TLS_FTPHandler
    from pyftpdlib.servers import FTPServer

    logging.basicConfig(level=logging.ERROR)
    home = folder / "home"
    (home / "in").mkdir(parents=True)
    authorizer = DummyAuthorizer()
    authorizer.add_user("bench", PASSWORD, str(home), perm="elradfmwMT")
    handler = TLS_FTPHandler
    handler.certfile, handler.authorizer = str(certificate), authorizer
    handler.tls_control_required = handler.tls_data_required = True
    handler.passive_ports = range(first + 1, first + 11)
    server = FTPServer(("127.0.0.1", first), handler)
    server.max_cons = 4096
    server.serve_forever()


SERVERS: dict[str, tuple[Callable[[Path, Path, int], None], str]] = {
    "feedengine": (serve_ours, "store/homes/bench/in"),
    "pyftpdlib": (serve_stock, "home/in"),
}


class Server:
    """A running server with its CPU clock."""

    def __init__(self, name: str, folder: Path, certificate: Path) -> None:
        function, landing = SERVERS[name]
        folder.mkdir()
        self.port = free_ports(11)
        self.files = folder / landing
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=function, args=(folder, certificate, self.port), daemon=True)
        self.process.start()
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > until or not self.process.is_alive():
                    raise SystemExit(f"{name} did not start") from None
                time.sleep(0.05)

    def cpu(self) -> float:
        """Seconds of CPU so far, all threads."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(20)


def free_ports(count: int) -> int:
    """The first of some free ports in a row."""
    for first in range(20000 + os.getpid() % 5000, 32000, count):
        held: list[socket.socket] = []
        try:
            held.extend(socket.create_server(("127.0.0.1", port)) for port in range(first, first + count))
            return first
        except OSError:
            continue
        finally:
            for each in held:
                each.close()
    raise SystemExit("no free ports")


# --- the senders


def send_small(port: int, certificate: str, names: list[str], at_once: int, out: Any) -> None:
    """Upload each name on a connection of its own, `at_once` at a time; tells seconds and errors."""
    context = ssl.create_default_context(cafile=certificate)
    todo, lock, seconds = list(names), threading.Lock(), []
    errors: list[str] = []
    body = os.urandom(SMALL)

    def work() -> None:
        while True:
            with lock:
                if not todo:
                    return
                name = todo.pop()
            begun = time.perf_counter()
            try:
                one(port, context, name, body)
            except (OSError, EOFError, ftplib.Error) as error:
                errors.append(str(error))
            seconds.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out.put((hashlib.sha256(body).hexdigest(), seconds, errors))


def one(port: int, context: ssl.SSLContext, name: str, body: bytes) -> None:
    """One upload with its own login, continuing the TLS session on the data connection."""
    client = ftplib.FTP_TLS(context=context, timeout=120)
    client.connect("127.0.0.1", port)
    client.host = "localhost"
    try:
        client.login("bench", PASSWORD)
        client.prot_p()
        client.voidcmd("TYPE I")
        client.host = "127.0.0.1"
        plain, _ = ftplib.FTP.ntransfercmd(client, f"STOR /in/{name}")
        assert isinstance(client.sock, ssl.SSLSocket)
        data = context.wrap_socket(plain, server_hostname="localhost", session=client.sock.session)
        data.sendall(body)
        data.unwrap().close()
        client.voidresp()
    finally:
        client.close()


def small_uploads(server: Server, certificate: Path, uploads: int, at_once: int) -> dict[str, Any]:
    """Many small uploads from several processes."""
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    names = [f"small{number}.csv" for number in range(uploads)]
    # The first login of an account costs a password check on purpose; those that follow are what is measured.
    one(server.port, ssl.create_default_context(cafile=str(certificate)), "first.csv", b"first")
    before, begun = server.cpu(), time.perf_counter()
    senders = [
        context.Process(
            target=send_small, args=(server.port, str(certificate), names[at::SENDERS], at_once // SENDERS, out)
        )
        for at in range(SENDERS)
    ]
    for sender in senders:
        sender.start()
    results = [out.get() for _ in senders]
    elapsed = time.perf_counter() - begun
    for sender in senders:
        sender.join()
    cpu = server.cpu() - before
    seconds = sorted(each for _, times, _ in results for each in times)
    errors = [each for _, _, found in results for each in found]
    digests = {digest for digest, _, _ in results}
    whole = sum(
        1
        for name in names
        if (server.files / name).is_file() and hashlib.sha256((server.files / name).read_bytes()).hexdigest() in digests
    )
    return {
        "uploads": uploads,
        "at_once": at_once,
        "per_second": round(uploads / elapsed, 1),
        "server_cpu_ms_each": round(1000 * cpu / uploads, 2),
        "p50_ms": round(1000 * seconds[len(seconds) // 2]),
        "p95_ms": round(1000 * seconds[len(seconds) * 95 // 100]),
        "errors": len(errors),
        "first_error": errors[0] if errors else None,
        "whole": whole,
    }


def big_upload(server: Server, certificate: Path, file: Path) -> dict[str, Any]:
    """One large file by curl over TLS 1.3."""
    before, begun = server.cpu(), time.perf_counter()
    command = ["curl", "-sS", "--ssl-reqd", "--tlsv1.3", "--cacert", str(certificate), "--user", f"bench:{PASSWORD}"]
    subprocess.run([*command, "-T", str(file), f"ftp://localhost:{server.port}/in/big.csv"], check=True)
    elapsed, cpu = time.perf_counter() - begun, server.cpu() - before
    arrived = server.files / "big.csv"
    same = subprocess.run(["cmp", "-s", str(file), str(arrived)], check=False).returncode == 0
    size = file.stat().st_size
    arrived.unlink()
    return {
        "bytes": size,
        "mb_per_second": round(size / elapsed / 1e6),
        "server_cpu_seconds_per_gb": round(cpu / (size / 1e9), 2),
        "same_bytes": same,
    }


def make_certificate(folder: Path) -> Path:
    """RSA-2048, self-signed, with its key."""
    key, certificate, both = folder / "k.pem", folder / "c.pem", folder / "both.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext".split()
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run([*words, names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


def hashing() -> float:
    """CPU seconds that SHA-256 alone takes for a GB here: much where the processor has no instructions for it."""
    block, made = os.urandom(1 << 20), hashlib.sha256()
    begun = time.process_time()
    for _ in range(200):
        made.update(block)
    return (time.process_time() - begun) / (200 * (1 << 20) / 1e9)


def main() -> int:
    """Measure, print, and say by the exit code whether every byte arrived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--uploads", type=int, default=600)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--times", type=int, default=2, help="rounds; the servers take turns in each")
    parser.add_argument("--folder", type=Path, help="where files go (default: a temporary folder)")
    given = parser.parse_args()
    names = ["feedengine"]
    if machine.version("pyOpenSSL"):
        names.append("pyftpdlib")
    else:
        print("pyOpenSSL is not installed: stock pyftpdlib is left out", file=sys.stderr)
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        certificate = make_certificate(folder)
        big = folder / "big.bin"
        with big.open("wb") as file:
            block = os.urandom(1 << 20)
            for number in range(int(given.gib * 1024)):
                file.write(block[number % 1024 :] + block[: number % 1024])
        for turn in range(given.times):
            for contender in names:
                server = Server(contender, folder / f"{contender}{turn}", certificate)
                try:
                    small = small_uploads(server, certificate, given.uploads, given.at_once)
                    rounds[contender].append({"small": small, "big": big_upload(server, certificate, big)})
                finally:
                    server.stop()
    document = {
        "machine": machine.describe(),
        "load": [round(each, 1) for each in os.getloadavg()],
        "sha256_cpu_seconds_per_gb": round(hashing(), 2),
        "rounds": rounds,
    }
    print(json.dumps(document, indent=2))
    bad = [
        name
        for name, found in rounds.items()
        for each in found
        if each["small"]["whole"] != given.uploads or not each["big"]["same_bytes"]
    ]
    if bad:
        print(f"not all bytes arrived: {', '.join(bad)}", file=sys.stderr)
    return 1 if "feedengine" in bad else 0


if __name__ == "__main__":
    sys.exit(main())
