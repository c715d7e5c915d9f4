"""Best Buy's open data as the vendor's JSON: categories become a group tree, products items."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any


def groups(folder: Path) -> list[dict[str, Any]]:
    """The category tree under one root; a parent that the data leaves out is skipped."""
    raw = json.loads(gzip.decompress((folder / "best-buy" / "categories.json.gz").read_bytes()))
    known = {one["id"] for one in raw}
    found = [{"id": "all", "name": "All", "parent_ids": []}]
    for one in raw:
        above = [step["id"] for step in one["path"][:-1] if step["id"] in known]
        found.append({"id": one["id"], "name": one["name"] or one["id"], "parent_ids": [above[-1] if above else "all"]})
    return found


def items(folder: Path, tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The products; they have no id, so the number in their image's name is theirs."""
    raw = json.loads(gzip.decompress((folder / "best-buy" / "products-3291.json.gz").read_bytes()))
    by_name: dict[str, str] = {}
    for group in tree:
        by_name.setdefault(group["name"], group["id"])
    found = []
    for place, one in enumerate(raw):
        number = re.search(r"/(\d+)_", one["image"])
        data = {
            "image_url": one["image"],
            "description": one["description"],
            "group_ids": [by_name[name] for name in one["categories"] if name in by_name],
            "facets": {"Brand": [one["brand"]]},
            "price": one["price"],
            "popularity": one["popularity"],
        }
        found.append({"id": number[1] if number else f"p{place}", "name": one["name"][:250], "data": data})
    return found
