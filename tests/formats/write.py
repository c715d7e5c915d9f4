"""One table in every format: plain writers, as a sender might have written them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape

Row = dict[str, str]
LISTS = ("group_ids", "keywords")
WIDTH = 24


def columns(rows: Sequence[Row]) -> list[str]:
    """The columns in the order in which they first come."""
    return list(dict.fromkeys(name for row in rows for name in row))


def as_csv(rows: Sequence[Row], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """CSV; in UTF-16 with a mark."""
    out = io.StringIO(newline="")
    names = columns(rows)
    writer = csv.DictWriter(out, names, restval="", delimiter=delimiter, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def record(row: Row) -> dict[str, Any]:
    """A row as the published JSON."""
    top: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, text in row.items():
        if not text:
            continue
        if name in ("id", "item_name"):
            top["name" if name == "item_name" else name] = text
        elif name == "suggested_score":
            top[name] = int(text)
        elif name == "active":
            data[name] = text == "true"
        else:
            data[name] = text.split("|") if name in LISTS else text
    return top | ({"data": data} if data else {})


def as_jsonl(rows: Sequence[Row]) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(record(row)) + "\n" for row in rows).encode()


def as_json(rows: Sequence[Row]) -> bytes:
    """One document."""
    return json.dumps({"items": [record(row) for row in rows]}, indent=1, ensure_ascii=False).encode()


def as_xml(rows: Sequence[Row], encoding: str = "utf-8") -> bytes:
    """A catalog of products; lists are repeated elements, what is blank is left out."""
    out = [f'<?xml version="1.0" encoding="{encoding}"?>\n<p:catalog xmlns:p="urn:x"><made by="me"/>\n']
    for row in rows:
        out.append("  <p:product>\n")
        for name, text in row.items():
            for piece in text.split("|") if name in LISTS and text else [text] if text else []:
                out.append(f"    <{name}>\n      {_cdata(piece) if len(piece) % 2 else escape(piece)} </{name}>\n")
        out.append("  </p:product>\n")
    out.append("</p:catalog>\n")
    return "".join(out).encode(encoding, "xmlcharrefreplace")


def _cdata(text: str) -> str:
    return f"<![CDATA[{text}]]>" if "]]>" not in text and text.isascii() else escape(text)


def as_fixed(rows: Sequence[Row], encoding: str = "utf-8") -> bytes:
    """A header line, lines of data, a trailer that counts them."""
    lines = ["HCATALOG"]
    names = columns(rows)
    lines += ["D" + "".join(row.get(name, "").ljust(WIDTH) for name in names) for row in rows]
    lines.append(f"T{len(rows):08}")
    return "\r\n".join(lines).encode(encoding)


def fixed(rows: Sequence[Row]) -> dict[str, Any]:
    """What a profile declares of :func:`as_fixed`."""
    fields = [{"name": name, "start": 2 + number * WIDTH, "length": WIDTH} for number, name in enumerate(columns(rows))]
    return {
        "records": [{"tag": {"at": 1, "text": "D"}, "fields": fields}],
        "ignore": ["H"],
        "trailer": {"tag": {"at": 1, "text": "T"}, "start": 2, "length": 8},
    }


Writer = Callable[[Sequence[Row]], tuple[str, bytes, dict[str, Any]]]
XML = {"record": "catalog/product"}
#: Name, writer to (file name, bytes, declared format). A format that cannot say a text raises UnicodeEncodeError.
FORMATS: dict[str, Writer] = {
    "csv": lambda rows: ("items.csv", as_csv(rows), {}),
    "semicolon": lambda rows: ("items.csv", as_csv(rows, "utf-8-sig", ";"), {}),
    "jsonl": lambda rows: ("items.jsonl", as_jsonl(rows), {}),
    "json": lambda rows: ("items.json", as_json(rows), {}),
    "cp1252": lambda rows: ("items.csv", as_csv(rows, "cp1252"), {"encoding": "cp1252"}),
    "latin-1": lambda rows: ("items.csv", as_csv(rows, "latin-1"), {"encoding": "latin-1"}),
    "utf-16": lambda rows: ("items.csv", as_csv(rows, "utf-16"), {"encoding": "utf-16"}),
    "utf-16be": lambda rows: ("items.csv", as_csv(rows, "utf-16-be"), {"encoding": "utf-16be"}),
    "jsonl in utf-16": lambda rows: ("items.jsonl", as_jsonl(rows).decode().encode("utf-16"), {"encoding": "utf-16"}),
    "json in utf-16": lambda rows: ("items.json", as_json(rows).decode().encode("utf-16"), {"encoding": "utf-16"}),
    "fixed": lambda rows: ("items.txt", as_fixed(rows), {"fixed": fixed(rows)}),
    "fixed in utf-16": lambda rows: (
        "items.txt",
        as_fixed(rows, "utf-16"),
        {"fixed": fixed(rows), "encoding": "utf-16"},
    ),
    "fixed in cp1252": lambda rows: (
        "items.txt",
        as_fixed(rows, "cp1252"),
        {"fixed": fixed(rows), "encoding": "cp1252"},
    ),
    "xml": lambda rows: ("items.xml", as_xml(rows), {"xml": XML}),
    "xml in latin-1": lambda rows: ("items.xml", as_xml(rows, "iso-8859-1"), {"xml": XML}),
    "xml in utf-16": lambda rows: ("items.xml", as_xml(rows, "utf-16"), {"xml": XML, "encoding": "utf-16"}),
}
