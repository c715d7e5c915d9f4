"""A slow, obvious reader of workbooks: the whole XML in memory, one rule after the other."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"


def texts(path: Path) -> dict[str, list[list[str]]]:
    """Every sheet's rows of texts, by sheet name; cells that are not there are empty."""
    with zipfile.ZipFile(path) as archive:
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {link.attrib["Id"]: link.attrib["Target"] for link in links.iter(f"{PACKAGE}Relationship")}
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        return {
            sheet.attrib["name"]: rows(archive.read("xl/" + targets[sheet.attrib[RELATION]]))
            for sheet in book.iter(f"{MAIN}sheet")
        }


def rows(content: bytes) -> list[list[str]]:
    """The rows of a sheet whose cells are all inline texts."""
    found: list[list[str]] = []
    for row in ElementTree.fromstring(content).iter(f"{MAIN}row"):
        while len(found) < int(row.attrib["r"]):
            found.append([])
        for cell in row.iter(f"{MAIN}c"):
            assert cell.attrib["t"] == "inlineStr", cell.attrib
            at = column(cell.attrib["r"])
            found[-1] += [""] * (at - len(found[-1]))
            found[-1][at - 1] = plain("".join(text.text or "" for text in cell.iter(f"{MAIN}t")))
    return found


def column(address: str) -> int:
    """The column's number, from 1."""
    number = 0
    for letter in address.rstrip("0123456789"):
        number = number * 26 + ord(letter) - 64
    return number


def plain(text: str) -> str:
    """Characters that XML cannot hold stand as ``_xHHHH_``."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)
