"""One catalog in every form that a profile can declare: one digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine import ingest
from planning.desk import SHOP, Desk, text

ROWS = [
    {"sku": "007", "name": "Tee Käse", "description": "a, b; c", "price": "1.50", "stock": "3"},
    {"sku": "8", "name": "Oil <&>", "price": "2"},
]
_WIDTHS = {"sku": 6, "name": 12, "description": 10, "price": 8, "stock": 4}


def _xml() -> str:
    def cells(row: dict[str, str]) -> str:
        safe = {name: value.replace("&", "&amp;").replace("<", "&lt;") for name, value in row.items()}
        return "".join(f"<{name}>{value}</{name}>" for name, value in safe.items())

    return "<shop>" + "".join(f"<product>{cells(row)}</product>" for row in ROWS) + "</shop>"


def _fixed() -> str:
    return "".join("".join(row.get(name, "").ljust(width) for name, width in _WIDTHS.items()) + "\n" for row in ROWS)


def _fixed_format() -> str:
    lines, start = ["[[entities.products.format.fixed.records]]", "fields = ["], 1
    for name, width in _WIDTHS.items():
        lines.append(f'    {{ name = "{name}", start = {start}, length = {width} }},')
        start += width
    return "\n".join([*lines, "]"])


FORMS = {
    "csv": ("", "csv", text(ROWS).encode()),
    "semicolons": (
        '[entities.products.format]\nencoding = "cp1252"\ndelimiter = ";"\n',
        "csv",
        'sku;name;description;price;stock\n007;Tee Käse;"a, b; c";1.50;3\n8;Oil <&>;;2;\n'.encode("cp1252"),
    ),
    "utf-16": ('[entities.products.format]\nencoding = "utf-16"\n', "csv", text(ROWS).encode("utf-16")),
    "xml": ('[entities.products.format.xml]\nrecord = "shop/product"\n', "xml", _xml().encode()),
    "fixed": (_fixed_format() + "\n", "txt", _fixed().encode()),
}


def digest(root: Path, form: str) -> str:
    declared, ending, content = FORMS[form]
    desk = Desk(root, SHOP.replace('extensions = ["csv"]', 'extensions = ["csv", "xml", "txt"]') + declared)
    # Digests are keyed by the store's secret: alike, they can be compared.
    (root / "store" / "secret").write_bytes(bytes(range(192)))
    desk.store = type(desk.store).open(root / "store")
    request = desk.request(f"PRODUCT_20261121.{ending}", "", profile=str(desk.profile))
    request.path.write_bytes(content)
    ingest.run(desk.store, desk.settings, request)
    assert desk.rows("products")[0]["name"] == "Tee Käse"
    return desk.digest("products")


@pytest.mark.feature("P2")
@pytest.mark.parametrize("form", [form for form in FORMS if form != "csv"])
def test_a_declared_format_says_the_same(tmp_path: Path, form: str) -> None:
    assert digest(tmp_path / form, form) == digest(tmp_path / "csv", "csv")
