"""Medians, ratios and targets as a table and as JSON."""

from __future__ import annotations

from statistics import median
from typing import Any

from .cases import Case, Target
from .measure import Run


def summary(runs: list[Run], inner: bool) -> dict[str, Any]:
    """Medians of the runs; peak memory is the largest."""
    walls = [float(run.answer["seconds"]) if inner else run.wall for run in runs]
    # With its own clock goes its own CPU clock, where it has one: importing Python is not the work.
    cpus = [float(run.answer.get("cpu", run.cpu)) if inner else run.cpu for run in runs]
    return {
        "wall": round(median(walls), 4),
        "cpu": round(median(cpus), 4),
        "peak": max(run.peak for run in runs),
        "walls": [round(wall, 4) for wall in walls],
    }


def judge(target: Target, results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One target against the results: met, not met, or not measured (None)."""

    def value(case: str, name: str) -> float | None:
        measured = results.get(case, {}).get(name, {}).get(target.measure)
        return None if measured is None else float(measured)

    ours = value(target.case, target.subject)
    if target.ratio is None:
        bound = target.limit
    else:
        peers = [found for case, name in target.peers if (found := value(case, name)) is not None]
        bound = min(peers) * target.ratio if peers else None
    met = None if ours is None or bound is None else ours <= bound
    return {"target": target.text, "measured": ours, "at_most": bound, "unit": target.measure, "met": met}


def lines(cases: list[Case], results: dict[str, dict[str, Any]], judged: list[dict[str, Any]]) -> list[str]:
    """The whole table."""
    text = []
    for case in cases:
        text.append(f"\n{case.title}")
        text.append(f"  {'':26} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'x wall':>7} {'x CPU':>7}")
        measured = results.get(case.name, {})
        first = next((row for row in measured.values() if "wall" in row), None)
        for name, row in measured.items():
            if "wall" not in row or first is None:
                text.append(f"  {name:26} {row['absent']}")
                continue
            wall, cpu = row["wall"] / max(first["wall"], 1e-9), row["cpu"] / max(first["cpu"], 1e-9)
            text.append(
                f"  {name:26} {row['wall']:8.3f} {row['cpu']:8.3f} {row['peak'] / 1e6:8.0f} {wall:7.2f} {cpu:7.2f}"
            )
    text.append(f"\n  {'target':38} {'measured':>9} {'at most':>9}")
    for row in judged:
        verdict = {True: "met", False: "NOT MET", None: "not measured"}[row["met"]]
        text.append(f"  {row['target']:38} {amount(row['measured'], row)} {amount(row['at_most'], row)}  {verdict}")
    return text


def amount(value: float | None, row: dict[str, Any]) -> str:
    """A number with its unit, nine characters wide."""
    if value is None:
        return f"{'-':>9}"
    return f"{value / 1e6:6.0f} MB" if row["unit"] == "peak" else f"{value:7.3f} s"
