"""Hostile JSON and JSONL (section 2 of the list)."""

from __future__ import annotations

from .shape import FAILS, FINE, ROW, WARNING, Hostile

JSON = "key_a1_Products_{op}_2026-11-21-00-00-00.json"
LINES = JSON + "l"


def _item(more: bytes) -> bytes:
    return b'{"items":[{"id":"B1","name":"Boot"' + more + b"}]}"


DOCUMENTS = [
    Hostile(
        35,
        "deep nesting",
        lambda: _item(b',"data":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        FAILS,
        ("TOO_DEEP",),
        file=JSON,
    ),
    Hostile(
        35,
        "deep nesting at the top",
        lambda: b"[" * 100_000,
        FAILS,
        (),
        also=("BAD_JSON", "TOO_DEEP"),
        file=JSON,
    ),
    Hostile(36, "duplicate member", _item(b',"name":"Last"'), WARNING, ("DUPLICATE_MEMBER",), file=JSON),
    Hostile(36, "duplicate member in data", _item(b',"data":{"x":1,"x":2}'), WARNING, ("DUPLICATE_MEMBER",), file=JSON),
    Hostile(
        37,
        "numbers beyond double",
        _item(b',"data":{"a":1e400,"b":-0,"c":123456789012345678901234567890.123}'),
        FINE,
        file=JSON,
    ),
    Hostile(38, "NaN", _item(b',"data":{"a":NaN}'), FAILS, ("BAD_JSON",), file=JSON),
    Hostile(38, "Infinity", _item(b',"data":{"a":-Infinity}'), FAILS, ("BAD_JSON",), file=JSON),
    Hostile(39, "lone surrogate escape", _item(b',"data":{"a":"\\ud800"}'), ROW, ("BAD_ESCAPE",), file=JSON),
    Hostile(
        39, "unknown escape", _item(b',"data":{"a":"\\x41"}'), FAILS, ("BAD_JSON",), also=("BAD_ESCAPE",), file=JSON
    ),
    Hostile(39, "control character in a text", _item(b',"data":{"a":"x\ny"}'), FAILS, ("BAD_JSON",), file=JSON),
    Hostile(40, "trailing comma", b'{"items":[{"id":"B1","name":"Boot"},]}', FAILS, ("BAD_JSON",), file=JSON),
    Hostile(40, "comment", b'{"items":[/* x */{"id":"B1","name":"Boot"}]}', FAILS, ("BAD_JSON",), file=JSON),
    Hostile(40, "single quotes", b"{'items':[{'id':'B1','name':'Boot'}]}", FAILS, ("BAD_JSON",), file=JSON),
    Hostile(41, "scalar at the top", b"42", FAILS, ("BAD_JSON",), also=("BAD_TYPE",), file=JSON),
    Hostile(41, "empty array", b"[]", FAILS, ("EMPTY_ENTITY",), file=JSON),
    Hostile(41, "empty list", b'{"items":[]}', FAILS, ("EMPTY_ENTITY",), file=JSON),
    Hostile(41, "empty object", b"{}", FAILS, ("UNKNOWN_ENTITY",), also=("EMPTY_ENTITY",), file=JSON),
    Hostile(
        41,
        "two documents in a row",
        _item(b"") + _item(b""),
        FAILS,
        ("BAD_JSON",),
        also=("DUPLICATE_LIST",),
        file=JSON,
    ),
    Hostile(
        41,
        "one list twice",
        b'{"items":[{"id":"B1","name":"Boot"}],"items":[{"id":"B2","name":"Shoe"}]}',
        FAILS,
        ("DUPLICATE_LIST",),
        file=JSON,
    ),
    Hostile(42, "cut document", _item(b"")[:-3], FAILS, ("TRUNCATED",), file=JSON),
    Hostile(42, "cut between records", b'{"items":[{"id":"B1","name":"Boot"},', FAILS, ("TRUNCATED",), file=JSON),
    Hostile(42, "cut after the list", b'{"items":[{"id":"B1","name":"Boot"}]', FAILS, ("TRUNCATED",), file=JSON),
    Hostile(43, "blank line", b'{"id":"B1","name":"Boot"}\n\n{"id":"B2","name":"Shoe"}\n', FINE, file=LINES),
    Hostile(
        43, "array line", b'{"id":"B1","name":"Boot"}\n["B2"]\n', ROW, ("BAD_JSON",), also=("MISSING_KEY",), file=LINES
    ),
    Hostile(43, "crlf", b'{"id":"B1","name":"Boot"}\r\n{"id":"B2","name":"Shoe"}\r\n', FINE, file=LINES),
    Hostile(43, "last line cut", b'{"id":"B1","name":"Boot"}\n{"id":"B2","na', FAILS, ("TRUNCATED",), file=LINES),
    Hostile(
        43,
        "bad line in the middle",
        b'{"id":"B1","name":"Boot"}\n{"id":"B2",}\n{"id":"B3","name":"Hat"}\n',
        ROW,
        ("BAD_JSON",),
        also=("MISSING_FIELD",),
        file=LINES,
    ),
    Hostile(44, "wrong entity", b'{"product":[{"id":"B1","name":"Boot"}]}', FAILS, ("UNKNOWN_ENTITY",), file=JSON),
    Hostile(45, "id as a number", b'{"items":[{"id":17,"name":"Boot"}]}', WARNING, ("ID_NOT_TEXT",), file=JSON),
    Hostile(
        45,
        "id as a list",
        b'{"items":[{"id":["B1"],"name":"Boot"}]}',
        ROW,
        ("BAD_TYPE",),
        also=("MISSING_KEY",),
        file=JSON,
    ),
    Hostile(
        45,
        "name as an object",
        b'{"items":[{"id":"B1","name":{"en":"Boot"}}]}',
        ROW,
        ("BAD_TYPE",),
        also=("MISSING_FIELD",),
        file=JSON,
    ),
    Hostile(45, "data as a list", b'{"items":[{"id":"B1","name":"Boot","data":[1]}]}', ROW, ("BAD_TYPE",), file=JSON),
    Hostile(45, "unknown member", _item(b',"price":1'), WARNING, ("UNKNOWN_MEMBER",), file=JSON),
    Hostile(
        45,
        "record that is a scalar",
        b'{"items":["B1"]}',
        ROW,
        ("BAD_JSON",),
        also=("EMPTY_ENTITY", "MISSING_KEY"),
        file=JSON,
    ),
    Hostile(
        46,
        "add under create",
        b'{"items":[{"id":"A1","data":{"keywords:add":["x"]}}]}',
        FAILS,
        ("ADD_UNDER_CREATE",),
        file=JSON,
        operation="patchdeltacreate",
    ),
    Hostile(7, "nul in a json text", _item(b',"data":{"a":"x\\u0000y"}'), ROW, ("NUL_BYTE",), file=JSON),
    Hostile(5, "latin-1 in json", _item(b',"data":{"a":"caf\xe9"}'), FAILS, ("NOT_UTF8",), file=JSON),
    Hostile(3, "byte order mark before json", b"\xef\xbb\xbf" + _item(b""), FINE, file=JSON),
    Hostile(
        20,
        "one endless record",
        lambda: _item(b',"data":{"a":"' + b"x" * 100_000_000 + b'"}'),
        FAILS,
        ("RECORD_TOO_LONG",),
        file=JSON,
        megabytes=500,
    ),
]
