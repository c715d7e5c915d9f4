"""A day in the life: a real `feedengine serve`, many partners, faults, kills, and an account of every file at the end.

    python tests/soak/day.py --accounts 50 --feeds 2000 --seed 7
    python tests/soak/day.py --protocols sftp --kills 0    # no process is started anew: is its memory flat?

Prints a JSON summary; exit code 1 and sentences on stderr where something is not accounted for. `--keep` leaves the
store, the service's log and the partners' journal for whoever has to find out why.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    here = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(here), str(here.parent / "python")]

from feedengine.store import Store
from network.ports import free_block
from network.proxy import Proxy
from network.service import Service, Tables
from soak import clients, havoc, sftp, verdict, watch
from soak.feeds import Sent, feeds_of
from soak.journal import Journal
from soak.world import Partner, make


class Day:
    """One day. `options` are those of the command line."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        protocols = options.protocols
        self.partners = make(options.accounts, options.seed, small=options.short, protocols=protocols)
        self.kinds = tuple(kind for kind in havoc.KILLS if kind != "sftp" or kind in protocols)
        block = free_block(12, tuple(f"127.0.0.{1 + number}" for number in range(options.senders + 1)))
        self.sftp_port = block[11]
        self.service = Service(
            folder, block[0], block[1:11], settings(self.partners, self.sftp_port, enabled="sftp" in protocols)
        )
        self.journal = Journal(folder / "journal.jsonl")
        self.proxies = [Proxy(block[0], block[1:], at=f"127.0.0.{2 + number}") for number in range(options.senders)]
        self.work: queue.Queue[tuple[Partner, Iterator[Sent]]] = queue.Queue()
        self.left = options.feeds
        self.done = 0
        self.failures: list[str] = []
        self.killed: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self._lock = threading.Lock()

    def run(self) -> dict[str, Any]:
        """The whole day; its summary. `differences` in it is empty when all is well."""
        began = time.monotonic()
        for partner in self.partners:
            self.service.add_account(partner.login, partner.password, home=partner.home, keys=partner.keys)
        self.service.start()
        try:
            found = self._through(began)
        finally:
            for proxy in self.proxies:
                proxy.close()
            self.service.stop()
            self.journal.close()
        return found

    def _through(self, began: float) -> dict[str, Any]:
        idle = {pid: watch.holding(pid) for pids in self.service.parts().values() for pid in pids}
        eyes = watch.Watch(self.service.parts)
        share = -(-self.options.feeds // len(self.partners))
        for partner in self.partners:
            self.work.put((partner, feeds_of(partner, share)))
        senders = [threading.Thread(target=self._send, args=(proxy,), daemon=True) for proxy in self.proxies]
        for sender in senders:
            sender.start()
        self._havoc(senders)
        sent = time.monotonic() - began
        drained = self.service.drain(self.options.drain)
        lives = eyes.stop()
        account = verdict.Account(differences=list(self.failures))
        if not drained:
            account.differences.append("after the last upload the queue came to a stop before it was empty")
        for pids in self.service.parts().values():
            for pid in pids:
                before = idle.get(pid)
                late = watch.settled(pid, before) if before else None
                account.differences += [late] if late else []
        account.differences += watch.growth(lives)
        self._judge(account)
        return self._summary(account, lives, sent, time.monotonic() - began)

    def _judge(self, account: verdict.Account) -> None:
        store = Store.open(self.service.store)
        tasks = verdict.all_tasks(store)
        verdict.check_ledger(account, self.journal, tasks)
        verdict.check_folders(account, self.service.store / "homes", self.partners, tasks)
        account.parts_kept = verdict.check_parts(account, store)
        verdict.check_catalogs(account, self.journal, tasks, store, self.service.settings(), self.folder)
        account.differences += self.service.complaints()
        store.ledger.close()

    def _send(self, proxy: Proxy) -> None:
        """One sender: takes a partner, sends its next feed, and lets another partner go first."""
        while True:
            with self._lock:
                if self.left <= 0 or self.failures:
                    return
                self.left -= 1
            try:
                partner, feeds = self.work.get(timeout=1.0)
                sent = next(feeds, None)
            except queue.Empty:
                sent = None
            if sent is None:
                with self._lock:
                    self.left += 1
                continue
            result = clients.deliver(self.journal, sent, lambda sent, number: self._attempt(proxy, sent, number))
            with self._lock:
                self.done += 1
                if result not in ("stored", "refused"):
                    self.failures.append(f"{sent.name} of {partner.login} could not be sent: {result}")
            self.work.put((partner, feeds))

    def _attempt(self, proxy: Proxy, sent: Sent, number: int) -> tuple[str, str]:
        bad = havoc.trouble(self.options.seed, sent, number)
        if bad.fault:
            proxy.arm(bad.fault, bad.channel)
        if bad.die_after is not None:
            with self._lock:
                self.troubles["client killed"] += 1
        over_ssh = sent.partner.protocol == "sftp"
        port, once = (self.sftp_port, sftp.attempt) if over_ssh else (proxy.port, clients.attempt)
        try:
            return once(proxy.host, port, sent, die_after=bad.die_after, seconds=4.0 if bad.fault else 30.0)
        finally:
            proxy.disarm()

    def _havoc(self, senders: list[threading.Thread]) -> None:
        """Kill as planned until the last sender has ended."""
        planned = havoc.kills(self.options.seed, self.options.kills, self.kinds)
        while any(sender.is_alive() for sender in senders):
            if planned and self.done >= planned[0][0] * self.options.feeds:
                _, kind = planned.pop(0)
                self.service.hurt(kind)
                self.killed[kind] += 1
            time.sleep(0.02)

    def _summary(self, account: verdict.Account, lives: list[watch.Life], sent: float, total: float) -> dict[str, Any]:
        for proxy in self.proxies:
            self.troubles.update(proxy.counts)
        attempts = Counter(attempt.result for attempt in self.journal.attempts)
        return {
            "seed": self.options.seed,
            "accounts": len(self.partners),
            "feeds": self.done,
            "bytes": sum(len(sent.content) for sent in self.journal.sent.values()),
            "kinds": dict(Counter(sent.kind for sent in self.journal.sent.values()).most_common()),
            "attempts": dict(attempts.most_common()),
            "faults": dict(self.troubles.most_common()),
            "kills": dict(self.killed),
            "tasks": account.tasks,
            "outcomes": dict(sorted(account.outcomes.items())),
            "compared_with_reference": account.compared,
            "parts_kept": account.parts_kept,
            "seconds": {"sending": round(sent, 1), "in_all": round(total, 1)},
            "most": watch.peaks(lives),
            "memory": watch.courses(lives),
            "differences": account.differences,
        }


def settings(partners: list[Partner], sftp_port: int, *, enabled: bool) -> Tables:
    """The day's settings: rows are rejected one by one, and times fit a short day."""
    catalogs = {f'catalogs."{catalog.name}".rules': {"rows": "reject"} for one in partners for catalog in one.catalogs}
    return {
        **catalogs,
        "engine": {"threads": 1},
        "queue": {"workers": 2, "visible_min": 1, "lease": 5},
        "sftp": {"enabled": enabled, "host": "127.0.0.1", "port": sftp_port, "login_delay": 0.1, "max_per_address": 0},
        "ftps": {"idle_timeout": 20, "stall_timeout": 5, "connect_timeout": 5, "max_per_address": 200},
    }


def _protocols(text: str) -> tuple[str, ...]:
    named = tuple(text.split(","))
    known = {"ftps", "sftp"} if sftp.available() else {"ftps"}
    if not known.issuperset(named):
        raise argparse.ArgumentTypeError(f"there are {', '.join(sorted(known))}")
    return named


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The options; `--short` is the day that the tests live through."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--accounts", type=int)
    parser.add_argument("--feeds", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--senders", type=int, default=6, help="uploads at the same time")
    parser.add_argument("--protocols", type=_protocols, help="of the partners in turn (default: every fourth has sftp)")
    parser.add_argument("--kills", type=int, help="how often each kind of kill happens")
    parser.add_argument(
        "--drain", type=float, default=60.0, help="seconds without progress after which the queue is stuck"
    )
    parser.add_argument("--short", action="store_true", help="8 accounts, 60 feeds, one kill of each kind")
    parser.add_argument("--keep", type=Path, help="a folder for the store and the logs, to look at afterwards")
    options = parser.parse_args(argv)
    if options.protocols is None:
        options.protocols = ("ftps", "ftps", "ftps", "sftp") if sftp.available() else ("ftps",)
    defaults = (8, 60, 1) if options.short else (50, 2000, 4)
    for name, value in zip(("accounts", "feeds", "kills"), defaults, strict=True):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def main(argv: list[str] | None = None) -> int:
    """Live through the day; 0 when everything is accounted for."""
    options = arguments(argv)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="feedengine-day-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = Day(options, folder).run()
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found, indent=2))
    for difference in found["differences"]:
        print(difference, file=sys.stderr)
    return 1 if found["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
