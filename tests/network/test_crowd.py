"""Two hundred uploads at the same time through ten data ports: all whole, none outside the range, each one a task."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from pathlib import Path
from queue import Queue

import pytest

from network.lab import KEY, Lab
from network.service import Service, Tables
from network.talk import Talk

UPLOADS = 200


@pytest.fixture(scope="module")
def settings() -> Tables:
    return {
        "ftps": {
            "max_per_address": 0,
            "max_per_account": 0,
            "max_sessions": 0,
            "passive_wait": 60,
            "login_timeout": 120,
        },
        "queue": {"limit": 10_000},
    }


@pytest.mark.feature("C6", "L1")
@pytest.mark.slow
def test_two_hundred_uploads_at_once(lab: Lab) -> None:
    contents = {
        f"{KEY}_Products_delta_2026-11-21-{n // 60:02d}-{n % 60:02d}-59.csv": (
            f"id,item_name\nB{n},Item {n}\n" + f"C{n},{'x' * 200}\n" * (n * 2)
        ).encode()
        for n in range(UPLOADS)
    }
    work: Queue[str] = Queue()
    for name in contents:
        work.put(name)
    said: dict[str, str] = {}
    ports: Counter[int] = Counter()
    together = threading.Barrier(UPLOADS)

    def one() -> None:
        name = work.get()
        try:
            with Talk("127.0.0.1", lab.service.port, seconds=120) as talk:
                said[name] = talk.login("partner@example.com", "Long enough 1").text
                together.wait(120)
                said[name] = talk.store(name, contents[name]).text
                for reply in talk.all:
                    if found := re.search(r"\(\|\|\|(\d+)\|\)", reply.text):
                        ports[int(found[1])] += 1
                talk.say("QUIT")
        except Exception as error:
            said[name] = f"{said.get(name)}: {type(error).__name__}: {error}"

    threads = [threading.Thread(target=one) for _ in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [text for text in said.values() if not text.startswith("226")] == []
    assert sum(ports.values()) == UPLOADS
    assert set(ports) <= set(lab.service.passive)
    assert opened_outside(lab.service) == set()
    tasks = {task.filename: task for task in lab.service.tasks() if task.filename in contents}
    assert len(tasks) == UPLOADS
    for name, content in contents.items():
        assert (tasks[name].bytes, tasks[name].sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert lab.service.drain(200)
    assert Counter(task.status for task in lab.service.tasks() if task.filename in contents) == {"DONE": UPLOADS}


def opened_outside(service: Service) -> set[int]:
    """Ports that the server listens on and may not."""
    pid = service.part("ftps")
    mine = {
        name.readlink().name
        for name in Path(f"/proc/{pid}/fd").iterdir()
        if name.is_symlink() and str(name.readlink()).startswith("socket:")
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in mine:
                found.add(int(fields[1].rpartition(":")[2], 16))
    return found - {service.port, *service.passive}
