"""Finds and reads the shared cases. Each case is a folder ``<operation>/<case>`` with

* ``before.json``: the catalog before, by entity, in stored columns (left out when it is empty)
* ``feed.csv|json|jsonl``: a loose file, or ``items.*``, ``variations.*``, ``item_groups.*``: members of an archive
* ``expected.json``: ``force``, ``settings``, ``verdict``, ``codes`` (with the numbers of their records; null: any,
  since the fault is of the file), ``counts`` by entity (those that matter) and ``after`` (entities not named are as
  before; null: all are)
* ``why.md``: the rule it shows
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.write import pack

ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One case of the corpus."""

    folder: Path
    before: dict[str, list[dict[str, Any]]]
    expected: dict[str, Any]

    @property
    def operation(self) -> str:
        """The operation of its feed."""
        return self.folder.parent.name

    @property
    def after(self) -> dict[str, list[dict[str, Any]]]:
        """The catalog that must result: every entity, sorted by id."""
        whole = {**{name: [] for name in ("items", "variations", "item_groups")}, **self.before}
        whole.update(self.expected["after"] or {})
        return {name: sorted(rows, key=lambda row: row["id"].encode()) for name, rows in whole.items()}

    def codes(self, found: dict[str, list[int]]) -> bool:
        """Whether these are the codes that are expected, at the records that are expected."""
        expected = self.expected["codes"]
        return set(found) == set(expected) and all(
            records is None or found[code] == records for code, records in expected.items()
        )

    def feed(self, scratch: Path) -> Path:
        """Its upload: the loose file, or the archive built of its members."""
        files = [one for one in sorted(self.folder.iterdir()) if one.stem not in ("before", "expected", "why")]
        if len(files) == 1 and files[0].stem == "feed":
            return files[0]
        return pack(scratch / "feed.tar.gz", {one.name: one.read_bytes() for one in files})


def cases() -> list[Case]:
    """All cases, in a stable order."""
    found = []
    for path in sorted(ROOT.glob("*/*/expected.json")):
        before = path.with_name("before.json")
        found.append(
            Case(
                path.parent,
                json.loads(before.read_text()) if before.exists() else {},
                json.loads(path.read_text()),
            )
        )
    return found
