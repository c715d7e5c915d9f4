"""Hostile text and CSV (section 1 of the list)."""

from __future__ import annotations

from .shape import FAILS, FINE, ROW, WARNING, Hostile

HEAD = b"id,item_name,metadata:m,facet:f\n"
GOOD = HEAD + b"B1,Boot,1,x\n"


def _rows(*lines: bytes) -> bytes:
    return HEAD + b"".join(line + b"\n" for line in lines)


TEXT = [
    Hostile(1, "empty file", b"", FAILS, ("EMPTY_FILE",)),
    Hostile(1, "only a byte order mark", b"\xef\xbb\xbf", FAILS, ("EMPTY_FILE",)),
    Hostile(2, "header only", HEAD, FAILS, ("EMPTY_ENTITY",)),
    Hostile(2, "header only with force", HEAD, FAILS, ("EMPTY_ENTITY",), force=True, operation="sync"),
    Hostile(3, "byte order mark", b"\xef\xbb\xbf" + GOOD, FINE),
    Hostile(4, "utf-16 with a mark", GOOD.decode().encode("utf-16"), FAILS, ("NOT_UTF8",)),
    Hostile(4, "utf-16 without a mark", GOOD.decode().encode("utf-16-le"), FAILS, (), also=("NOT_UTF8", "NUL_BYTE")),
    Hostile(4, "utf-32", GOOD.decode().encode("utf-32"), FAILS, ("NOT_UTF8",)),
    Hostile(5, "latin-1 byte", _rows(b"B1,Caf\xe9,1,x"), FAILS, ("NOT_UTF8",)),
    Hostile(5, "latin-1 byte in the header", b"id,item_name,metadata:caf\xe9\nB1,Boot,1\n", FAILS, ("NOT_UTF8",)),
    Hostile(5, "latin-1 byte in the last row", GOOD * 1 + b"B2,Shoe,\xfc,x", FAILS, ("NOT_UTF8",)),
    Hostile(6, "overlong utf-8", _rows(b"B1,Bo\xc0\xafot,1,x"), FAILS, ("NOT_UTF8",)),
    Hostile(6, "surrogate in utf-8", _rows(b"B1,Bo\xed\xa0\x80ot,1,x"), FAILS, ("NOT_UTF8",)),
    Hostile(6, "cut utf-8 sequence at the end", GOOD + b"B2,Shoe,1,\xe2\x82", FAILS, ("NOT_UTF8",)),
    Hostile(7, "nul in a field", _rows(b"B1,Bo\x00ot,1,x"), ROW, ("NUL_BYTE",)),
    Hostile(7, "nul in the header", b"id,item\x00_name\nB1,Boot\n", FAILS, ("NUL_BYTE",)),
    Hostile(8, "crlf", GOOD.replace(b"\n", b"\r\n"), FINE),
    Hostile(8, "lone cr", GOOD.replace(b"\n", b"\r"), FINE),
    Hostile(8, "mixed line ends", HEAD.replace(b"\n", b"\r\n") + b"B1,Boot,1,x\nB2,Shoe,2,y\r\n", FINE),
    Hostile(9, "no newline at the end", GOOD[:-1], FINE),
    Hostile(9, "unterminated quote at the end", GOOD + b'B2,"Shoe,1,x\n', FAILS, ("UNTERMINATED_QUOTE",)),
    Hostile(
        9, "unterminated quote early", HEAD + b'B2,"Shoe,1,x\nB3,Hat,1,x\nB4,Cap,1,x\n', FAILS, ("UNTERMINATED_QUOTE",)
    ),
    Hostile(9, "unterminated quote in the header", b'id,"item_name\nB1,Boot\n', FAILS, ("UNTERMINATED_QUOTE",)),
    Hostile(10, "quote inside an unquoted field", _rows(b'B1,5" Boot,1,x'), WARNING, ("QUOTE_IN_FIELD",)),
    Hostile(
        11, "text after a closing quote", _rows(b'B1,"Boot"x,1,x'), ROW, ("TEXT_AFTER_QUOTE",), also=("MISSING_FIELD",)
    ),
    Hostile(12, "newline, delimiter and quote in quotes", _rows(b'B1,"Bo\n,""ot",1,x'), FINE),
    Hostile(13, "short row", _rows(b"B1,Boot"), WARNING, ("SHORT_ROW",)),
    Hostile(14, "long row", _rows(b"B1,Boot,1,x,more"), FAILS, ("LONG_ROW",)),
    Hostile(15, "duplicate column", b"id,item_name,url,url\nB1,Boot,a,b\n", FAILS, ("DUPLICATE_COLUMN",)),
    Hostile(15, "two names of one field", b"id,item_name,name\nB1,Boot,Bot\n", FAILS, ("DUPLICATE_COLUMN",)),
    Hostile(16, "empty column name", b"id,item_name,\nB1,Boot,\n", FAILS, ("EMPTY_COLUMN",)),
    Hostile(
        17, "header in another case", b"ID,Item_Name\nB1,Boot\n", FAILS, ("MISSING_COLUMN",), also=("UNKNOWN_COLUMN",)
    ),
    Hostile(
        17, "header with spaces", b"id ,item_name\nB1,Boot\n", FAILS, ("MISSING_COLUMN",), also=("UNKNOWN_COLUMN",)
    ),
    Hostile(17, "no header at all", b"B1,Boot\nB2,Shoe\n", FAILS, ("MISSING_COLUMN",), also=("UNKNOWN_COLUMN",)),
    Hostile(
        18,
        "a delimiter nobody knows",
        b"id#item_name#url\nB1#Boot#x\n",
        FAILS,
        (),
        also=("MISSING_COLUMN", "WRONG_DELIMITER"),
    ),
    Hostile(18, "semicolons", GOOD.replace(b",", b";"), FINE),
    Hostile(18, "tabs", GOOD.replace(b",", b"\t"), FINE),
    Hostile(
        19,
        "field of ten megabytes",
        lambda: _rows(b"B1,Boot," + b"x" * 10_000_000 + b",y"),
        ROW,
        ("DATA_TOO_LARGE",),
        also=("RECORD_TOO_LONG",),
    ),
    Hostile(
        20,
        "one endless line",
        lambda: HEAD + b"B1,Boot," + b"x" * 100_000_000,
        FAILS,
        ("RECORD_TOO_LONG",),
        megabytes=500,
    ),
    Hostile(
        20,
        "one endless header",
        lambda: b"id,item_name," + b"x" * 100_000_000,
        FAILS,
        ("RECORD_TOO_LONG",),
        also=("TOO_MANY_COLUMNS",),
        megabytes=500,
    ),
    Hostile(
        21,
        "a hundred thousand columns",
        lambda: (
            "id,item_name," + ",".join(f"metadata:{n}" for n in range(100_000)) + "\nB1,Boot" + "," * 100_000 + "\n"
        ).encode(),
        FAILS,
        ("TOO_MANY_COLUMNS",),
    ),
    Hostile(22, "blank lines", b"\n" + HEAD + b"\nB1,Boot,1,x\n\n\nB2,Shoe,2,y\n\n", FINE),
    Hostile(23, "row of delimiters only", _rows(b",,,", b"B1,Boot,1,x"), ROW, ("MISSING_KEY",)),
    Hostile(24, "blank id", _rows(b",Boot,1,x"), ROW, ("MISSING_KEY",)),
    Hostile(24, "id of 251 characters", _rows(b"x" * 251 + b",Boot,1,x"), ROW, ("TOO_LONG",)),
    Hostile(24, "id of white space", _rows(b"   ,Boot,1,x"), ROW, ("MISSING_KEY",)),
    Hostile(
        25,
        "ids that look alike",
        _rows(b"b1,Boot,1,x", b"B1,Boot,1,x", "é,E,1,x".encode(), "e\u0301,E,1,x".encode()),
        FINE,
    ),
    Hostile(26, "duplicate id", _rows(b"B1,Boot,1,x", b"B1,Shoe,1,x"), WARNING, ("DUPLICATE_ITEM",)),
    Hostile(
        27,
        "odd ids",
        _rows(
            *[
                one.encode() + b",Boot,1,x"
                for one in ("__proto__", "NULL", "NaN", "true", "00123", "1e5", "👢", "\u202ex", "-1", "..")
            ]
        ),
        FINE,
    ),
    Hostile(28, "price words", _rows(b'B1,Boot,"12,99 \xe2\x82\xac",x', b"B2,Shoe,1e9,x", b"B3,Hat,+inf,x"), FINE),
    Hostile(28, "score with an exponent", b"id,item_name,suggested_score\nB1,Boot,1e3\n", ROW, ("BAD_INTEGER",)),
    Hostile(28, "score with a comma", b'id,item_name,suggested_score\nB1,Boot,"1,000"\n', ROW, ("BAD_INTEGER",)),
    Hostile(
        28,
        "score beyond 64 bits",
        b"id,item_name,suggested_score\nB1,Boot,99999999999999999999\n",
        ROW,
        ("BAD_INTEGER",),
        also=("OUT_OF_RANGE",),
    ),
    Hostile(28, "flag in words", b"id,item_name,active\nB1,Boot,yes\n", ROW, ("BAD_FLAG",)),
    Hostile(30, "formulas", _rows(b"=1+1,@Boot,+1,-x", b'B2,Shoe,"\t=cmd",@x'), FINE),
    Hostile(
        31,
        "sql and shell",
        _rows(b"B1,'; DROP TABLE items; --,$(rm -rf /),\\", b'B2,"Robert""); DELETE",`id`,%s'),
        FINE,
    ),
    Hostile(31, "sql as ids", _rows(b"x' OR '1'='1,Boot,1,x", b"{{7*7}},Boot,1,x"), FINE),
    Hostile(
        32,
        "columns like sql",
        b'id,item_name,metadata:select,metadata:"x"" y",metadata:_row,metadata:_from\nB1,Boot,1,2,3,4\n',
        FINE,
        also=("QUOTE_IN_FIELD",),
    ),
    Hostile(
        32, "columns that differ in case", b"id,item_name,facet:Color,facet:color,facet:COLOR\nB1,Boot,1,2,3\n", FINE
    ),
    Hostile(32, "column name of a thousand", b"id,item_name,metadata:" + b"x" * 1000 + b"\nB1,Boot,1\n", FINE),
    Hostile(
        32,
        "column name of ten thousand",
        b"id,item_name,metadata:" + b"x" * 10_000 + b"\nB1,Boot,1\n",
        FAILS,
        ("TOO_LONG",),
    ),
    Hostile(
        33,
        "two thousand new columns",
        lambda: (
            "id,item_name," + ",".join(f"metadata:c{n}" for n in range(2000)) + "\nB1,Boot" + ",v" * 2000 + "\n"
        ).encode(),
        FINE,
        seconds=40,
        megabytes=900,
    ),
]
