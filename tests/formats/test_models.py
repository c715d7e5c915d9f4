"""Every reader of a declared format against the slow model, on sound files and on broken ones."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import model
from .planning import FIELDS, Seen, plan

REFUSALS = {"BAD_XML", "TRUNCATED", "XML_FORBIDDEN", "NOT_UTF8"}
NOTHING = {"UNKNOWN_ENTITY", "EMPTY_ENTITY"}


def read(content: bytes, name: str, declared: dict[str, Any], block: int) -> Seen:
    """What the engine makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return plan(path, declared, block=block)


def by_id(rows: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Rows that can be kept: the last one of each id, its known and filled cells."""
    kept = [{name: text for name, text in row.items() if name in FIELDS and text} for row in rows]
    return {row["id"]: row for row in kept if row.get("id", "").strip(" \t\n\r\f")}


blocks = st.sampled_from([16, 64, 1 << 17])
letters = st.text("ab 0é€\U0001f45f-|,\"'", max_size=6)
SPEC = {
    "records": [
        {
            "tag": {"at": 1, "text": "D"},
            "fields": [{"name": "id", "start": 3, "length": 4}, {"name": "name", "start": 8, "length": 5}],
        },
        {
            "tag": {"at": 1, "text": "DX"},
            "fields": [{"name": "id", "start": 3, "length": 4}, {"name": "a", "start": 7, "length": 2}],
        },
    ],
    "ignore": ["H", "#"],
}
TRAILER = {"trailer": {"tag": {"at": 1, "text": "T"}, "start": 2, "length": 4}}
UNTAGGED = {"records": [{"fields": [{"name": "id", "start": 1, "length": 3}, {"name": "a", "start": 4, "length": 3}]}]}


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line that may be anything."""
    start = draw(st.sampled_from(["D ", "D ", "D ", "DX", "DX", "H", "#", "T", "X", "d", "", " "]))
    body = draw(letters).ljust(draw(st.integers(0, 5))) + draw(letters)
    width = draw(st.sampled_from([0, 8, 12, 12, 12, 14]))
    line = (start + body).ljust(width)
    return line[:width] if width and draw(st.booleans()) else line


@pytest.mark.feature("T15", "P2")
@given(
    st.lists(lines(), max_size=8),
    st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=9, max_size=9),
    st.sampled_from([SPEC, SPEC | TRAILER, UNTAGGED]),
    st.sampled_from([None, "utf-8", "utf-16le"]),
    st.sampled_from(["", "T1", "T0002", "T   3 ", "Tx"]),
    blocks,
)
def test_flat_files_are_read_as_the_model_does(
    drawn: list[str], ends: list[str], spec: dict[str, Any], encoding: str | None, last: str, block: int
) -> None:
    text = "".join(line + end for line, end in zip(["D 0001 first", *drawn], ends, strict=False)) + last
    codec = {"utf-16le": "utf-16-le"}.get(encoding or "", "utf-8")
    seen = read(text.encode(codec), "things.txt", {"fixed": spec, "encoding": encoding}, block)
    try:
        rows, faults = model.fixed(text, spec)
    except model.Refused as refused:
        assert seen.verdict == "invalid"
        assert (refused.code, refused.line) in [(code, line) for code, _, line, _ in seen.faults], (refused, seen)
        return
    ours = [(code, record, line) for code, record, line, _ in seen.faults if code in ("BAD_LINE", "MISSING_KEY")]
    assert sorted(ours) == sorted(faults)
    if seen.verdict == "apply":
        assert by_id(seen.rows) == by_id(rows)
    for code, _, line, byte in seen.faults:
        if code == "BAD_LINE":
            assert byte == len(text[: _line_starts(text)[line - 1]].encode(codec)), (line, byte)


