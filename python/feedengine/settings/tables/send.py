"""Settings of sending, and what `[targets.NAME]` may say."""

from __future__ import annotations

from feedengine.settings import kinds, sending_kinds
from feedengine.settings.setting import Key, Setting
from feedengine.settings.tables.connection import CONNECTION

ROWS: tuple[Setting, ...] = (
    Setting("outbox", "at_once", kinds.whole(1, 256), 8, "most destinations that are sent to at the same time"),
    Setting("outbox", "keep_days", kinds.whole(0, 36500), 30, "days that files are kept after they were sent"),
)

#: Keys of `[targets.NAME]`.
KEYS: tuple[Key, ...] = (
    *CONNECTION,
    Key(
        "temporary",
        sending_kinds.temporary_name,
        ".{name}.part",
        'what a file is called while it is sent, for example "{name}.filepart"; empty = its own name at once',
    ),
    Key(
        "check",
        kinds.choice("hash", "size", "none"),
        "hash",
        "what is compared before a file gets its name: hash (size where the server has none), size, none",
    ),
    Key(
        "existing",
        kinds.choice("replace", "fail"),
        "replace",
        "another file of that name is there: replace it, or fail",
    ),
    Key("attempts", kinds.whole(1, 100_000), 100, "attempts for a delivery before it is given up"),
    Key("first_wait", kinds.duration(0.1), 1.0, "seconds before the second attempt; doubled for each one after it"),
    Key("longest_wait", kinds.duration(1), 300.0, "most seconds between two attempts"),
    Key(
        "blackout", sending_kinds.window, "", 'hours in which nothing is sent, for example "22:00-06:00"; empty = none'
    ),
    Key("time_zone", sending_kinds.time_zone, "UTC", "the time zone of blackout"),
    Key("reports", kinds.text, "", "folder there in which reports of what was sent appear; empty = none is waited for"),
    Key("key", kinds.text, "", "publish: the receiver's key; empty = the catalog's own"),
    Key("section", kinds.text, "", "publish: the receiver's section; empty = the catalog's own"),
    Key("records_per_file", kinds.whole(0), 0, "publish: most records of one entity in a file; 0 = no limit"),
    Key("bytes_per_file", kinds.size(0), 0, "publish: most bytes of one entity in a file before packing; 0 = no limit"),
    Key("removal_limit", kinds.limit, "50%", "publish: removals beyond this would be refused there, so are not sent"),
)
