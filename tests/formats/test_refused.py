"""Hostile files in declared formats: each gets its exact code at its exact place, and nothing of it is applied."""

from __future__ import annotations

import gzip
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .planning import plan
from .test_digests import packed

XML = {"xml": {"record": "catalog/product"}}
FLAT = {
    "fixed": {
        "records": [{"tag": {"at": 1, "text": "D"}, "fields": [{"name": "id", "start": 2, "length": 4}]}],
        "ignore": ["H"],
        "trailer": {"tag": {"at": 1, "text": "T"}, "start": 2, "length": 3},
    }
}
GOOD = "<catalog><product><id>1</id></product></catalog>"
LOL = '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>\n<catalog><product><id>&b;</id></product></catalog>'
FETCHED = '<?xml version="1.0"?>\n<!DOCTYPE c SYSTEM "http://localhost:1/x.dtd">\n' + GOOD
FILE = '<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<catalog><product><id>&x;</id></product></catalog>'


@dataclass(frozen=True)
class Case:
    """A file that is refused as a whole; the place is (line, byte)."""

    name: str
    content: bytes
    declared: dict[str, Any]
    code: str
    place: tuple[int, int] = (0, 0)
    says: str = ""


def _cp(text: str) -> dict[str, Any]:
    return {"encoding": text}


WIDE = "id,name\n1,é\n"
CASES = [
    Case("a dtd that expands", LOL.encode(), XML, "XML_FORBIDDEN", (1, 0), "DTD"),
    Case("a dtd that is fetched", FETCHED.encode(), XML, "XML_FORBIDDEN", (2, 22), "DTD"),
    Case("an entity that is a file", FILE.encode(), XML, "XML_FORBIDDEN", (1, 0), "DTD"),
    Case("an entity of nobody", GOOD.replace("1", "&nbsp;").encode(), XML, "XML_FORBIDDEN", (1, 22), "&nbsp;"),
    Case("a doctype in utf-16", FILE.encode("utf-16"), XML | _cp("utf-16"), "XML_FORBIDDEN", (1, 2)),
    Case("nested too deep", ("<catalog>" + "<a>" * 100_000).encode(), XML, "TOO_DEEP", (1, 9 + 3 * 63)),
    Case(
        "a million attributes",
        b"<catalog a" + b"='' a".join(map(b"%d".__mod__, range(1_000_000))) + b"=''/>",
        XML,
        "TOO_MANY_COLUMNS",
        (1, 0),
        "1000 attributes",
    ),
    Case(
        "ten thousand columns",
        ("<catalog><product>" + "".join(f"<c{n}/>" for n in range(10_000)) + "</product></catalog>").encode(),
        XML,
        "TOO_MANY_COLUMNS",
        (1, 18 + sum(len(f"<c{n}/>") for n in range(4097))),
        "4096",
    ),
    Case("cut in a record", GOOD[:30].encode(), XML, "TRUNCATED", (1, 28)),
    Case("cut in a tag", GOOD[:12].encode(), XML, "TRUNCATED", (1, 9)),
    Case("two documents", (GOOD + "\n" + GOOD).encode(), XML, "BAD_XML", (2, 49), "second element"),
    Case("tags that cross", b"<catalog><a><b></a></b></catalog>", XML, "BAD_XML", (1, 15), "</a> closes <b>"),
    Case("a control character", b"<catalog>\n\x02</catalog>", XML, "BAD_XML", (2, 10), "U+0002"),
    Case("no such path", GOOD.replace("product", "produkt").encode(), XML, "UNKNOWN_ENTITY", says="catalog/produkt"),
    Case("no path declared", GOOD.encode(), {}, "UNKNOWN_FORMAT", says="format.xml.record"),
    Case("a web page", b"<!DOCTYPE html>\n<html><body>503</body></html>", {}, "UNKNOWN_FORMAT", says="XML"),
    Case("latin-1 in utf-8", GOOD.replace("1", "é").encode("latin-1"), XML, "NOT_UTF8", (1, 22), "0xE9 at offset 22"),
    Case(
        "an encoding nobody reads", b"<?xml version='1.0' encoding='EUC-JP'?><a/>", XML, "BAD_ENCODING", says="EUC-JP"
    ),
    Case(
        "a byte outside of cp1252",
        b"id,name\r\n1,\x8d\r\n",
        _cp("cp1252"),
        "BAD_ENCODING",
        (2, 11),
        "0x8D at offset 11",
    ),
    Case("half a character", WIDE.encode("utf-16")[:-1], _cp("utf-16"), "BAD_ENCODING", (2, 24), "half a character"),
    Case("a lone surrogate", b"i\0d\0\n\0\x00\xd8", _cp("utf-16le"), "BAD_ENCODING", (2, 6), "surrogate"),
    Case("utf-16 without a mark", WIDE.encode("utf-16-le"), _cp("utf-16"), "BAD_ENCODING", says="utf-16le or utf-16be"),
    Case(
        "utf-16 of the other order", WIDE.encode("utf-16"), _cp("utf-16be"), "BAD_ENCODING", says="declared as utf-16be"
    ),
    Case("utf-8 with a mark as cp1252", WIDE.encode("utf-8-sig"), _cp("cp1252"), "BAD_ENCODING", says="utf-8"),
    Case("utf-16 that nobody declared", WIDE.encode("utf-16"), {}, "NOT_UTF8", says="offset 0"),
    Case("cp1252 that nobody declared", WIDE.encode("cp1252"), {}, "NOT_UTF8", (2, 10)),
    Case(
        "a trailer that counts more", b"H\nD0001\nD0002\nT003\n", FLAT, "TRAILER_MISMATCH", (4, 14), "counts 3 records"
    ),
    Case("a trailer that counts nothing", b"D0001\nTabc", FLAT, "TRAILER_MISMATCH", (2, 6), "no count"),
    Case("no trailer", b"D0001\nD0002\n", FLAT, "TRAILER_MISMATCH", (3, 12), "without its trailer"),
    Case("records behind the trailer", b"D0001\nT001\nD0002\n", FLAT, "TRAILER_MISMATCH", (3, 11), "line 2"),
    Case("one endless line", b"D" * 20_000_000, FLAT, "RECORD_TOO_LONG", (1, 0)),
    Case("one endless text", b"<catalog>" + b"x" * 20_000_000, XML, "RECORD_TOO_LONG", (1, 9)),
    Case("one endless comment", b"<catalog><!--" + b"x" * 20_000_000, XML, "RECORD_TOO_LONG", (1, 9)),
    Case("an empty flat file", b"", FLAT, "EMPTY_FILE"),
    Case("an empty catalog", b"<catalog></catalog>", XML, "EMPTY_ENTITY"),
    Case("a flat file of headers", b"H1\nH2\nT000", FLAT, "EMPTY_ENTITY"),
]


