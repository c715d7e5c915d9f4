"""The service is killed at every step, round after round: nothing is lost, nothing is applied twice.

`make kills` does 200 rounds (`python tests/service/kill_loop.py --rounds 200 --seed 1`, with the package and `tests` on
the path). A round starts `feedengine serve`, sends patches over FTPS, and kills a part of it, the supervisor or all of
them: at a fault point or at any moment. Then it runs undisturbed to the end, and every file is accounted for. The
points are dealt like cards: with as many rounds as there are points each is met once at least, or the run fails. With
--no-ftps a small process that only names files and tells the desk stands in for the server.
"""

from __future__ import annotations

import argparse
import ftplib
import itertools
import json
import os
import random
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from command import environment
from feedengine import ingest
from feedengine.accounts import Accounts
from feedengine.ledger import Queue, Task
from feedengine.service.again import again
from feedengine.service.running import pid
from feedengine.settings import Settings
from feedengine.store import Store
from network.ports import free_block
from service.deck import Deck

PACKAGE = Path(__file__).parents[2] / "python" / "feedengine"
LOGIN = "shop@example.com"
KEYS = ("key_a1", "key_b2")
ITEMS = 40
#: Where workers and the keeper can be killed.
POINTS = (
    *("serve.claimed", "serve.planned", "serve.worked", "serve.adopted", "serve.reported", "serve.told"),
    *(
        "serve.turn",
        "serve.moved",
        "task.started",
        "task.planned",
        "commit.locked",
        "commit.begun",
        "commit.after_index",
    ),
    *("commit.before_commit", "commit.after_commit", "ledger.before_finish"),
)
#: Where whoever receives files can be killed.
LANDING = ("serve.kept", "serve.queued", "ledger.after_create")
#: Where the FTPS server itself can be killed on top of these.
SERVER = ("serve.landing.synced", "serve.landing.named", "serve.landing.told")
_SECONDS = 120.0
#: Rounds more for each point that was missed.
_TRIES = 4


def points_of_the_service() -> set[str]:
    """Every point of the queue's own files."""
    found = set()
    for source in (*(PACKAGE / "service").glob("*.py"), PACKAGE / "ledger" / "queue.py"):
        # Those with a third part are of sending and fetching.
        found |= set(re.findall(r"\bpoint\(\s*\"(serve\.[a-z]+)\"", source.read_text()))
    return found


