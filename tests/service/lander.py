"""Stands in for a server: names the file that a line of stdin tells of, tells the desk, answers when that is done."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from feedengine.accounts import Accounts
from feedengine.service.reception import Desk
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.reception import Landed


def main(config: str, login: str) -> None:
    """Serve until stdin ends."""
    settings = Settings.load(Path(config), env={})
    store = Store.open(settings.store)
    accounts = Accounts(store.root)
    account = accounts.get(login).account
    home = accounts.home(account)
    desk = Desk(store, settings)
    for line in sys.stdin:
        told = json.loads(line)
        data = told["content"].encode()
        part, path = home / f".{told['name']}.part", home / told["name"]
        part.write_bytes(data)
        try:
            os.link(part, path)
        except FileExistsError:
            print("exists", flush=True)
            continue
        part.unlink()
        digest = hashlib.sha256(data).hexdigest()
        desk.landed(Landed(account, f"/{path.name}", path, len(data), digest, "ftps"))
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
