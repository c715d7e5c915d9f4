"""The planner without a store: current records in a dictionary, wants answered from it, plans carried out in it."""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from feedengine import engine

Spec = dict[str, Any]
Row = dict[str, str]
SECRET = bytes(range(192))


def text(name: str, **rules: Any) -> Spec:
    """A declared field of text."""
    return {"name": name, "json": name, "place": "top", "kind": "text", **rules}


def entity(name: str, fields: list[Spec], **rules: Any) -> Spec:
    """A declared entity; the first field is its key."""
    size = {"max_data": 100_000, "max_average": 100_000, "size_class": name}
    return {"name": name, "fields": fields, "metadata": False, "facets": False, "shared": False, **size, **rules}


def _array(kind: str, values: list[Any]) -> pa.Array:
    return pa.array(
        values, {"list": pa.list_(pa.string()), "integer": pa.int64(), "flag": pa.bool_()}.get(kind, pa.string())
    )


@dataclass
class Answer:
    """What the engine says of one file."""

    report: dict[str, Any]
    parked: dict[str, list[dict[str, Any]]]

    def faults(self) -> set[tuple[str, int]]:
        """Codes with the numbers of their records."""
        return {(fault["code"], fault["record"]) for fault in self.report["problems"]["list"]}

    def listed(self, code: str) -> list[dict[str, Any]]:
        """The faults of one code."""
        return [fault for fault in self.report["problems"]["list"] if fault["code"] == code]


@dataclass
class Desk:
    """Records of some entities, by stored row; ``threads`` and ``block`` must not change any result."""

    folder: Path
    specs: list[Spec]
    threads: int = 1
    block: int | None = None
    memory: int = 64 << 20
    rows: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    base: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def records(self, name: str) -> list[dict[str, Any]]:
        """Current records, without what is empty."""
        return list(self.rows.get(name, {}).values())

    def send(self, name: str, operation: str, columns: list[str], rows: list[Row]) -> Answer:
        """Plan a CSV file of ``rows`` and carry it out where its verdict lets it."""
        path = self.folder / f"feed{next(self.numbers)}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([row.get(column, "") for column in columns] for row in rows)
        return self.run(path, operation, name)

    def run(self, path: Path, operation: str, name: str | None) -> Answer:
        """Plan the file at ``path`` and carry it out."""
        request = {
            "operation": operation, "force": True, "entity": name, "entities": self.specs, "base": self.base,
            "settings": {"rows": "reject", "listed_problems": 100_000}, "threads": self.threads, "memory": self.memory,
            "temp_dir": str(self.folder), **({"block": self.block} if self.block else {}),
        }  # fmt: skip
        planner = engine.Planner(request, SECRET)
        for needed in planner.directories():
            planner.know(needed["entity"], self.stored(needed["entity"], needed["columns"], None))
        planner.scan(path)
        while (want := planner.next_want()) is not None:
            some = None
            if want["rows"] == "some":
                some = pa.table(planner.wanted())["_row"].to_pylist()
            columns = want["columns"]
            if columns is None:
                columns = [column["name"] for column in self.base[want["entity"]]["columns"]]
            planner.supply(self.stored(want["entity"], columns, some))
        report = planner.decide()
        parked = {spec["name"]: list(planner.parked(spec["name"])) for spec in self.specs}
        if report["verdict"] == "apply":
            for spec in self.specs:
                self._carry_out(planner, spec["name"])
            for name_, state in planner.write_index(self.folder, f"i{next(self.numbers)}").items():
                self._next(planner, name_, state)
        return Answer(report, parked)

    def stored(self, name: str, columns: list[str], only: list[int] | None) -> pa.Table:
        """Current records as the store hands them out."""
        rows = self.rows.get(name, {})
        wanted = sorted(rows) if only is None else only
        kinds = {f["name"]: f["kind"] for spec in self.specs if spec["name"] == name for f in spec["fields"]}
        arrays = {"_row": pa.array(wanted, pa.int64())}
        arrays |= {column: _array(kinds[column], [rows[row].get(column) for row in wanted]) for column in columns}
        return pa.table(arrays)

    def _carry_out(self, planner: engine.Planner, name: str) -> None:
        rows = self.rows.setdefault(name, {})
        patched = planner.patched(name)
        changes: list[tuple[int, dict[str, Any]]] = []
        for row in pa.table(patched).to_pylist() if patched is not None else []:
            old = dict(rows[row["_old_row"]])
            new = {column: value for column, value in row.items() if not column.startswith("_")}
            changes.append((row["_row"], {**old, **new}))
        whole = planner.rows(name)
        for row in pa.table(whole).to_pylist() if whole is not None else []:
            changes.append((row["_row"], {column: value for column, value in row.items() if column[0] != "_"}))
        closed = planner.closed(name)
        for row in pa.table(closed)["_row"].to_pylist() if closed is not None else []:
            del rows[row]
        for number, values in changes:
            rows[number] = {column: value for column, value in values.items() if value is not None}

    def _next(self, planner: engine.Planner, name: str, state: dict[str, Any]) -> None:
        columns = self.base.get(name, {}).get("columns", []) + planner.added_columns(name)
        runs = [str(self.folder / run) if "/" not in run else run for run in state["runs"]]
        self.base[name] = {**state, "runs": runs, "columns": columns}


def plain(records: list[dict[str, Any]], key: str = "system_id") -> list[str]:
    """Records without their made keys, in one order."""
    return sorted(json.dumps({k: v for k, v in record.items() if k != key}, sort_keys=True) for record in records)
