"""However few changes are shown, all are counted, and those that are shown are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command import command


@pytest.mark.feature("U8")
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_is_not_shown_is_counted(form: str, tmp_path: Path) -> None:
    day1 = {f"A{n}": {"id": f"A{n}", "item_name": f"Item {n}", "metadata:p": str(n)} for n in range(400)}
    day2 = {key: dict(row) for number, (key, row) in enumerate(day1.items()) if number % 10}
    for row in list(day2.values())[::7]:
        row["metadata:p"] = "new"
    day2 |= {f"B{n}": {"id": f"B{n}", "item_name": f"Item {n}", "metadata:p": ""} for n in range(25)}
    files = [_written(tmp_path / f"{name}.{form}", rows) for name, rows in (("old", day1), ("new", day2))]

    def compared(*options: str) -> Any:
        done = command("--store", tmp_path / "none", "--json", "diff", *files, *options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    every = compared("--limit", "100000")
    changes = {change["id"]: change for change in every["changes"]}
    assert every["entities"] == {"items": {"added": 25, "changed": 52, "removed": 40}}
    assert every["shown"] == len(changes) == 117
    assert changes["A1"]["fields"] == {"metadata:p": {"before": "1", "after": "new"}}
    assert changes["A10"]["change"] == "removed"
    for limit in (0, 1, 30, 90, 117):
        found = compared("--limit", str(limit))
        assert (found["entities"], found["shown"]) == (every["entities"], limit)
        assert all(change == changes[change["id"]] for change in found["changes"])
    assert compared()["shown"] == 100
    # A filter is applied to all of them.
    assert compared("--only", "removed", "--limit", "2")["entities"] == {
        "items": {"added": 0, "changed": 0, "removed": 40}
    }


def _written(path: Path, rows: dict[str, dict[str, str]]) -> Path:
    if path.suffix == ".csv":
        lines = ["id,item_name,metadata:p", *(",".join(row.values()) for row in rows.values())]
    else:
        lines = [json.dumps({name: value for name, value in row.items() if value}) for row in rows.values()]
    path.write_text("\n".join(lines) + "\n")
    return path
