"""The named settings with their defaults, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """Every ambiguity of the published rules, default first (section 5 of the specification)."""

    patch_null: str = "ignore"  # | clear
    duplicates: str = "last"  # | fail
    orphan_variations: str = "fail"  # | skip
    unknown_groups: str = "warn"  # | fail
    several_roots: str = "warn"  # | fail
    cascade: bool = True
    delete_unknown: str = "warn"  # | fail
    deactivation_counts: bool = True
    denominator: str = "active"  # | all
    rows: str = "fail"  # | reject
    short_rows: str = "warn"  # | fail
    split_metadata: tuple[str, ...] = ()
    limit: str = "50%"
    limits: dict[str, str] = field(default_factory=dict)  # entity -> "50%" | "20" | "off"
    warn: str = "10%"
    on_block: str = "refuse"  # | hold
