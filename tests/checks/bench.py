"""A planner for made-up entities: which rows pass, with which values, and what is said of the others."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow

from feedengine import engine

SECRET = bytes(range(192))


def field(name: str, kind: str = "text", *, steps: Sequence[Any] = (), rules: Sequence[Any] = (), **more: Any) -> Any:
    """A field's declaration; a rule may be a pair of rule and policy."""
    checks = [
        {"rule": each[0], "policy": each[1]} if isinstance(each, tuple) else {"rule": each, "policy": "reject"}
        for each in rules
    ]
    declared = {"name": name, "json": name, "place": "top", "kind": kind, **more}
    return declared | ({"normal": list(steps)} if steps else {}) | ({"checks": checks} if checks else {})


def entity(*fields: Any, **more: Any) -> dict[str, Any]:
    """An entity `things` whose key is `id`."""
    spec = {"name": "things", "fields": [field("id", required=True), *fields], "metadata": False, "facets": False}
    limits = {"shared": False, "max_data": 200_000, "max_average": 200_000, "size_class": "things"}
    return spec | limits | more


@dataclass
class Answer:
    """What the engine says of a file."""

    report: dict[str, Any]
    rows: dict[str, dict[str, Any]]
    rejected: list[dict[str, Any]]

    @property
    def counts(self) -> dict[str, Any]:
        """The counts of the one entity."""
        counts: dict[str, Any] = self.report["entities"]["things"]
        return counts

    @property
    def faults(self) -> list[tuple[int, str, str | None, str | None]]:
        """Every fault that is no warning: record, code, column, value."""
        return self._listed("row", "file")

    @property
    def warnings(self) -> list[tuple[int, str, str | None, str | None]]:
        """Every warning."""
        return self._listed("warning")

    def _listed(self, *severities: str) -> list[tuple[int, str, str | None, str | None]]:
        found = [each for each in self.report["problems"]["list"] if each["severity"] in severities]
        return sorted(
            ((each["record"], each["code"], each["column"], each["value"]) for each in found),
            key=lambda fault: tuple(str(part) for part in (f"{fault[0]:09}", *fault[1:])),
        )


def text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A CSV file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def plan(
    folder: Path, spec: Mapping[str, Any], content: str | bytes, *, name: str = "things.csv", **more: Any
) -> Answer:
    """Plan a file against an empty catalog. `settings` are those of the request."""
    settings = {"rows": "reject", "listed_problems": 1_000_000, **more.pop("settings", {})}
    request = {"operation": "sync", "entities": [spec], "entity": "things", "settings": settings, "threads": 1}
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    planner = engine.Planner({**request, "temp_dir": str(folder), **more}, SECRET)
    planner.scan(path)
    while planner.next_want() is not None:
        raise AssertionError("an empty catalog has no rows")
    report = planner.decide()
    stream = planner.rows("things") if report["verdict"] == "apply" else None
    rows = pyarrow.RecordBatchReader.from_stream(stream).read_all().to_pylist() if stream else []
    kept = {
        row["id"]: {key: value for key, value in row.items() if key[0] != "_" and value is not None} for row in rows
    }
    rejected = pyarrow.RecordBatchReader.from_stream(planner.rejected()).read_all().to_pylist()
    return Answer(json.loads(json.dumps(report)), kept, rejected)
