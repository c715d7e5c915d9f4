"""Reports by owner: each sees the faults and rejected rows that are its own, without internal columns."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from feedengine import engine
from feedengine.deliver.spreadsheet import write_rows
from feedengine.remedy.terms import Terms
from feedengine.service import columns as known
from feedengine.service import rejected
from feedengine.service.files import put
from feedengine.service.rejected import Again
from feedengine.store import excerpt

#: The folder of a task's reports that has one for each owner.
FOLDER = "owners"
_ODD = re.compile(r"[^\w.@ -]|^[. ]+|[. ]+$")


def write(
    folder: Path,
    columns: Sequence[str],
    problems: Sequence[Mapping[str, Any]],
    terms: Terms,
    most: int,
    again: Callable[[str], Again],
) -> int:
    """Split what was written to `folder` by owner; gives how many owners there are.

    `problems` are the rows of errors.csv. Faults of internal columns, and keys of other records, are left out. `most`
    rows were rejected; `again` says how a file of an entity is read.
    """
    mine: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for problem in problems:
        if problem.get("owner") and not _is_internal(problem, terms):
            mine[str(problem["owner"])].append(problem)
    shown = [column for column in columns if column != "related"]
    for owner, faults in mine.items():
        place = _place(folder, owner)
        stream = io.StringIO(newline="")
        write_rows(stream, shown, faults)
        put(place / "errors.csv", stream.getvalue().encode("utf-8", "backslashreplace"))
    entities = {str(problem["entity"]) for problem in problems if problem.get("entity")}
    for path in sorted(folder.glob("rejected*")):
        named = path.name.partition(".")[0].removeprefix("rejected").removeprefix("_")
        entity = named if named in terms.owners else next(iter(entities)) if len(entities) == 1 else None
        if entity is not None and entity in terms.owners and path.suffix.lower() in (".xlsx", ".parquet", ".json"):
            for owner in _copy(folder, path, entity, terms, most, again(entity)):
                mine.setdefault(owner, [])
            continue
        for owner, content in _split(path, entity, terms).items():
            mine.setdefault(owner, [])
            put(_place(folder, owner) / path.name, content)
    return len(mine)


def _is_internal(problem: Mapping[str, Any], terms: Terms) -> bool:
    """Whether a fault is one of an internal column, by whichever of its names it is told."""
    entity = str(problem["entity"])
    hidden = terms.internal.get(entity)
    if not hidden:
        return False
    columns, told = known.Columns(terms.spec(entity)), str(problem.get("column") or "")
    return any(columns.field(name) in hidden for name in (told, *told.split(", ")))


def _place(folder: Path, owner: str) -> Path:
    name = _ODD.sub("_", owner)[:100]
    if name != owner:
        # Two owners must not share a folder because their names look alike to a file system.
        name += f"-{hashlib.blake2b(owner.encode(), digest_size=4).hexdigest()}"
    place = folder / FOLDER / name
    place.mkdir(mode=0o750, parents=True, exist_ok=True)
    return place


def _copy(folder: Path, path: Path, entity: str, terms: Terms, most: int, again: Again) -> list[str]:
    """Write each owner's rows of a file that cannot be split as text; gives the owners."""
    known_as, hidden = known.Columns(terms.spec(entity)), terms.internal.get(entity, frozenset())
    places = [(path.name, entity, number) for number in range(1, most + 1)]
    rows: dict[str, list[int]] = defaultdict(list)
    for row in engine.sent(path, again.request, again.secret, again.folder, places=places):
        if whose := row.values.get(terms.owners[entity], "").strip():
            rows[whose].append(row.record)
    for owner, records in rows.items():
        target = _place(folder, owner) / path.name
        part = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
        records.sort()
        try:
            if path.suffix.lower() == ".xlsx":
                declared = terms.form(entity).get("sheet") or {}
                rejected.sheet(
                    path, path.name, records, part, declared, again, lambda name: known_as.field(name) not in hidden
                )
            elif path.suffix.lower() == ".parquet":
                with tempfile.TemporaryDirectory(dir=again.folder) as place:
                    without = [name for name in excerpt.columns(path) if known_as.field(name) in hidden]
                    excerpt.parquet(path, records, part, Path(place), without)
            else:
                engine.document(path, again.request, again.secret, part, path.name, {entity: records})
                if hidden:
                    found = json.loads(part.read_bytes())[entity]
                    shown = {entity: [_shown(record, known_as, hidden) for record in found]}
                    part.write_text(json.dumps(shown, indent=1) + "\n", "ascii")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return list(rows)


def _split(path: Path, entity: str | None, terms: Terms) -> dict[str, bytes]:
    """The rejected rows of each owner, in the form in which they were sent."""
    if entity is None or entity not in terms.owners:
        return {}
    columns = known.Columns(terms.spec(entity))
    owner, hidden = terms.owners[entity], terms.internal.get(entity, frozenset())
    form = terms.form(entity)
    encoding = str(form.get("encoding") or "utf-8")
    kind = known.kind_of(path.name)
    if kind == "csv" and not set(form) & {"xml", "fixed"}:
        text = path.read_bytes().decode(encoding, "replace").removeprefix("\ufeff")
        found = _table(text, columns, owner, hidden, form.get("delimiter"))
        return {whose: content.encode(encoding, "replace") for whose, content in found.items()}
    if kind == "jsonl":
        return _lines(path.read_text("utf-8", "replace").splitlines(), columns, owner, hidden)
    return {}


def _table(
    text: str, columns: known.Columns, owner: str, hidden: frozenset[str], delimiter: str | None
) -> dict[str, str]:
    header = text.partition("\n")[0]
    delimiter = delimiter or known.delimiter_of(header, columns)
    way: dict[str, Any] = {"delimiter": delimiter, "lineterminator": "\r\n" if header.endswith("\r") else "\n"}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = next(reader, [])
    fields = [columns.field(name) for name in names]
    kept = [at for at, name in enumerate(fields) if name not in hidden]
    if owner not in fields:
        return {}
    streams: dict[str, io.StringIO] = {}
    for cells in reader:
        whose = cells[fields.index(owner)].strip() if len(cells) > fields.index(owner) else ""
        if not whose or (hidden and len(cells) > len(names)):
            # With more cells than columns nobody can say which of them are internal.
            continue
        if whose not in streams:
            streams[whose] = io.StringIO(newline="")
            csv.writer(streams[whose], **way).writerow([names[at] for at in kept])
        writer = csv.writer(streams[whose], **way)
        writer.writerow([cells[at] for at in kept if at < len(cells)] + cells[len(names) :])
    return {whose: stream.getvalue() for whose, stream in streams.items()}


def _lines(lines: Iterable[str], columns: known.Columns, owner: str, hidden: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            # Nobody can say whose it is.
            continue
        whose = known.flat(record, columns).get(owner, "").strip()
        if whose:
            found[whose].append(json.dumps(_shown(record, columns, hidden), ensure_ascii=False))
    return {whose: ("\n".join(each) + "\n").encode() for whose, each in found.items()}


def _shown(record: Mapping[str, Any], columns: known.Columns, hidden: frozenset[str]) -> dict[str, Any]:
    """A record, and its `data`, without internal members."""
    shown = {name: value for name, value in record.items() if columns.field(name) not in hidden}
    if isinstance(shown.get("data"), dict):
        shown["data"] = {name: value for name, value in shown["data"].items() if columns.field(name) not in hidden}
    return shown
