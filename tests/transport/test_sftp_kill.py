"""The SFTP server killed at each moment of a landing: sending again is enough, and nothing is lost or cut."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from feedengine.accounts import Accounts
from feedengine.errors import TransportError
from feedengine.settings.kinds import Secret
from feedengine.store import Store
from feedengine.transport.connecting import connect
from feedengine.transport.remote import Place

FEED = "key_a_Products_sync_2026-11-21-02-00-00.csv"
DATA = b"id,item_name,url\n" + b"".join(b"%d,Name,https://x/%d\n" % (each, each) for each in range(20_000))
SERVER = """
import sys, threading
from pathlib import Path
from feedengine.service.part import Part
from feedengine.service.reception import Desk
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.sftp import run
store, settings = Store.open(Path(sys.argv[1])), Settings.load(None)
log = lambda event, **facts: print(event, file=sys.stderr)
part = Part("sftp", store, settings, log, ready=lambda **facts: print(facts["listening"], flush=True))
threading.Thread(target=lambda: (sys.stdin.read(), part.stopping.set()), daemon=True).start()
run(part, Desk(store, settings))
"""


@contextmanager
def server(root: Path, **env: str) -> Iterator[Place]:
    """The server in a process of its own, with the engine's own desk."""
    more = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "FEEDENGINE_SFTP_HOST": "127.0.0.1",
        "FEEDENGINE_SFTP_PORT": "0",
        # One that is made fast.
        "FEEDENGINE_SFTP_HOST_KEYS": str(root / "host"),
    }
    running = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **more, **env},
    )
    assert running.stdin is not None and running.stdout is not None
    try:
        port = int(running.stdout.readline().rpartition(":")[2])
        known = (root / "host.pub").read_text()
        secret = Secret("correct horse battery")
        yield Place("sftp", "/in", host="127.0.0.1", port=port, user="shop", password=secret, known_host=known)
    finally:
        running.stdin.close()
        running.wait(120)
        running.stdout.close()


@pytest.mark.feature("W10", "W12")
@pytest.mark.parametrize(
    "point", ["serve.landing.synced", "serve.kept", "serve.landing.named", "serve.landing.told", "ledger.after_create"]
)
def test_sending_again_after_a_kill_is_enough(tmp_path: Path, point: str) -> None:
    store = Store.create(tmp_path / "store")
    Accounts(store.root).add("shop", given="correct horse battery")
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(store.root / "host")
    key.write_public_key(store.root / "host.pub")
    source = tmp_path / "source.csv"
    source.write_bytes(DATA)
    with (
        server(store.root, FEEDENGINE_FAULT=point) as place,
        connect(place) as remote,
        pytest.raises(TransportError) as lost,
    ):
        remote.put(source, FEED)
    assert lost.value.code == "TRANSPORT_CUT"
    with server(store.root) as place, connect(place) as remote:
        if point == "serve.landing.told":
            # It had landed; the sender learns that from the refusal.
            with pytest.raises(TransportError, match="exists already"):
                remote.put(source, FEED)
        else:
            # A name that nobody was told of does not keep the sender from sending again.
            remote.put(source, FEED)
        assert remote.size(FEED) == len(DATA)
        assert [entry.name for entry in remote.list()] == [FEED]
    tasks = store.ledger.list().tasks
    # What was in the ledger before the kill is found to be a duplicate when it is carried out.
    assert len(tasks) in (1, 2) and {task.filename for task in tasks} == {FEED}
    for task in tasks:
        assert task.path is not None
        assert hashlib.sha256(Path(task.path).read_bytes()).digest() == hashlib.sha256(DATA).digest()
