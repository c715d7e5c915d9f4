"""Free ports for servers in tests that run beside each other."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections import deque
from pathlib import Path

#: Below the ports that the kernel gives to outgoing connections, or one of those would take them.
_FIRST, _LAST = 10_000, 32_000
#: Ports are shared out in lots; a process that has enough of them uses its own in turn.
_LOT, _ENOUGH = 20, 30
_chance = random.Random(os.urandom(8))
_own: deque[range] = deque()


def free_block(count: int, addresses: tuple[str, ...] = ("127.0.0.1", "127.0.0.2")) -> range:
    """A run of `count` ports that nobody uses at any of the addresses.

    No other process that asks here gets them while this one lives, also when no server runs there just now: one that
    is started again finds them free.
    """
    assert count <= _LOT
    for _ in range(300):
        if len(_own) >= _ENOUGH:
            _own.rotate()
            lot = _own[0]
        else:
            first = _chance.randrange(_FIRST, _LAST - _LOT, _LOT)
            lot = range(first, first + _LOT)
            if not _lock(lot):
                continue
            _own.append(lot)
        if all(_free(address, port) for address in addresses for port in lot[:count]):
            return lot[:count]
    raise RuntimeError(f"no {count} free ports in a row")


def _lock(lot: range) -> bool:
    """Keep others from a lot for as long as this process lives; False where somebody has it."""
    folder = Path(tempfile.gettempdir()) / f"feedengine-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    file = os.open(folder / str(lot[0]), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    return True


def _free(address: str, port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError:
            return False
    return True
