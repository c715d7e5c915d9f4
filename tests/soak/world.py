"""Who lives in the day: accounts and the catalogs they feed, made from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SECTIONS = ("Products", "Search Suggestions", "Products_fr")


@dataclass
class Catalog:
    """A catalog as its senders believe it to be. The service may know better: feeds fail, and some keys are shared."""

    key: str
    section: str
    items: dict[str, int] = field(default_factory=dict)  # id to version
    variations: dict[str, str] = field(default_factory=dict)  # id to item
    groups: list[str] = field(default_factory=list)
    made: int = 0  # ids ever made, so that new ones are new

    @property
    def name(self) -> str:
        """`key/section`."""
        return f"{self.key}/{self.section}"


@dataclass
class Partner:
    """An account with its catalogs, the size of its shop, and its luck."""

    number: int
    login: str
    password: str
    keys: tuple[str, ...]
    catalogs: list[Catalog]
    rows: int
    protocol: str
    chance: random.Random
    tells_apart: int  # keeps the names of partners that share a key apart

    @property
    def home(self) -> str:
        """The name of its folder."""
        return f"home{self.number:03d}"


def make(accounts: int, seed: int, *, small: bool, protocols: tuple[str, ...] = ("ftps",)) -> list[Partner]:
    """The partners. One in five shares its key with the one before; one in six has a second section."""
    chance = random.Random(f"world {seed}")
    partners: list[Partner] = []
    for number in range(accounts):
        shares = number % 5 == 4
        key = partners[-1].keys[0] if shares else f"key_Day{number:03d}{chance.randrange(10**8):08d}"
        sections = SECTIONS[:2] if number % 6 == 3 else SECTIONS[:1]
        rows = chance.choice((40, 120, 300)) if small else chance.choice((40, 200, 200, 1000, 1000, 3000, 12_000))
        partners.append(
            Partner(
                number=number,
                login=f"partner{number:03d}@example.com",
                password=f"Long enough {chance.randrange(10**9)}",
                keys=(key,),
                catalogs=[Catalog(key, section) for section in sections],
                rows=rows,
                protocol=protocols[number % len(protocols)],
                chance=random.Random(f"partner {seed} {number}"),
                tells_apart=number,
            )
        )
    return partners