@dataclass
class Loop:
    """One run. `sent` are the files by name with key and what they set; `unsure` those whose answer never came.

    `tries` says how often a file was sent: one whose answer was lost is sent again, and where the first was taken and
    put away meanwhile the second is a task of its own, as two uploads of one name are.
    """

    root: Path
    chance: random.Random
    ftps: bool = True
    sent: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    _serve: subprocess.Popen[bytes] | None = None
    _lander: subprocess.Popen[str] | None = None
    _client: ftplib.FTP_TLS | None = None
    _felled: bool = False
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.deck = Deck((*POINTS, *LANDING, *(SERVER if self.ftps else ())), self.chance)
        self.root.mkdir(parents=True, exist_ok=True)
        self.config = self.root / "feedengine.toml"
        port = free_block(11)[0]
        self.port = port
        self.config.write_text(
            f'[ftps]\nhost = "127.0.0.1"\nport = {port}\npassive_ports = "{port + 1}-{port + 10}"\n'
            '[store]\npath = "store"\n[queue]\nvisible_min = 0\nworkers = 2\nlease = 2\n[serve]\ndrain = 5\n'
            '[safeguard]\nlimit = "off"\n[log]\nplace = "file"\n'
        )
        self.settings = Settings.load(self.config, env={})
        self.store = Store.create(self.root / "store")
        self.queue = Queue(self.store.ledger)
        accounts = Accounts(self.store.root)
        entry, self._password = accounts.add(LOGIN, keys=KEYS)
        self.home = accounts.home(entry.account)
        for key in KEYS:
            feed = self.root / f"{key}_Products_sync_2026-01-01.csv"
            feed.write_text("id,item_name,metadata:n\n" + "".join(f"A{n},Item {n},0\n" for n in range(ITEMS)))
            ingest.run(self.store, self.settings, ingest.FeedRequest(feed, catalog=f"{key}/Products", operation="sync"))

    def run(self, rounds: int) -> dict[str, Any]:
        """All rounds and the end; gives the figures. Raises AssertionError for anything that is wrong."""
        try:
            due = self._rounds(rounds)
            self._settle()
        finally:
            self._end()
        figures = self._check()
        assert not self.deck.never(due), f"points that were never reached: {self.deck.never(due)}"
        return figures

    def _rounds(self, rounds: int) -> list[str]:
        """All rounds, and some more for points that were missed; gives the points that must have been met."""
        every = rounds >= len(self.deck.cards)
        for number in range(rounds):
            self._round(number, at_point=every and len(self.deck.never()) >= rounds - number)
        due = sorted(self.deck.cards if every else self.deck.dealt)
        for number in range(rounds, rounds + _TRIES * len(self.deck.never(due))):
            if not self.deck.never(due):
                break
            self._round(number, at_point=True)
        return due

    # One round

    def _round(self, number: int, *, at_point: bool) -> None:
        kinds = ("point", "worker", "keeper", "supervisor", "all", "pause")
        kind = "point" if at_point else self.chance.choices(kinds, (8, 4, 1, 3, 3, 1))[0]
        fault = self.deck.deal() if kind == "point" else None
        landing = fault if not self.ftps and fault in LANDING else None
        if fault == "serve.adopted":
            self._leave_one(number)
        self._start(None if landing else fault, number)
        if not self.ftps and (landing or self._lander is None or self._lander.poll() is not None):
            self._receive(landing)
        self._send(self.chance.randint(1, 3))
        if fault is not None:
            self.deck.note(fault, self._felled if landing else self._met(number))
        else:
            time.sleep(self.chance.uniform(0.0, 0.6))
            self._kill(kind)
        if self.chance.random() < 0.3:
            self._kill_server()
        if self.chance.random() < 0.5:
            self._send(1)
        if kind == "point" and self.chance.random() < 0.5:
            self._kill("supervisor")

    def _leave_one(self, number: int) -> None:
        """A task whose worker is gone, and nobody who could see to it yet."""
        self._start("task.started", number, "left")
        if not self.ftps and self._lander is None:
            self._receive(None)
        self._send(1)
        if self._met(number, "left"):
            self._kill("all")

    def _start(self, fault: str | None, number: int, mark: str = "once") -> None:
        """`feedengine serve`, with a fault where one is wanted: one that runs without it is ended gently first."""
        if self._serve is not None and self._serve.poll() is None:
            if fault is None and self.chance.random() < 0.7:
                return
            self._serve.send_signal(signal.SIGTERM)
            self._serve.wait(_SECONDS)
        extra = {}
        if fault is not None:
            extra = {"FEEDENGINE_FAULT": fault, "FEEDENGINE_FAULT_ONCE": str(self.root / f"{mark}-{number}")}
        parts = "ftps,worker,keeper" if self.ftps else "worker,keeper"
        argv = [sys.executable, "-m", "feedengine", "--config", str(self.config), "serve", "--parts", parts]
        with (self.root / "serve.out").open("ab") as out:
            self._serve = subprocess.Popen(argv, env=environment(**extra), stdout=out, stderr=out)

    def _receive(self, fault: str | None) -> None:
        extra = {"FEEDENGINE_FAULT": fault} if fault is not None else {}
        argv = [sys.executable, str(Path(__file__).with_name("lander.py")), str(self.config), LOGIN]
        self._give_up_lander()
        self._lander = subprocess.Popen(
            argv, env=environment(**extra), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._felled = False

    def _send(self, count: int) -> None:
        """Send patches. One without an answer was taken or was not: its sender sends it again later."""
        for name in [*self.unsure]:
            self._put(name, self.unsure[name])
        for _ in range(count):
            number = next(self._numbers)
            key = self.chance.choice(KEYS)
            items = self.chance.sample(range(ITEMS), 10)
            name = f"{key}_Products_patchdelta_{number}.csv"
            self.sent[name] = (key, {f"A{item}": str(number) for item in items})
            self._put(name, "id,metadata:n\n" + "".join(f"A{item},{number}\n" for item in items))

    def _put(self, name: str, content: str) -> None:
        self.unsure[name] = content
        self.tries[name] += 1
        if self.ftps:
            if self._upload(name, content):
                del self.unsure[name]
            return
        if self._lander is None or self._lander.stdin is None or self._lander.stdout is None:
            return
        with suppress(BrokenPipeError):
            self._lander.stdin.write(json.dumps({"name": name, "content": content}) + "\n")
            self._lander.stdin.flush()
            if self._lander.stdout.readline().strip() in ("done", "exists"):
                del self.unsure[name]
                return
        self._give_up_lander(alive=False)

    def _upload(self, name: str, content: str) -> bool:
        """Send a file over FTPS; whether the server has it for certain."""
        deadline = time.monotonic() + 20.0
        while self._client is None and self._runs() and time.monotonic() < deadline:
            self._client = self._connect()
        if self._client is None:
            return False
        try:
            self._client.storbinary(f"STOR {name}", BytesIO(content.encode()))
            return True
        except ftplib.error_perm as refused:
            # It is there already: the answer to the first time was lost.
            assert str(refused).startswith("553"), refused
            return True
        except (OSError, EOFError, ftplib.Error):
            self._client.close()
            self._client = None
            return False

    def _connect(self) -> ftplib.FTP_TLS | None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = ftplib.FTP_TLS(context=context, timeout=60)
        try:
            client.connect("127.0.0.1", self.port)
            client.login(LOGIN, self._password)
            client.prot_p()
            return client
        except (OSError, EOFError, ftplib.Error):
            client.close()
            time.sleep(0.1)
            return None

    def _give_up_lander(self, *, alive: bool = True) -> None:
        if self._lander is None:
            return
        # One that does not answer has died by itself, or is about to.
        with suppress(subprocess.TimeoutExpired):
            self._felled = self._lander.wait(0.0 if alive else 5.0) == -signal.SIGKILL
        self._lander.kill()
        self._lander.wait()
        for pipe in (self._lander.stdin, self._lander.stdout):
            # What it was never told of is still in the pipe's buffer.
            with suppress(BrokenPipeError):
                assert pipe is not None
                pipe.close()
        self._lander = None

    def _kill_server(self) -> None:
        if self._lander is not None:
            self._give_up_lander()
            self.kills["server"] += 1
        elif (number := self._children().get("ftps")) is not None:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
                self.kills["server"] += 1

    def _runs(self) -> bool:
        """Whether the supervisor lives: without it nobody starts a server again."""
        return self._serve is not None and self._serve.poll() is None

    def _met(self, number: int, mark: str = "once") -> bool:
        """Wait for the fault to be met, for a while: what was sent may have been done before it was set."""
        deadline = time.monotonic() + 15.0
        while time.monotonic() < deadline:
            if (self.root / f"{mark}-{number}").exists():
                return True
            time.sleep(0.02)
        return False

    def _kill(self, kind: str) -> None:
        serve = self._serve
        if serve is None or not self._runs():
            return
        children = list(self._children().values())
        if kind == "supervisor":
            serve.kill()
        elif kind == "all":
            for each in [serve.pid, *children]:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
        elif kind in ("worker", "pause", "keeper") and children:
            victim = self.chance.choice(children)
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGSTOP if kind == "pause" else signal.SIGKILL)
                if kind == "pause":
                    # Longer than its lease: somebody else takes its task, then it goes on.
                    time.sleep(3.0)
                    os.kill(victim, signal.SIGCONT)
        self.kills[kind] += 1
        if kind in ("supervisor", "all"):
            serve.wait()

    def _children(self) -> dict[str, int]:
        with suppress(OSError, ValueError):
            noted = json.loads((self.store.root / "run" / "children.json").read_text())
            return {name: int(each.split()[1]) for name, each in noted.items() if each}
        return {}

    # The end

    def _settle(self) -> None:
        """Run undisturbed until every file that was sent has been applied."""
        self._start(None, -1)
        deadline = time.monotonic() + 4 * _SECONDS + len(self.sent)
        while True:
            assert time.monotonic() < deadline, self._left()
            if self._serve is None or self._serve.poll() is not None:
                self._start(None, -1)
            if self._lander is None and not self.ftps:
                self._receive(None)
            self._send(0)
            for task in self._tasks():
                if task.outcome == "quarantined":
                    again(self.store, self.settings, task.id, actor="loop")
                    self.kills["quarantined"] += 1
            done = {task.filename for task in self._tasks() if task.status == "DONE" and task.followed}
            if not self.unsure and done >= set(self.sent):
                return
            time.sleep(0.3)

    def _end(self) -> None:
        if self._client is not None:
            self._client.close()
        self._give_up_lander()
        if self._serve is not None and self._serve.poll() is None:
            self._serve.send_signal(signal.SIGTERM)
            assert self._serve.wait(_SECONDS) == 0, "the service did not end gently"
        assert pid(self.store) is None

    def _tasks(self) -> list[Task]:
        return [task for task in self.store.ledger.list(limit=1_000_000).tasks if task.queued]

    def _left(self) -> str:
        left = [(task.id, task.filename, task.status, task.outcome, task.error) for task in self._tasks()]
        return str({"tasks": [each for each in left if each[2] != "DONE"][:5], "unsure": list(self.unsure)[:5]})

    def _check(self) -> dict[str, Any]:
        tasks = self._tasks()
        named = Counter(task.filename for task in tasks)
        assert set(named) == set(self.sent), "a file was lost or made up"
        more = [name for name, count in named.items() if count > self.tries[str(name)]]
        assert not more, f"taken more often than sent: {more}"
        assert {task.status for task in tasks} == {"DONE"}
        assert all(task.outcome == "ok" or named[task.filename] > 1 for task in tasks)
        for key in KEYS:
            mine = sorted((task for task in tasks if task.key == key), key=lambda task: (task.place, task.id))
            with self.store.catalog(key) as catalog:
                made = [info for info in catalog.snapshots() if info.operation == "patchdelta"]
            applied = [task for task in mine if task.new_snapshot is not None]
            assert [info.task for info in made] == [task.id for task in applied], "order, or something applied twice"
            assert [info.number for info in made] == [task.new_snapshot for task in applied], (
                "ledger and store disagree"
            )
            numbers = {info.number: info for info in made}
            model = {f"A{n}": "0" for n in range(ITEMS)}
            for task in mine:
                values = self.sent[str(task.filename)][1]
                changed = sum(model[item] != value for item, value in values.items())
                counted = numbers[task.new_snapshot].counts["items"]["changed"] if task.new_snapshot else 0
                assert counted == changed == (task.report or {})["entities"]["items"]["changed"], task.id
                model |= values
            assert self._items(key) == model
        inbox = [path.name for path in self.home.iterdir() if path.is_file() and not path.name.startswith(".")]
        assert not inbox, f"still in the inbox: {inbox}"
        moved = Counter(path.name.partition("__")[2] for path in (self.home / "processed").rglob("*") if path.is_file())
        assert moved == named, "files that were moved"
        reports = list((self.home / "reports").rglob("summary.json"))
        assert len(reports) == len(tasks)
        assert all(json.loads(path.read_text())["status"] == "DONE" for path in reports)
        return {
            "files": len(tasks),
            "sent_again": sum(named.values()) - len(named),
            "kills": dict(sorted(self.kills.items())),
            "points": dict(sorted(self.deck.reached.items())),
            "crashes": sum(t.crashes for t in tasks),
        }

    def _items(self, key: str) -> dict[str, str]:
        import pyarrow as pa

        with self.store.catalog(key) as catalog:
            rows = pa.table(catalog.export_rows("Products", "items", None)).to_pylist()
        return {row["id"]: row["metadata:n"] for row in rows}


def main() -> int:
    """Parse, run, print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-ftps", action="store_true", help="without the FTPS server")
    parser.add_argument("--keep", action="store_true", help="leave the store for a look")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="feedengine-kill-"))
    started = time.monotonic()
    try:
        figures = Loop(folder, random.Random(arguments.seed), not arguments.no_ftps).run(arguments.rounds)
    except BaseException:
        print(f"seed {arguments.seed}; left as it was: {folder}", file=sys.stderr)
        raise
    if not arguments.keep:
        shutil.rmtree(folder)
    print(json.dumps({"rounds": arguments.rounds, "seconds": round(time.monotonic() - started), **figures}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
