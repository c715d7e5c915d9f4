"""What one feed says: rows of cells, before any rule is applied to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .faults import Fault

BLANK, NULL, SET = "blank", "null", "set"


class Cell(NamedTuple):
    """What a feed says of one field: blank (CSV), null (JSON) or set to a value."""

    state: str
    kind: str = "text"
    plain: Any = None


@dataclass
class Row:
    """One record of a feed. ``legacy`` names the one parent that a legacy group row gives."""

    record: int
    cells: dict[str, Cell] = field(default_factory=dict)
    add: dict[str, tuple[str, ...]] = field(default_factory=dict)
    remove: dict[str, tuple[str, ...]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    legacy: bool = False

    def set_text(self, name: str) -> str | None:
        """The text of a field that is set to a text."""
        cell = self.cells.get(name)
        return cell.plain if cell is not None and cell.state == SET and cell.kind == "text" else None


@dataclass
class Section:
    """All rows of one entity in one upload, with the columns its file named."""

    entity: str
    rows: list[Row] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)  # columns that no rule knows
    header: bool = False  # whether the columns are the file's own header


@dataclass
class Feed:
    """One upload: a section per entity file, and what was wrong with the files themselves."""

    sections: dict[str, Section] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
