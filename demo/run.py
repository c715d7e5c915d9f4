"""The main job on a made-up catalog by the real command line: what it prints, its time and its memory.

First load, next day's full feed as tar.gz, a price patch, a feed that was cut off and is refused, a rollback. With
--feed, a file of yours is planned and loaded into a scratch store instead. Everything is written under .demo.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REFUSED_BY_SAFEGUARD = 3


@dataclass
class Demo:
    """Runs commands on one scratch store and remembers what they took."""

    folder: Path
    steps: list[tuple[str, float, float, int]] = field(default_factory=list)
    failed: bool = False

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def title(self, text: str) -> None:
        print(f"\n== {text}", flush=True)

    def command(self, title: str, *arguments: str | Path, expect: int = 0) -> None:
        """Show the command, run it, let it print, say what it took."""
        self.title(title)
        words = ["feedengine", *(self.short(argument) for argument in arguments)]
        print(f"$ {shlex.join(words)}", flush=True)
        program = Path(sys.executable).parent / "feedengine"
        # The store is the one that `init` made here, whatever the user's own settings say.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FEEDENGINE_")}
        started = time.perf_counter()
        process = subprocess.Popen([program, *words[1:]], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = code = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime
        memory = usage.ru_maxrss / 1024
        print(f"-- {seconds:.2f} s wall, {cpu:.2f} s CPU, {memory:.0f} MiB peak memory, exit code {code}", flush=True)
        if code != expect:
            print(f"-- UNEXPECTED: the exit code should be {expect}", flush=True)
            self.failed = True
        self.steps.append((title, seconds, memory, code))

    def short(self, argument: str | Path) -> str:
        """Paths as seen from the folder in which the commands run."""
        if isinstance(argument, Path) and argument.is_relative_to(self.folder):
            return str(argument.relative_to(self.folder))
        return str(argument)

    def generate(self, name: str, **spec: Any) -> Path:
        """Make a feed; the time for it is not the engine's."""
        from feedengine import engine

        path = self.folder / name
        started = time.perf_counter()
        answer = engine.generate(spec, path)
        rows = " · ".join(f"{entity} {counts['rows']:,}" for entity, counts in answer["entities"].items())
        print(
            f"made {name}: {rows}, {answer['bytes'] / 1e6:,.0f} MB, {time.perf_counter() - started:.1f} s", flush=True
        )
        for entity, counts in answer["entities"].items():
            if counts["before"]:
                parts = ", ".join(f"{counts[key]:,} {key}" for key in ("added", "changed", "removed", "unchanged"))
                print(f"  to be found: {entity} {parts}", flush=True)
        return path

    def summary(self) -> None:
        self.title("In all")
        for title, seconds, memory, code in self.steps:
            print(f"  {title:44} {seconds:7.2f} s {memory:7.0f} MiB   exit {code}")


def made_up(demo: Demo, items: int, variations: int, groups: int, seed: int) -> None:
    """The story on a generated catalog."""
    size = {"seed": seed, "items": items, "variations": variations, "groups": groups}
    name = "key_demo_Products_{}_2026-01-{:02}-{:02}-00-00.{}"
    demo.title("The feeds")
    first = demo.generate(name.format("sync", 1, 2, "tar"), **size, container="tar")
    second = demo.generate(
        name.format("sync", 2, 2, "tar.gz"), **size, day=2, shuffle=True, container="tar.gz", level=1
    )
    prices = demo.generate(
        name.format("patchdelta", 2, 9, "csv"), **size, day=2, container="file", patch=max(1, items // 50)
    )
    cut = demo.generate(
        name.format("sync", 3, 2, "csv"),
        **size,
        entities=["items"],
        day=2,
        shuffle=True,
        container="file",
        keep=4_000,
        cut_record=True,
    )
    catalog = ("--catalog", "key_demo/Products")
    demo.command("An empty store", "init", ".")
    demo.command("First load", "sync", first, *catalog)
    demo.command("Next day's full feed", "sync", second, *catalog)
    demo.command("New prices", "apply", prices, *catalog)
    demo.command("A full feed that was cut off", "sync", cut, *catalog, expect=REFUSED_BY_SAFEGUARD)
    demo.command("Back to the first day", "snapshot", "rollback", "1", *catalog)
    demo.command("What there is now", "snapshot", "list", *catalog)


def given(demo: Demo, feed: Path) -> None:
    """Plan and load a file of the user's."""
    catalog = ("--catalog", "key_demo/Products")
    demo.command("An empty store", "init", ".")
    demo.command("What it would do", "plan", feed, *catalog, "--operation", "sync")
    demo.command("Load it", "sync", feed, *catalog)
    demo.command("Load it again: nothing changes", "sync", feed, *catalog)
    demo.command("What there is now", "snapshot", "list", *catalog)


def main() -> int:
    """Parse and run; 1 when a step ended otherwise than it should."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--variations", type=int, default=2_000_000)
    parser.add_argument("--groups", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--feed", type=Path, help="a file of yours instead")
    parser.add_argument("--dir", type=Path, default=ROOT / ".demo")
    arguments = parser.parse_args()
    demo = Demo(arguments.dir.resolve())
    started = time.perf_counter()
    if arguments.feed:
        given(demo, arguments.feed.resolve(strict=True))
    else:
        made_up(demo, arguments.items, arguments.variations, arguments.groups, arguments.seed)
    demo.summary()
    print(f"  {'everything, feeds made included':44} {time.perf_counter() - started:7.2f} s")
    print(f"\nThe store is {os.path.relpath(demo.folder)}; remove it with `make clean`.")
    return 1 if demo.failed else 0


if __name__ == "__main__":
    sys.exit(main())
