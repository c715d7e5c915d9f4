"""`feedengine serve` in processes of its own, for tests that send signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from command import command, environment
from feedengine.ledger import process
from feedengine.store import Store

SECONDS = 120.0


class Serving:
    """A store with settings, and the service on it; ends with the block."""

    def __init__(self, root: Path, rules: str = "", parts: str | None = "worker,keeper", **env: str) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.config = root / "feedengine.toml"
        if not self.config.exists():
            self.config.write_text(
                f'[store]\npath = "store"\n[log]\nplace = "file"\n[queue]\nworkers = 1\nvisible_min = 0\n{rules}\n'
            )
        self.store = Store.create(root / "store")
        words = ["--parts", parts] if parts else []
        self.out = root / "out"
        with self.out.open("wb") as out, (root / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "feedengine", "--config", str(self.config), "--json", "serve", *words],
                env=environment(**env),
                stdout=out,
                stderr=err,
            )

    def __enter__(self) -> Serving:
        self.until(lambda: self.out.read_bytes().endswith(b"\n"))
        return self

    def __exit__(self, *_: object) -> None:
        children = self.children()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for identity in children.values():
            process.end(identity)

    def until(self, true: Callable[[], object]) -> None:
        """Wait for something; fail if the service ends or it takes too long."""
        deadline = time.monotonic() + SECONDS
        while not true():
            assert self.process.poll() is None, (self.process.returncode, self.out.read_text(), self.error())
            assert time.monotonic() < deadline, (self.error(), self.log())
            time.sleep(0.02)

    def children(self) -> dict[str, str]:
        """The processes of the parts by name, those that run."""
        try:
            noted: dict[str, str] = json.loads((self.store.root / "run" / "children.json").read_text())
        except (OSError, ValueError):
            return {}
        return {name: identity for name, identity in noted.items() if identity and not process.gone(identity)}

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a part."""
        os.kill(int(self.children()[name].split()[1]), number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def events(self) -> list[dict[str, Any]]:
        """What was logged."""
        lines = self.log().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def logged(self, event: str, **facts: Any) -> bool:
        return any(
            each["event"] == event and all(each.get(name) == value for name, value in facts.items())
            for each in self.events()
        )

    def log(self) -> str:
        path = self.store.root / "log" / "feedengine.log"
        return path.read_text() if path.exists() else ""

    def error(self) -> str:
        return (self.root / "err").read_text()

    def feed(self, name: str, content: str = "id,item_name\nA,a\n") -> Path:
        """A feed file."""
        path = self.root / name
        path.write_text(content)
        return path

    def run(self, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same store."""
        return command("--config", self.config, *words, **env)
