"""Free ports for servers in tests that run beside each other."""

from __future__ import annotations

import os
import random
import socket


def free_block(count: int, addresses: tuple[str, ...] = ("127.0.0.1", "127.0.0.2")) -> range:
    """A run of `count` ports that nobody uses at any of the addresses.

    They lie below the ports that the kernel gives to outgoing connections, or one of those would take them.
    """
    chance = random.Random(os.urandom(8))
    for _ in range(200):
        first = chance.randrange(10_000, 32_000 - count)
        block = range(first, first + count)
        if all(_free(address, port) for address in addresses for port in block):
            return block
    raise RuntimeError(f"no {count} free ports in a row")


def _free(address: str, port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError:
            return False
    return True
