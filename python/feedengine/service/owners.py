"""Reports by owner: each sees the faults and rejected rows that are its own, without internal columns."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from feedengine.deliver.spreadsheet import write_rows
from feedengine.remedy.terms import Terms
from feedengine.service import columns as known
from feedengine.service.files import put

#: The folder of a task's reports that has one for each owner.
FOLDER = "owners"
_ODD = re.compile(r"[^\w.@ -]|^[. ]+|[. ]+$")


def write(folder: Path, columns: Sequence[str], problems: Iterable[Mapping[str, Any]], terms: Terms) -> int:
    """Split what was written to `folder` by owner; gives how many owners there are.

    `problems` are the rows of errors.csv. Faults of internal columns, and keys of other records, are left out.
    """
    mine: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for problem in problems:
        if problem.get("owner") and problem.get("column") not in terms.internal.get(str(problem["entity"]), ()):
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
        for owner, content in _split(path, entity, terms).items():
            mine.setdefault(owner, [])
            put(_place(folder, owner) / path.name, content)
    return len(mine)


def _place(folder: Path, owner: str) -> Path:
    name = _ODD.sub("_", owner)[:100]
    if name != owner:
        # Two owners must not share a folder because their names look alike to a file system.
        name += f"-{hashlib.blake2b(owner.encode(), digest_size=4).hexdigest()}"
    place = folder / FOLDER / name
    place.mkdir(mode=0o750, parents=True, exist_ok=True)
    return place


def _split(path: Path, entity: str | None, terms: Terms) -> dict[str, bytes]:
    """The rejected rows of each owner, in the form in which they were sent."""
    if entity is None or entity not in terms.owners:
        return {}
    columns = known.Columns(terms.spec(entity))
    owner, hidden = terms.owners[entity], terms.internal.get(entity, frozenset())
    form = terms.form(entity)
    encoding = str(form.get("encoding") or "utf-8")
    kind = known.kind_of(path.name)
    if kind == "csv" and not set(form) & {"xml", "fixed"} and path.suffix.lower() not in (".xlsx", ".parquet"):
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
