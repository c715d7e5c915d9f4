"""Points to be killed at, dealt like cards: every one before any comes again, one that was missed next."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence


class Deck:
    """A shuffled pile of `cards`, shuffled anew when all were dealt. `reached` counts the points that were met."""

    def __init__(self, cards: Sequence[str], chance: random.Random) -> None:
        self.cards = tuple(cards)
        self.dealt: set[str] = set()
        self.reached: Counter[str] = Counter()
        self._chance = chance
        self._pile: list[str] = []

    def deal(self) -> str:
        """The next card."""
        if not self._pile:
            self._pile = self._chance.sample(self.cards, len(self.cards))
        card = self._pile.pop()
        self.dealt.add(card)
        return card

    def note(self, card: str, met: bool) -> None:
        """What came of a card: one that was not met is the next to be dealt."""
        self.reached[card] += met
        if not met:
            self._pile.append(card)

    def never(self, among: Sequence[str] | None = None) -> list[str]:
        """Those that were not met once, of all cards or of these."""
        return sorted(card for card in (self.cards if among is None else among) if not self.reached[card])
