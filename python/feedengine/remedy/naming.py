"""How a row names its record: by its identifiers; by its content where it has none."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

Pair = tuple[str, str]


class Naming:
    """What names a record of one entity, in order of priority."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.entity = str(spec["name"])
        self.key = str(spec["fields"][0]["name"])
        given = spec.get("identity") or ()
        strong = [self.key, *(each["field"] for each in given if not each.get("weak")), *(spec.get("unique") or ())]
        self.strong: tuple[str, ...] = tuple(dict.fromkeys(strong))
        self.weak: tuple[str, ...] = tuple(each["field"] for each in given if each.get("weak"))
        self._steps = {field["name"]: field.get("normal") or () for field in spec["fields"]}

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that may name a record."""
        return (*self.strong, *self.weak)

    def pairs(self, values: Mapping[str, str]) -> tuple[Pair, ...]:
        """The identifiers of a row, with a weak one only where it has no other; empty where it has none at all."""
        found = self._given(self.strong, values)
        return found or tuple((field, fold(value)) for field, value in self._given(self.weak, values))

    def every(self, values: Mapping[str, str]) -> tuple[Pair, ...]:
        """All identifiers of a row, weak ones too."""
        weak = tuple((field, fold(value)) for field, value in self._given(self.weak, values))
        return (*self._given(self.strong, values), *weak)

    def _given(self, fields: Sequence[str], values: Mapping[str, str]) -> tuple[Pair, ...]:
        return tuple((field, text) for field in fields if (text := self._normal(field, values.get(field, ""))))

    def _normal(self, field: str, value: str) -> str:
        text = unicodedata.normalize("NFC", value.strip())
        for step in self._steps.get(field, ()):
            if step == "upper":
                text = text.upper()
            elif step == "lower":
                text = text.lower()
            elif step == "squeeze":
                text = " ".join(text.split())
        return text

    def content(self, values: Mapping[str, str]) -> tuple[Pair, ...]:
        """Names a row without identifiers by all else that it says; the same row keeps that name when it gets them."""
        rest = sorted((name, value.strip()) for name, value in values.items() if name not in self.fields)
        said = json.dumps([pair for pair in rest if pair[1]], ensure_ascii=False)
        return (("row", hashlib.blake2b(said.encode(), digest_size=12).hexdigest()),)


def fold(name: str) -> str:
    """A name without regard to case, white space and punctuation, as weak identifiers are compared."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in plain if char.isalnum())


def text(pairs: Sequence[Pair]) -> str:
    """An identity as the ledger keeps it."""
    return json.dumps([list(pair) for pair in pairs], ensure_ascii=False)
