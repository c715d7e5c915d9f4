"""What goes wrong in the day: kills of each kind, and the faults of each attempt to send, all by the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from network.proxy import Fault
from soak.feeds import Sent

#: What is killed: one worker, a server, the keeper, the supervisor (kill -9 each), all at once as when the power
#: fails, or politely (SIGTERM and a new start).
KILLS = ("worker", "ftps", "sftp", "keeper", "supervisor", "power", "restart")


def kills(seed: int, rounds: int, kinds: tuple[str, ...] = KILLS) -> list[tuple[float, str]]:
    """Every kind `rounds` times: (share of the day, kind), in order of time."""
    chance = random.Random(f"kills {seed}")
    slots = [kind for _ in range(rounds) for kind in kinds]
    chance.shuffle(slots)
    width = 0.9 / max(1, len(slots))
    return [(0.05 + width * (place + chance.random()), kind) for place, kind in enumerate(slots)]


@dataclass(frozen=True)
class Trouble:
    """What happens to one attempt: a fault on a channel, or the client's death after so many bytes."""

    channel: str = ""
    fault: Fault | None = None
    die_after: int | None = None


def trouble(seed: int, sent: Sent, number: int) -> Trouble:
    """The trouble of an attempt: one in six has some, from the fifth on none has."""
    chance = random.Random(f"trouble {seed} {sent.partner.login} {sent.name} {number}")
    if number > 4 or chance.random() > 1 / 6:
        return Trouble()
    size = len(sent.content)
    kind = chance.choice(
        ("reset", "truncate", "half-close", "stall", "silence", "slow", "control", "killed", "deaf", "deaf")
    )
    after = chance.randrange(size + 600)  # a handshake goes before
    if kind == "killed":
        return Trouble(die_after=chance.randrange(size))
    if kind == "deaf":
        return Trouble(die_after=size)
    if kind == "control":
        way = chance.choice(("up", "down"))
        return Trouble("control", Fault("reset", chance.randrange(200, 3500), way))
    if kind == "slow":
        return Trouble("data", Fault("slow", rate=max(20_000, size // 3)))
    return Trouble("data", Fault(kind, after, seconds=chance.uniform(0.2, 1.5)))
