"""The whole way: an FTPS server, a service that fetches from it and is killed while it does, a catalog."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from network.ports import free_block
from network.service import Service, kill
from shop import Shop
from transport.lab.programs import certificate
from transport.scripted import Scripted, Session

COUNT = 16
PARTS = "fetcher,worker,keeper"


@pytest.mark.feature("W10", "W12", "L1", "P3", "U2")
def test_a_fetcher_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    with Scripted(pem) as server:
        for number in range(COUNT):
            op = "sync" if number == 0 else "delta"
            name = f"key_a1_Products_{op}_2026-11-21-00-00-{number:02}.csv"
            server.files[f"/in/{name}"] = f"id,item_name\nA{number},Item {number}\n".encode()

        def slow(session: Session, name: str) -> bool:
            time.sleep(0.1)
            return False

        server.answers["RETR"] = slow
        source = {
            "url": f"ftps://u@127.0.0.1:{server.port}/in", "password_env": "SOURCE_PASSWORD", "verify": str(pem[0]),
            "schedule": "1s", "settle": 0, "after": "delete", "pause_after": 0, "backoff": "0s",
        }  # fmt: skip
        port, *passive = free_block(11)
        service = Service(tmp_path, port, passive, {"sources.erp": source})
        service.start(parts=PARTS, SOURCE_PASSWORD="right")
        try:
            chance = random.Random(7)
            for _ in range(5):
                time.sleep(chance.uniform(0.2, 1.5))
                kill(service.part("fetcher"))
            until = time.monotonic() + 120
            while server.files and time.monotonic() < until:
                time.sleep(0.2)
            assert service.drain(120)
        finally:
            service.stop()
        assert server.files == {}
    tasks = service.tasks()
    assert len({task.filename for task in tasks}) == len(tasks) == COUNT
    assert {task.status for task in tasks} == {"DONE"}
    assert [task.filename for task in tasks] == sorted((task.filename for task in tasks), key=lambda name: name[-10:])
    assert service.complaints() == []
    assert "right" not in service.log.read_text()
    items = Shop.tables_of(service.store)["items"]
    assert sorted(item["id"] for item in items) == sorted(f"A{number}" for number in range(COUNT))
