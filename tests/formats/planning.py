"""A feed through the planner alone, without a store: what was read of it, and what was wrong with it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECRET = bytes(range(192))
FIELDS = ("id", "name", "a", "b", "image", "images/image", "@ref", "text()", "images/@n")


@dataclass
class Seen:
    """Rows by column (what is absent or blank is left out), faults as (code, record, line, byte), and the digest."""

    rows: list[dict[str, str]] = field(default_factory=list)
    faults: list[tuple[str, int, int, int]] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    verdict: str = ""

    @property
    def codes(self) -> list[str]:
        """Codes in the order of the file."""
        return [code for code, *_ in sorted(self.faults, key=lambda fault: fault[1:])]


def things() -> list[dict[str, Any]]:
    """An entity whose fields are texts without rules but for the key."""
    from feedengine.engine import constructor_entities

    spec = copy.deepcopy(constructor_entities()[0])
    one = next(one for one in spec["fields"] if one["name"] == "url")
    key = {**spec["fields"][0], "max_chars": None}
    texts = [{**one, "name": name, "json": name} for name in FIELDS[1:]]
    spec |= {"name": "things", "fields": [key, *texts], "metadata": False, "facets": False}
    return [spec | {"refers": None, "active": None, "max_data": 1 << 30, "max_average": 1 << 30}]


def plan(
    path: Path, format_: dict[str, Any] | None = None, entities: list[dict[str, Any]] | None = None, **request: Any
) -> Seen:
    """Plan a first load of ``path``."""
    import pyarrow as pa

    from feedengine.engine import Planner
    from feedengine.errors import FeedRejected

    given = entities or things()
    planner = Planner(
        {
            "operation": "sync",
            "entities": given,
            "format": format_ or {},
            "settings": {"rows": "reject"},
            "threads": 1,
            **request,
        },
        SECRET,
    )
    seen = Seen()
    try:
        planner.scan(path)
        while (want := planner.next_want()) is not None:
            raise AssertionError(f"an empty catalog is asked for rows: {json.dumps(want)}")
        report = planner.decide()
    except FeedRejected as error:
        return Seen([], [(error.code, 0, 0, 0)], {error.code: str(error)}, verdict="invalid")
    seen.verdict = report["verdict"]
    for fault in report["problems"]["list"]:
        place = fault.get("record") or 0, fault.get("line") or 0, fault.get("byte") or 0
        seen.faults.append((fault["code"], *place))
        seen.messages.setdefault(fault["code"], fault["message"])
    if seen.verdict == "apply":
        seen.digest = "".join(entity["digest"] for entity in report["entities"].values())
        for entity in given:
            stream = planner.rows(entity["name"])
            if stream is not None:
                table = pa.RecordBatchReader.from_stream(stream).read_all()
                texts = [name for name in table.column_names if not name.startswith("_")]
                seen.rows += [
                    {name: value for name in texts if (value := row[name]) is not None} for row in table.to_pylist()
                ]
    return seen
