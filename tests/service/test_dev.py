"""`feedengine serve --dev`: from nothing to a feed that arrived over FTPS, with the command it prints."""

from __future__ import annotations

import ftplib
import json
import shutil
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command import environment
from feedengine.ledger import Ledger
from network.ports import free_block
from service.serving import SECONDS, Serving


class Trial(Serving):
    """The service as somebody tries it out; nothing but ports is chosen."""

    def __init__(self, root: Path) -> None:
        port = free_block(11)[0]
        (root / "feedengine.toml").write_text(
            f'[ftps]\nport = {port}\npassive_ports = "{port + 1}-{port + 10}"\n[log]\nplace = "file"\n'
        )
        self.root, self.config, self.out = root, root / "feedengine.toml", root / "out"
        with self.out.open("wb") as out, (root / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "feedengine", "--json", "serve", "--dev"],
                cwd=root,
                env=environment(),
                stdout=out,
                stderr=err,
            )

    def __enter__(self) -> Trial:
        self.until(lambda: self.out.read_bytes().endswith(b"\n"))
        from feedengine.store import Store

        self.store = Store.open(self.root / "feedengine-store")
        return self

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.read_text())
        return found

    def log(self) -> str:
        path = self.root / "feedengine-store" / "log" / "feedengine.log"
        return path.read_text() if path.exists() else ""


@pytest.mark.feature("C42", "C1", "C35")
def test_one_command_from_nothing(tmp_path: Path) -> None:
    with Trial(tmp_path) as service:
        told = service.told()
        assert told["listening"]["ftps"].startswith("127.0.0.1:")
        curl = next(hint["argv"] for hint in told["hints"] if hint["argv"][0] == "curl")
        certificate, sample = curl[curl.index("--cacert") + 1], tmp_path / curl[curl.index("-T") + 1]
        port = int(curl[-1].strip("/").rpartition(":")[2])
        with ftplib.FTP_TLS(context=ssl.create_default_context(cafile=certificate), timeout=30) as client:
            client.connect("localhost", port)
            client.login(told["user"]["name"], told["user"]["password"])
            client.prot_p()
            with sample.open("rb") as feed:
                assert client.storbinary(f"STOR {sample.name}", feed).startswith("226")
        service.until(lambda: service.store.ledger.get(1).status == "DONE")
        done = service.store.ledger.get(1)
        assert (done.outcome, done.account, done.protocol) == ("ok", "dev", "ftps")
        service.until(lambda: service.store.ledger.get(1).reported)
        assert told["user"]["password"] not in service.log()
        assert service.stop() == 0
    with Trial(tmp_path) as again:
        assert again.told()["user"]["password"] is None
        assert again.stop(signal.SIGINT) == 0


@pytest.mark.network_lab
@pytest.mark.feature("C42")
def test_the_printed_command_works_as_it_stands(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    with Trial(tmp_path) as service:
        curl = next(hint["argv"] for hint in service.told()["hints"] if hint["argv"][0] == "curl")
        sent = subprocess.run(curl, cwd=tmp_path, capture_output=True, timeout=SECONDS, check=False)
        assert sent.returncode == 0, sent.stderr
        service.until(lambda: service.store.ledger.get(1).status == "DONE")
        ledger = Ledger(tmp_path / "feedengine-store" / "ledger.sqlite")
        assert ledger.get(1).outcome == "ok"
