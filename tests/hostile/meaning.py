"""Feeds that are well-formed and harmful (section 4 of the list). The catalog has items A1 to A4 with two
variations each (V1 to V8) and the groups all > shoes > boots; A1 is in boots."""

from __future__ import annotations

from .shape import FAILS, FINE, REFUSED, WARNING, Hostile

JSON = "key_a1_Products_{op}_2026-11-21-00-00-00.json"


def _items(*keys: str) -> bytes:
    return b"id,item_name\n" + b"".join(f"{key},Item {key}\n".encode() for key in keys)


MEANING = [
    Hostile(69, "half is removed", _items("A1", "A2"), FINE, operation="sync"),
    Hostile(69, "more than half is removed", _items("A1"), REFUSED, operation="sync"),
    Hostile(69, "everything is replaced", _items("B1", "B2", "B3", "B4", "B5"), REFUSED, operation="sync"),
    Hostile(
        71,
        "everything is deactivated",
        b"id,active\nA1,false\nA2,false\nA3,false\nA4,false\n",
        REFUSED,
        operation="patchdelta",
    ),
    Hostile(74, "orphan", b"variation_id,item_id\nW1,nobody\n", FAILS, ("ORPHAN",)),
    Hostile(75, "group cycle", b'id,name,parent_ids\nall,All,"[""boots""]"\n', FAILS, ("GROUP_CYCLE",)),
    Hostile(75, "group is its own parent", b'id,name,parent_ids\nx,X,"[""x""]"\n', FAILS, ("GROUP_CYCLE",)),
    Hostile(75, "missing parent", b'id,name,parent_ids\nx,X,"[""nowhere""]"\n', FAILS, ("UNKNOWN_PARENT",)),
    Hostile(75, "two roots", b'id,name,parent_ids\nx,X,"[]"\n', WARNING, ("SEVERAL_ROOTS",)),
    Hostile(75, "parents are no JSON", b"id,name,parent_ids\nx,X,all\n", FAILS, ("BAD_JSON",), also=("BAD_TYPE",)),
    Hostile(
        76,
        "group with a child is removed",
        b'{"item_groups":[{"id":"shoes"}]}',
        FAILS,
        ("GROUP_HAS_CHILDREN",),
        operation="delete",
        file=JSON,
    ),
    Hostile(
        77,
        "unknown record in a patch",
        b"id,metadata:m\nA1,1\nZ1,1\nZ2,1\n",
        FAILS,
        ("UNKNOWN_RECORD",),
        operation="patchdelta",
    ),
    Hostile(78, "extra column in delete", b"id,item_name\nA1,\n", FAILS, ("EXTRA_COLUMN",), operation="delete"),
    Hostile(
        78,
        "extra column in whitelist",
        b"id,note\nA1,\n",
        FAILS,
        ("EXTRA_COLUMN",),
        also=("UNKNOWN_COLUMN",),
        operation="whitelist",
    ),
    Hostile(
        79,
        "whitelist of nothing known",
        b"id\nZ1\n",
        REFUSED,
        ("UNKNOWN_ID",),
        operation="whitelist",
    ),
    Hostile(80, "narrow delta", b"id,item_name\nA2,Item A2\n", WARNING, ("DELTA_NARROW",)),
    Hostile(
        86,
        "data over 200 kB",
        lambda: b"id,item_name,metadata:m\nB1,Boot," + b"x" * 200_001 + b"\n",
        FAILS,
        ("DATA_TOO_LARGE",),
    ),
    Hostile(
        86,
        "average over 30 kB",
        lambda: b"id,item_name,metadata:m\n" + b"".join(b"B%d,Boot,%s\n" % (n, b"x" * 150_000) for n in range(10)),
        FAILS,
        ("AVERAGE_TOO_LARGE",),
    ),
]
NAMES = [
    ("key_a1_Products_2026-11-21.csv", "operation"),
    ("key_a1_Products_SYNC_2026-11-21.csv", "operation"),
    ("key_a1_Products_upsert_2026-11-21.csv", "operation"),
    ("key_a1_Products_sync_force_2026-11-21.csv", "force"),
    ("key_a1_Products_sync_2026_11_21.csv", "timestamp"),
    ("key_a1_Products_sync.csv", "timestamp"),
    ("key_a1_sync_2026-11-21.csv", "section"),
    ("key_a1_Products_sync_2026-11-21.zip", "extension"),
    ("key_a1_Products_sync_2026-11-21", "extension"),
    ("feed.csv", "operation"),
    ("x" * 240 + "_sync.csv", "timestamp"),
    ("ключ_Products_sync_2026-11-21.csv", "key"),
]
