"""Records as the files that partners send: CSV, JSON, JSON lines, and archives of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
from typing import Any

#: A record by column names of the CSV form; lists are lists.
Record = dict[str, Any]

_TOP = {"item_name": "name", "name": "name", "id": "id", "item_id": "item_id", "parent_ids": "parent_ids"}


def to_csv(entity: str, records: list[Record]) -> bytes:
    """The CSV of one entity."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["variation_id" if entity == "variations" and one == "id" else one for one in columns])
    for record in records:
        writer.writerow([_cell(name, record.get(name, "")) for name in columns])
    return out.getvalue().encode()


def _cell(name: str, value: Any) -> str:
    if name == "parent_ids":
        return json.dumps(value)
    return "|".join(value) if isinstance(value, list) else str(value)


def _nested(record: Record) -> dict[str, Any]:
    made: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, value in record.items():
        if name in _TOP:
            made[_TOP[name]] = value
        elif name.startswith("facet:"):
            data.setdefault("facets", {})[name[6:]] = value
        else:
            data[name.removeprefix("metadata:")] = value
    return made | ({"data": data} if data else {})


def to_json(entity: str, records: list[Record]) -> bytes:
    """The JSON document of one entity."""
    return json.dumps({entity: [_nested(record) for record in records]}).encode()


def to_jsonl(entity: str, records: list[Record]) -> bytes:
    """The JSON lines of one entity."""
    return "".join(json.dumps(_nested(record)) + "\n" for record in records).encode()


FORMS = {"csv": to_csv, "json": to_json, "jsonl": to_jsonl}


def archive(feeds: dict[str, tuple[str, list[Record]]]) -> bytes:
    """An archive of several entities: entity to (form, records)."""
    out = io.BytesIO()
    # No time in the header: the same records give the same bytes.
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for entity, (form, records) in feeds.items():
            content = FORMS[form](entity, records)
            member = tarfile.TarInfo(f"{entity}.{form}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()
