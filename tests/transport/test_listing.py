"""Listings as servers write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feedengine.transport.listing import list_, mlsd, only_files

NOW = datetime(2026, 11, 21, 16, tzinfo=UTC)


def one(line: str) -> tuple[str, int | None, str | None, bool] | None:
    found = list(list_([line], NOW))
    if not found:
        return None
    entry, link = found[0]
    return entry.name, entry.bytes, entry.modified.strftime("%Y-%m-%dT%H:%M") if entry.modified else None, link


@pytest.mark.feature("L30")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-rw-r--r--    1 1000     users        4096 Nov 21 15:52 a.csv", ("a.csv", 4096, "2026-11-21T15:52", False)),
        ("-rw-r--r--   1 ftp ftp  12 Dec 24 08:00 a  b.csv", ("a  b.csv", 12, "2025-12-24T08:00", False)),
        ("-rw-r--r--   1 ftp ftp  12 Nov 22 01:00 ahead.csv", ("ahead.csv", 12, "2026-11-22T01:00", False)),
        ("-rw-rw-r--+  1 a domain users 5 Mar  3  2024  x.csv", (" x.csv", 5, "2024-03-03T00:00", False)),
        ("-rw-r--r--   1 ftp 12 Feb 29 08:00 leap.csv", ("leap.csv", 12, None, False)),
        ("lrwxrwxrwx   1 a b 7 Nov 20 10:00 now.csv -> a.csv", ("now.csv", 7, "2026-11-20T10:00", True)),
        ("-rw-r--r-- 1 a b 33 2026-11-20 09:08 iso.csv", ("iso.csv", 33, "2026-11-20T09:08", False)),
        ("-rw-r--r-- 1 a b 33 2026-11-20 09:08:07.123456789 +0000 f.csv", ("f.csv", 33, "2026-11-20T09:08", False)),
        ("11-21-26  03:52PM                 4096 a b.csv", ("a b.csv", 4096, "2026-11-21T15:52", False)),
        ("11-21-2026  12:05AM               17 a.csv", ("a.csv", 17, "2026-11-21T00:05", False)),
        ("2026-11-21  15:52                 17 a.csv", ("a.csv", 17, "2026-11-21T15:52", False)),
        ("11-21-26  03:52PM       <DIR>          folder", None),
        ("drwxr-xr-x    2 0        0            4096 Nov 21 15:52 folder", None),
        ("total 12", None),
        ("", None),
    ],
)
def test_list(line: str, expected: tuple[str, int, str, bool] | None) -> None:
    assert one(line) == expected


def test_mlsd() -> None:
    lines = [
        "type=cdir;modify=20261121020304; .",
        "Type=file;Size=12;Modify=20261121020304.123;UNIX.mode=0644; a b;c.csv",
        "type=dir;sizd=4096; folder",
        "type=OS.unix=slink:/x;size=3; link.csv",
        "type=file;size=x;modify=99999999999999; odd.csv",
        "size=4; plain.csv",
        "type=file;size=1; /full/path.csv",
        "nonsense",
    ]
    found = [(entry.name, entry.bytes, entry.modified is not None, link) for entry, link in mlsd(lines)]
    assert found == [
        ("a b;c.csv", 12, True, False),
        ("link.csv", 3, False, True),
        ("odd.csv", None, False, False),
        ("plain.csv", 4, False, False),
        ("path.csv", 1, False, False),
    ]


def test_files_are_listed_once_by_name_and_none_leads_out_of_the_folder() -> None:
    entries = [entry for entry, _ in list_([f"-rw-r--r-- 1 a b 1 Nov 20 10:00 {name}" for name in
                                            ("b", "..", "a", "b", "../x", ".")], NOW)]  # fmt: skip
    assert [entry.name for entry in only_files(entries)] == ["a", "b"]