def _line_starts(text: str) -> list[int]:
    starts, at = [0], 0
    while at < len(text):
        step = 2 if text.startswith("\r\n", at) else 1
        if text[at] in "\r\n":
            starts.append(at + step)
        at += step
    return starts


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> str:
    """What may stand in a record."""
    name = draw(st.sampled_from(["id", "id", "name", "a", "b", "x:a", "images", "image", "other"]))
    attributes = draw(st.sampled_from(["", "", " ref='1'", ' n="a\tb&#10;&quot;"', " xmlns:x='u' x:ref=' '", " \n "]))
    inner = draw(st.lists(st.one_of(texts, elements(depth + 1)) if depth < 2 else texts, max_size=3))
    return (
        f"<{name}{attributes}/>"
        if not inner and draw(st.booleans())
        else f"<{name}{attributes}>{''.join(inner)}</{name}>"
    )


texts = st.sampled_from(
    [
        *("x", "1", "2", " x ", "\n  ", "\r\n", "a&lt;b", "&#xE9;", "é", "&amp;", "]]", ">"),
        *("<![CDATA[ <&c ]]>", "<!-- c -->", "<?p i?>"),
    ]
)
FRAGMENTS = [
    *("<", ">", "&", "/", "'", '"', "</a>", "<a>", "]]>", "--", "<!", "<?", "="),
    *(" ", "\x01", "\xff", "&a;", ":", "a", "-", "\n"),
]


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A catalog, whole or broken at one place."""
    out = ["<?xml version='1.0'?>\n" if draw(st.booleans()) else "", "<catalog xmlns='u'>\n"]
    for number in range(draw(st.integers(0, 3))):
        out.append(f"<product ref='r{number}'><id>{number}</id>")
        out += draw(st.lists(st.one_of(texts, elements()), max_size=4))
        out.append("</product>")
        out.append(draw(st.sampled_from(["", "\n", "<other><product><id>no</id></product></other>"])))
    text = "".join([*out, "</catalog>", draw(st.sampled_from(["", "\n", "<!-- end -->", "\r\n<?end?>"]))])
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 3))
        text = text[:at] + draw(st.sampled_from(["", *FRAGMENTS])) + text[at + cut :]
    return text


@pytest.mark.feature("P2", "L30")
@given(documents(), blocks)
def test_xml_is_read_as_the_model_does(text: str, block: int) -> None:
    content = text.encode()
    seen = read(content, "things.xml", {"xml": {"record": "catalog/product"}}, block)
    assert "RECORD_TOO_LONG" not in seen.codes
    try:
        rows = model.xml(content, "catalog/product")
    except model.Refused:
        # What does not begin like XML is taken for CSV.
        expected = REFUSALS if text.lstrip().startswith("<") else {"MISSING_COLUMN"}
        assert seen.verdict == "invalid" and expected & set(seen.codes), (text, seen)
        return
    kept = by_id(rows)
    if not rows:
        assert NOTHING & set(seen.codes), (text, seen)
        return
    assert not REFUSALS & set(seen.codes), (text, seen)
    missing = sum(not row.get("id", "").strip(" \t\n\r\f") for row in rows)
    assert seen.codes.count("MISSING_KEY") == missing
    if seen.verdict == "apply":
        assert by_id(seen.rows) == kept, text


@pytest.mark.feature("L30")
@given(
    st.text('aé€\U0001f45f"\n;', max_size=30),
    st.sampled_from(["latin-1", "cp1252", "utf-16le", "utf-16be"]),
    st.binary(max_size=6),
    st.integers(0, 60),
    blocks,
)
def test_what_python_cannot_decode_is_refused_at_its_byte(
    text: str, encoding: str, junk: bytes, at: int, block: int
) -> None:
    quoted = text.replace('"', '""')
    content = f'id,name\n1,"{quoted}"\n'.encode(encoding, "ignore")
    content = content[:at] + junk + content[at:]
    seen = read(content, "things.csv", {"encoding": encoding}, block)
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        assert [byte for code, _, _, byte in seen.faults if code == "BAD_ENCODING"] == [error.start], seen
        return
    mark = content[:3] == b"\xef\xbb\xbf" or content[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert "BAD_ENCODING" not in seen.codes or mark
