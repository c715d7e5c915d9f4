"""Small pieces of text: counts, shares, sizes, times, wrapped lists, tables, commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

WIDTH = 80
LEAD = 10  # columns of the leading word ("Applied   ")


def number(value: int) -> str:
    """A count with thousands separators."""
    return f"{value:,}"


def signed(sign: str, value: int) -> str:
    """A count with a sign in front; − is the real minus."""
    return f"{sign}{value:,}"


def entity_words(entity: str) -> str:
    """An entity as people say it."""
    return entity.replace("_", " ")


def one_of(entity: str) -> str:
    """What one record of an entity is called: a category of `categories`, an address of `addresses`."""
    if entity.endswith("ies"):
        return entity[:-3] + "y"
    for ending, rest in (("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("ss", "ss"), ("s", "")):
        if entity.endswith(ending):
            return entity.removesuffix(ending) + rest
    return entity


def counted(count: int, word: str) -> str:
    """A count with its noun: `1 row`, `2 rows`, `1 entry`, `2 entries`."""
    if count == 1:
        return f"1 {word}"
    plural = word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"
    return f"{count:,} {plural}"


def share(value: float) -> str:
    """A share of 1 as percent; a small one is never shown as 0."""
    percent = value * 100
    if 0 < percent < 0.01:
        return "<0.01%"
    if percent == int(percent):
        return f"{int(percent)}%"
    return f"{percent:.2f}%" if percent < 10 else f"{percent:.1f}%"


def limit_words(limit: Any) -> str:
    """A limit as people write it: `50%`, `20,000 rows`, `off`."""
    text = str(limit)
    return f"{int(text):,} rows" if text.isdigit() else text


def size(count: int) -> str:
    """Bytes in decimal units."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return (
                f"{count} bytes" if unit == "bytes" else f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
            )
        value /= 1000
    return f"{value:.1f} GB"


def seconds(value: float) -> str:
    """A duration: `0.04 s`, `4.1 s`, `2 min 5 s`."""
    if value < 1:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole // 60} min {whole % 60} s"


def rate(rows: int, taken: float) -> str:
    """Rows a second: `1.74 M rows/s`, `812 k rows/s`."""
    if taken <= 0:
        return ""
    value = rows / taken
    if value >= 1e6:
        return f"{value / 1e6:.2f} M rows/s"
    return f"{value / 1e3:.0f} k rows/s" if value >= 10_000 else f"{value:.0f} rows/s"


def moment(value: Any) -> str:
    """An ISO time or datetime to the minute, as UTC."""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value or "")
    return text[:16].replace("T", " ")


def flow(lead: str, parts: Sequence[str], *, indent: int = LEAD, joint: str = " · ", width: int = WIDTH) -> list[str]:
    """`lead`, then the parts joined and wrapped between parts, later lines indented alike."""
    lines: list[str] = []
    line = lead.ljust(indent)
    empty = True
    for part in parts:
        if not empty and len(line) + len(joint) + len(part) > width:
            lines.append(line.rstrip())
            line, empty = " " * indent, True
        line += part if empty else joint + part
        empty = False
    lines.append(line.rstrip())
    return lines


def paragraph(lead: str, text: str, *, indent: int = LEAD, width: int = WIDTH) -> list[str]:
    """A sentence wrapped between words, the first line after `lead`. Line breaks in `text` are kept."""
    lines: list[str] = []
    for at, part in enumerate(text.split("\n")):
        lines += flow(lead if at == 0 else "", part.split(), indent=indent, joint=" ", width=width)
    return lines


def table(rows: Iterable[Sequence[str]], *, right: Iterable[int] = (), indent: str = "") -> list[str]:
    """Columns as wide as their widest cell, two spaces apart; the columns in `right` are aligned right."""
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))] if cells else []
    on_right = set(right)
    lines = []
    for row in cells:
        padded = [
            cell.rjust(width) if at in on_right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((indent + "  ".join(padded)).rstrip())
    return lines


def clean(text: Any) -> str:
    """Feed text made safe for a terminal: control characters are shown, not obeyed."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in shown)


def cut(text: Any, most: int = 60) -> str:
    """Cleaned text of at most `most` characters."""
    shown = clean(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def command(argv: Sequence[str]) -> str:
    """A command as it is typed."""
    import shlex

    return " ".join(part if part == "…" else shlex.quote(part) for part in argv)
