"""Drafting a profile from a sample file: what the file shows is written down, what it leaves open is said.

A type is believed where every value has it; a doubt makes text of it, which loses nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import chain, count
from pathlib import Path

from feedengine.errors import UsageError
from feedengine.profile.guess import Column, guess
from feedengine.profile.sample import Sample, read

_OPERATIONS = (
    "sync: a file holds everything, what it lacks is removed; patchdeltacreate: it holds changes and new records"
)


@dataclass(frozen=True)
class Draft:
    """A profile as text, how much of the sample it comes from, and what a person has to decide."""

    text: str
    rows: int
    fields: int
    uncertain: tuple[str, ...]


def draft(path: Path, name: str | None = None) -> Draft:
    """Draft a profile from the file. Raises UsageError where it is no table."""
    sample = read(path)
    doubts = list(sample.doubts)
    columns = _named(_told_apart(sample, doubts))
    if not columns:
        raise UsageError(f"{path} has no columns with names.", state="Nothing was written.")
    key = _key(columns, len(sample.rows))
    uncertain = [*doubts, *_doubts(columns, key, len(sample.rows))]
    word, form = _called(path.name)
    entity = _entity_name(name or word)
    if form.startswith(_UNDATED):
        uncertain.append("naming: the sample's name has no date; files of several days need one to be told apart")
    lines = [
        f"# Drafted from {quoted(path.name)[1:-1]}: {len(sample.rows)} rows, {len(columns)} columns. To be decided:",
        *(f"# - {each}" for each in uncertain),
        f"name = {quoted(entity)}",
        'version = "1"',
        "",
        "[naming]",
        f"form = {quoted(form)}",
        'extensions = ["csv", "csv.gz"]',
        "",
        "[format]",
        f"encoding = {quoted(sample.encoding)}",
        f"delimiter = {quoted(sample.delimiter)}",
        "",
        "[fields]",
        'normal = ["trim", "nfc"]',
        "",
        f"[entities.{entity}]",
        f"file = {quoted(word)}",
        'operation = "sync"',
        "",
        f"[entities.{entity}.fields]",
        *(
            _field(each, len(sample.rows), each is key)
            for each in [key, *(each for each in columns if each is not key)]
        ),
    ]
    return Draft("\n".join(lines) + "\n", len(sample.rows), len(columns), tuple(uncertain))


_UNDATED = "{entity}[_{date:YYYYMMDD}]"
_DATED = (
    ("YYYY{0}MM{0}DD", r"(?P<y>\d{{4}}){0}(?P<m>\d\d){0}(?P<d>\d\d)"),
    ("DD{0}MM{0}YYYY", r"(?P<d>\d\d){0}(?P<m>\d\d){0}(?P<y>\d{{4}})"),
)


def _called(filename: str) -> tuple[str, str]:
    """The word in a file's name that says what it is, and the form of such names."""
    stem = re.sub(r"(\.[A-Za-z]{1,5}){1,2}$", "", filename)
    for form, pattern in _DATED:
        for separator in ("_", "-", ".", ""):
            match = re.fullmatch(
                rf"(?P<word>.*?[^\W_])(?P<gap>[_. -]){pattern.format(re.escape(separator))}(_[0-9]{{1,9}})?", stem
            )
            if match and _real(match):
                return match["word"], f"{{entity}}{match['gap']}{{date:{form.format(separator)}}}[_{{seq}}].{{ext}}"
    word = re.sub(r"[/\\{}\[\]\x00-\x1f\x7f]", "_", stem) or "records"
    return word, f"{_UNDATED}[_{{seq}}].{{ext}}"


def _real(match: re.Match[str]) -> bool:
    try:
        return bool(date(int(match["y"]), int(match["m"]), int(match["d"])))
    except ValueError:
        return False


def _told_apart(sample: Sample, doubts: list[str]) -> list[Column]:
    """The columns that a name tells apart: the engine takes no file with a column twice, or without a name."""
    found: dict[str, Column] = {}
    for at, (heading, values) in enumerate(sample.columns(), 1):
        if not heading.strip() or heading in found:
            what = f"is called {quoted(heading)} again" if heading.strip() else "has no name"
            doubts.append(f"column {at} {what}: such a file is refused, the column must get a name of its own")
            continue
        found[heading] = guess(heading, values)
    return list(found.values())


def _key(columns: list[Column], rows: int) -> Column:
    """The column that most looks like the key: full, without a value twice, named like one, far to the left."""
    named = re.compile(r"(^|_)(id|sku|key|code|number|no|nr|artnr|artikelnr|ean|gtin)($|_)")
    full = [each for each in columns if each.filled == rows and each.distinct == rows and each.type != "decimal"]
    return min(full or columns, key=lambda each: (not named.search(each.name), columns.index(each)))


def _doubts(columns: list[Column], key: Column, rows: int) -> list[str]:
    found = [f"operation: {_OPERATIONS}"]
    if key.distinct < rows or key.filled < rows:
        found.append(f"key: no column is full and without repetition; {key.name} was taken")
    else:
        others = [
            each.name
            for each in columns
            if each is not key and each.filled == each.distinct == rows and each.type in ("text", "integer", "gtin")
        ]
        if others:
            found.append(f"key: {key.name}, but {', '.join(others[:5])} would do in this sample too")
    if rows < 100:
        found.append(f"only {rows} rows were seen: types and what is required may be narrower than what comes")
    for each in columns:
        found += [f"{each.name}: {doubt}" for doubt in each.doubts]
    return found


def _named(columns: list[Column]) -> list[Column]:
    """Names that are unlike each other, and unlike what another column is called."""
    taken = {each.heading for each in columns}
    made = []
    for each in columns:
        if each.name != each.heading:
            numbered = (f"{each.name[:58]}_{number}" for number in count(2))
            each = each.renamed(next(name for name in chain([each.name], numbered) if name not in taken))
        taken.add(each.name)
        made.append(each)
    return made


def _entity_name(text: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"[\d_\-. ]+$", "", text.lower())).strip("_")
    return plain[:63] if re.match(r"[a-z]", plain) else "records"


def _field(column: Column, rows: int, key: bool) -> str:
    keys = [f"type = {quoted(column.type)}"] if column.type != "text" else []
    if column.heading != column.name:
        keys.append(f"column = {quoted(column.heading)}")
    if key or (column.filled == rows and rows > 0):
        keys.append("required = true")
    keys += [f"{name} = {value}" for name, value in column.keys.items()]
    return f"{column.name} = {{ {', '.join(keys)} }}" if keys else f"{column.name} = {quoted(column.type)}"


def quoted(text: str) -> str:
    """A text as TOML."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in plain) + '"'