@pytest.mark.parametrize("container", ["", "gz", "tar"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
@pytest.mark.feature("P2", "L30", "T15", "C40", "U5")
def test_a_hostile_file_is_refused_at_its_place(case: Case, container: str, tmp_path: Path) -> None:
    name, content = packed("things.dat", case.content, container)
    path = tmp_path / name
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = plan(path, case.declared)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert seen.verdict == "invalid" and not seen.rows
    assert case.code in seen.codes, seen
    assert case.says in seen.messages[case.code], seen.messages
    if any(case.place):
        assert case.place in [(line, byte) for code, _, line, byte in seen.faults if code == case.code], seen
    assert grown < 300 << 10, f"{grown >> 10} MiB"


@pytest.mark.feature("P2", "T15")
def test_a_bad_line_is_a_row_and_the_others_are_applied(tmp_path: Path) -> None:
    path = tmp_path / "things.txt"
    path.write_bytes(b"H\r\nD0001\r\nD2\r\nX0003\r\nD0004 extra\r\nD0005   \r\nT004")
    seen = plan(path, FLAT)
    assert seen.verdict == "apply"
    assert [row["id"] for row in seen.rows] == ["0001", "0005"]
    assert [fault for fault in seen.faults if fault[0] == "BAD_LINE"] == [
        ("BAD_LINE", 2, 3, 10),
        ("BAD_LINE", 3, 4, 14),
        ("BAD_LINE", 4, 5, 21),
    ]


@pytest.mark.feature("L30")
def test_reports_quote_decoded_text_and_bytes_of_the_original(tmp_path: Path) -> None:
    from feedengine.engine import constructor_entities

    text = "id,item_name,active\r\nÄ1,Größe €,vielleicht\r\nÄ2,x,true\r\n"
    for encoding, codec in [("cp1252", "cp1252"), ("utf-16le", "utf-16-le"), ("utf-8", "utf-8")]:
        path = tmp_path / "items.csv"
        path.write_bytes(text.encode(codec))
        seen = plan(path, {"encoding": encoding}, list(constructor_entities()))
        byte = len(text[: text.index("vielleicht")].encode(codec))
        assert seen.faults == [("BAD_FLAG", 1, 2, byte)], encoding


@pytest.mark.feature("P2")
def test_a_bomb_of_xml_is_no_document(tmp_path: Path) -> None:
    path = tmp_path / "things.xml.gz"
    path.write_bytes(gzip.compress(b"<catalog>" + b"<product><id>1</id></product>" * 5_000_000, 9))
    assert plan(path, XML, settings={"max_expansion": 20}).codes == ["ARCHIVE_BOMB"]
