"""Slow, obvious readers of fixed width and XML: what the engine's are compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.dom import expatbuilder, minidom
from xml.parsers.expat import ExpatError

Row = dict[str, str]
BLANK = " \t\n\r"


class Refused(Exception):
    """The file is refused: code and line."""

    def __init__(self, code: str, line: int = 0) -> None:
        super().__init__(code, line)
        self.code, self.line = code, line


def fixed(text: str, spec: dict[str, Any]) -> tuple[list[Row], list[tuple[str, int, int]]]:
    """Rows that can be applied, and faults as (code, record, line). Raises Refused."""
    rows: list[Row] = []
    faults: list[tuple[str, int, int]] = []
    kinds: list[tuple[int, str, Any]] = [
        *((one["tag"]["at"], one["tag"]["text"], one) for one in spec["records"] if one.get("tag")),
        *((1, tag, "ignored") for tag in spec.get("ignore", [])),
        *((1, "", one) for one in spec["records"] if not one.get("tag")),
    ]
    trailer = spec.get("trailer")
    if trailer:
        kinds.insert(0, (trailer["tag"]["at"], trailer["tag"]["text"], "trailer"))
    kinds.sort(key=lambda kind: -len(kind[1]))
    records = counted = 0
    ended = False
    lines = re.split("\r\n|\n|\r", text)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if ended:
            raise Refused("TRAILER_MISMATCH", number)
        kind = next((kind for at, tag, kind in kinds if line[at - 1 :].startswith(tag)), None)
        if kind == "ignored":
            continue
        if kind == "trailer":
            stated = line[trailer["start"] - 1 :][: trailer["length"]].strip()
            if not re.fullmatch("[0-9]+", stated) or int(stated) != counted:
                raise Refused("TRAILER_MISMATCH", number)
            ended = True
            continue
        records += 1
        if kind is None:
            faults.append(("BAD_LINE", records, number))
            continue
        counted += 1
        length = max(
            [field["start"] - 1 + field["length"] for field in kind["fields"]]
            + ([kind["tag"]["at"] - 1 + len(kind["tag"]["text"])] if kind.get("tag") else [])
        )
        row = {
            field["name"]: value
            for field in kind["fields"]
            if (value := line[field["start"] - 1 :][: field["length"]].strip(" "))
        }
        bad = [("BAD_LINE", records, number)] if len(line) < length or line[length:].strip() else []
        if not row.get("id", "").strip():
            bad.append(("MISSING_KEY", records, number))
        faults += bad
        if not bad:
            rows.append(row)
    if trailer and not ended:
        raise Refused("TRAILER_MISMATCH", len(lines) + bool(lines[-1]))
    return rows, faults


def xml(content: bytes, path: str) -> list[Row]:
    """The records at ``path``. Raises Refused for what is not well-formed."""
    try:
        document = expatbuilder.parseString(content, namespaces=False)
    except (ExpatError, ValueError, LookupError) as error:
        raise Refused("BAD_XML") from error
    found = [document.documentElement] if _local(document.documentElement.nodeName) == path.split("/")[0] else []
    for step in path.split("/")[1:]:
        found = [child for element in found for child in _children(element) if _local(child.nodeName) == step]
    rows = []
    for element in found:
        row: dict[str, list[str]] = {}
        for name, text in _cells(element, ""):
            row.setdefault(name, []).append(text)
        rows.append({name: "|".join(texts) for name, texts in row.items()})
    return rows


def _cells(element: minidom.Element, name: str) -> Iterator[tuple[str, str]]:
    for attribute, value in element.attributes.items():
        if attribute != "xmlns" and not attribute.startswith(("xmlns:", "xml:")):
            yield f"{name}/@{_local(attribute)}".lstrip("/"), value
    for child in _children(element):
        yield from _cells(child, f"{name}/{_local(child.nodeName)}".lstrip("/"))
    text = _text(element)
    if text or (name and not _children(element)):
        yield name or "text()", text


def _text(element: minidom.Element) -> str:
    """Without the white space at its ends that does not stand in CDATA."""
    letters = [
        (letter, node.nodeType == node.TEXT_NODE and letter in BLANK)
        for node in element.childNodes
        if node.nodeType in (node.TEXT_NODE, node.CDATA_SECTION_NODE)
        for letter in node.data
    ]
    while letters and letters[0][1]:
        letters.pop(0)
    while letters and letters[-1][1]:
        letters.pop()
    return "".join(letter for letter, _ in letters)


def _children(element: minidom.Element) -> list[minidom.Element]:
    return [child for child in element.childNodes if child.nodeType == child.ELEMENT_NODE]


def _local(name: str) -> str:
    return name.rsplit(":", 1)[1] or name if ":" in name else name
