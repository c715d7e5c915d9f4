"""A partner's files in three formats, each by a profile: one catalog, and the same faults at each one's own places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shop_of_profiles import Shop, codes, opened

PROFILE = """
name = "{name}"
[naming]
form = "{{entity}}_{{date:YYYYMMDD}}.{{ext}}"
extensions = ["csv", "txt", "xml"]
{format}
[entities.products]
file = "Products"
fields.sku = {{ required = true, pattern = "[0-9]{{4}}", aliases = ["@sku"] }}
fields.title = {{ required = true, max_length = 12 }}
fields.price = {{ type = "decimal", aliases = ["price/amount"] }}
fields.images = {{ type = "list", aliases = ["images/image"] }}
"""
FIXED = """
[format.fixed]
ignore = ["HDR"]
trailer = { tag = { at = 1, text = "TRL" }, start = 4, length = 6 }
[[format.fixed.records]]
tag = { at = 1, text = "PRD" }
fields = [
  { name = "sku", start = 4, length = 4 }, { name = "title", start = 8, length = 14 },
  { name = "price", start = 22, length = 6 }, { name = "images", start = 28, length = 8 },
]
"""
ROWS = [
    ("0017", "Stühle €", "10.50", "a|b"),
    ("0018", "Tisch", "", ""),
    ("0020", "", "7", ""),
    ("0019", "B" * 13, "1", "c"),
]


def as_csv() -> bytes:
    """Semicolons, cp1252."""
    return "\r\n".join(["sku;title;price;images", *(";".join(row) for row in ROWS)]).encode("cp1252")


def as_fixed() -> bytes:
    """UTF-16."""
    lines = [f"PRD{sku:4}{title:14}{price:>6}{images:8}" for sku, title, price, images in ROWS]
    return "\n".join(["HDR Products", *lines, f"TRL{len(ROWS):06}", ""]).encode("utf-16")


def as_xml() -> bytes:
    """Attributes, nested and repeated elements; what is blank is left out."""
    out = ['<?xml version="1.0" encoding="windows-1252"?>', '<shop xmlns="urn:shop"><products>']
    for sku, title, price, images in ROWS:
        amount = f"<price><amount> {price} </amount></price>" if price else ""
        pieces = "".join(f"<image>{image}</image>" for image in images.split("|") if image)
        out.append(
            f'<product sku="{sku}"><title><![CDATA[{title}]]></title>{amount}<images>{pieces}</images></product>'
        )
    return "\n".join([*out, "</products></shop>"]).encode("cp1252")


WAYS: dict[str, tuple[str, bytes, str, list[int]]] = {
    "csv": ("csv", as_csv(), '[format]\nencoding = "cp1252"\ndelimiter = ";"', [4, 5]),
    "fixed": ("txt", as_fixed(), '[format]\nencoding = "utf-16"' + FIXED, [4, 5]),
    "xml": ("xml", as_xml(), '[format.xml]\nrecord = "shop/products/product"', [5, 6]),
}


def sent(tmp_path: Path, way: str) -> tuple[Shop, dict[str, Any]]:
    """A shop with that profile, and what its file came to."""
    ext, content, format_, _ = WAYS[way]
    path = tmp_path / f"{way}.toml"
    path.write_text(PROFILE.format(name=way, format=format_), encoding="utf-8")
    shop = opened(tmp_path, path)
    return shop, shop.send(f"Products_20261121.{ext}", content)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.feature("P2", "L30", "T15")
def test_a_profile_says_how_files_are_written(way: str, tmp_path: Path) -> None:
    shop, report = sent(tmp_path, way)
    assert report["outcome"] == "ok_with_errors", report["problems"]
    assert codes(report) == {"MISSING_FIELD": 1, "TOO_LONG": 1}
    kept = [(row["sku"], row["title"], row["price"], row["images"]) for row in shop.rows("products")]
    assert kept == [("0017", "Stühle €", "10.50", ["a", "b"]), ("0018", "Tisch", None, None)]
    lines = sorted({fault["line"] for fault in report["problems"]["list"]})
    assert lines == WAYS[way][3]
    assert [fault["key"] for fault in report["problems"]["list"]] == ["0020", "0019"]
    again = shop.send(f"Products_20261122.{WAYS[way][0]}", WAYS[way][1])
    assert again["entities"]["products"]["unchanged"] == 2


@pytest.mark.parametrize("kind", ["xml", "jsonl"])
@pytest.mark.feature("P28", "L8")
def test_files_without_a_header_are_under_the_rules_of_columns(kind: str, tmp_path: Path) -> None:
    def content(*rows: dict[str, str]) -> bytes:
        if kind == "jsonl":
            return "\n".join(json.dumps(row) for row in rows).encode()
        members = ("".join(f"<{name}>{text}</{name}>" for name, text in row.items()) for row in rows)
        return (
            "<shop><products>" + "".join(f"<product>{row}</product>" for row in members) + "</products></shop>"
        ).encode()

    profile = tmp_path / "acme.toml"
    profile.write_text(
        PROFILE.format(name="acme", format='[format.xml]\nrecord = "shop/products/product"')
        .replace('"xml"]', '"xml", "jsonl"]')
        .replace("[entities.products]", '[entities.products]\ncolumns = { required = ["price"], unknown = "fail" }')
    )
    shop = opened(tmp_path, profile)
    tea, oil = {"sku": "0017", "title": "Tea"}, {"sku": "0018", "title": "Oil"}
    # One record that has the column is enough, in a file that brings nothing new too.
    for day in (20, 21):
        report = shop.send(f"Products_202611{day}.{kind}", content(tea, {**oil, "price": "5"}))
        assert codes(report) == {}
    for rows, code, column in [
        ((tea, oil), "MISSING_COLUMN", "price"),
        (({**tea, "price": "4", "colour": "green"}, oil), "TEMPLATE_MISMATCH", "colour"),
    ]:
        path = shop.folder / f"Products_20261122.{kind}"
        path.write_bytes(content(*rows))
        plan = shop.engine.plan(path, catalog="acme/main").report
        faults = [(each["code"], each["column"], each["severity"]) for each in plan["problems"]["list"]]
        assert (plan["verdict"], faults) == ("invalid", [(code, column, "file")])
