"""Hostile archives and names (section 3 of the list)."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

from .shape import FAILS, FINE, WARNING, Hostile, special, tar, targz

TARGZ = "key_a1_Products_{op}_2026-11-21-00-00-00.tar.gz"
EXPANSION = (("FEEDENGINE_LIMITS_MAX_EXPANSION", "100"),)
CSV = b"id,item_name\nB1,Boot\n"
GROUPS = b'id,name,parent_ids\nall,All,"[]"\n'
ITEMS = ("items.csv", CSV)


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("items.csv", CSV)
    return out.getvalue()


def _bomb() -> bytes:
    """2 GiB of blank lines in 2 MB."""
    info = tarfile.TarInfo("items.csv")
    lines = gzip.compress(b"\n" * (64 << 20), 9)
    info.size = len(CSV) + (2 << 30)
    return gzip.compress(info.tobuf() + CSV, 9) + lines * 32 + gzip.compress(bytes(2048 - info.size % 512))


def _flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


GOOD = targz(ITEMS)

ARCHIVES = [
    Hostile(52, "cut gzip", GOOD[: len(GOOD) // 2], FAILS, ("ARCHIVE_TRUNCATED",), file=TARGZ),
    Hostile(52, "gzip without its trailer", GOOD[:-8], FAILS, ("ARCHIVE_TRUNCATED",), file=TARGZ),
    Hostile(52, "gzip header only", GOOD[:10], FAILS, ("ARCHIVE_TRUNCATED",), also=("EMPTY_FILE",), file=TARGZ),
    Hostile(53, "wrong checksum", _flip(GOOD, len(GOOD) - 8), FAILS, ("ARCHIVE_CORRUPT",), file=TARGZ),
    Hostile(53, "wrong length", _flip(GOOD, len(GOOD) - 1), FAILS, ("ARCHIVE_CORRUPT",), file=TARGZ),
    Hostile(
        53,
        "flipped byte",
        _flip(GOOD, len(GOOD) // 2),
        FAILS,
        ("ARCHIVE_CORRUPT",),
        also=("ARCHIVE_TRUNCATED",),
        file=TARGZ,
    ),
    Hostile(
        54,
        "two gzip members",
        lambda: gzip.compress(tar(ITEMS)[:700]) + gzip.compress(tar(ITEMS)[700:]),
        FINE,
        file=TARGZ,
    ),
    Hostile(54, "garbage after gzip", GOOD + b"garbage after the end", FAILS, ("TRAILING_GARBAGE",), file=TARGZ),
    Hostile(54, "zero padding after gzip", GOOD + bytes(512), FINE, file=TARGZ),
    Hostile(55, "bomb", _bomb, FAILS, ("ARCHIVE_BOMB",), settings=EXPANSION, file=TARGZ, seconds=60),
    Hostile(56, "tar without its end", gzip.compress(tar(ITEMS)[:1024]), FAILS, ("ARCHIVE_TRUNCATED",), file=TARGZ),
    Hostile(
        56,
        "tar cut in a member",
        gzip.compress(tar(("items.csv", CSV + b"x" * 2000))[:1024]),
        FAILS,
        ("ARCHIVE_TRUNCATED",),
        file=TARGZ,
    ),
    Hostile(
        56,
        "plain tar without its end",
        tar(ITEMS)[:1024],
        FAILS,
        ("ARCHIVE_TRUNCATED",),
        file=TARGZ.removesuffix(".gz"),
    ),
    Hostile(57, "parent folder", targz(("../items.csv", CSV)), FAILS, ("ARCHIVE_PATH",), file=TARGZ),
    Hostile(57, "parent folder inside", targz(("x/../../items.csv", CSV)), FAILS, ("ARCHIVE_PATH",), file=TARGZ),
    Hostile(57, "absolute path", targz(("/etc/items.csv", CSV)), FAILS, ("ARCHIVE_PATH",), file=TARGZ),
    Hostile(57, "windows path", targz(("C:\\items.csv", CSV)), FAILS, ("ARCHIVE_PATH",), file=TARGZ),
    Hostile(
        57, "symlink", targz(special("items.csv", tarfile.SYMTYPE, "/etc/passwd")), FAILS, ("ARCHIVE_LINK",), file=TARGZ
    ),
    Hostile(
        57,
        "hard link",
        targz(ITEMS, special("variations.csv", tarfile.LNKTYPE, "items.csv")),
        FAILS,
        ("ARCHIVE_LINK",),
        file=TARGZ,
    ),
    Hostile(
        57, "character device", targz(special("items.csv", tarfile.CHRTYPE)), FAILS, ("ARCHIVE_SPECIAL",), file=TARGZ
    ),
    Hostile(57, "fifo", targz(special("items.csv", tarfile.FIFOTYPE)), FAILS, ("ARCHIVE_SPECIAL",), file=TARGZ),
    Hostile(58, "items twice", targz(ITEMS, ITEMS), FAILS, ("ARCHIVE_DUPLICATE",), file=TARGZ),
    Hostile(
        58,
        "items in two formats",
        targz(ITEMS, ("items.jsonl", b'{"id":"B2","name":"Shoe"}\n')),
        FAILS,
        ("ARCHIVE_DUPLICATE",),
        file=TARGZ,
    ),
    Hostile(59, "items in a folder", targz(("feed/items.csv", CSV)), FAILS, ("ARCHIVE_NESTED",), file=TARGZ),
    Hostile(
        60,
        "mac leftovers",
        targz(("._items.csv", b"\x00mac"), (".DS_Store", b"x"), ("./items.csv", CSV)),
        FINE,
        file=TARGZ,
    ),
    Hostile(
        60,
        "pax headers",
        targz(ITEMS, (("x" * 200) + ".txt", b"-"), format=tarfile.PAX_FORMAT),
        WARNING,
        ("UNKNOWN_MEMBER_FILE",),
        file=TARGZ,
    ),
    Hostile(
        60,
        "gnu long name",
        targz(ITEMS, (("x" * 200) + ".txt", b"-"), format=tarfile.GNU_FORMAT),
        WARNING,
        ("UNKNOWN_MEMBER_FILE",),
        file=TARGZ,
    ),
    Hostile(61, "unknown member", targz(ITEMS, ("item.jsonl", b"{}")), WARNING, ("UNKNOWN_MEMBER_FILE",), file=TARGZ),
    Hostile(
        61,
        "only unknown members",
        targz(("item.jsonl", b'{"id":"B1"}')),
        FAILS,
        ("ARCHIVE_EMPTY",),
        also=("UNKNOWN_MEMBER_FILE",),
        file=TARGZ,
    ),
    Hostile(61, "no members", targz(), FAILS, ("ARCHIVE_EMPTY",), file=TARGZ),
    Hostile(62, "gzip named csv", GOOD, WARNING, ("NAME_MISMATCH",), file=TARGZ.replace("tar.gz", "csv")),
    Hostile(62, "csv named tar.gz", CSV, WARNING, ("NAME_MISMATCH",), file=TARGZ),
    Hostile(63, "zip", _zip, FAILS, ("ZIP_NOT_SUPPORTED",), file=TARGZ),
    Hostile(1, "empty member", targz(("items.csv", b"")), FAILS, ("EMPTY_FILE",), also=("EMPTY_ENTITY",), file=TARGZ),
    Hostile(
        2,
        "one member with a header only",
        targz(ITEMS, ("item_groups.csv", b"id,name,parent_ids\n")),
        FAILS,
        ("EMPTY_ENTITY",),
        file=TARGZ,
    ),
    Hostile(
        32,
        "one good and one bad member",
        targz(("item_groups.csv", GROUPS), ("items.csv", b"id,item_name\nB1,Boot,\xff\n")),
        FAILS,
        ("NOT_UTF8",),
        also=("LONG_ROW",),
        file=TARGZ,
    ),
]
